//! Types of values, and their text: `u64`, `option<address>`, `vec<(u8, string)>`, `[u8; 4]`.

use std::{fmt, str::FromStr};

use borsh::{BorshDeserialize, BorshSerialize, io};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How deep types may be inside each other, each by itself.
const MAX_DEPTH: u32 = 16;

/// The type of a value, which is encoded with borsh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Type {
    /// Nothing: `()`.
    #[default]
    Unit,
    /// `bool`.
    Bool,
    /// An unsigned integer of 8, 16, 32, 64 or 128 bits: `u8` and so on.
    Unsigned(u32),
    /// A signed integer of as many bits: `i8` and so on.
    Signed(u32),
    /// A text in UTF-8: `string`.
    String,
    /// Bytes: `bytes`.
    Bytes,
    /// 32 bytes that name an account or a contract: `address`.
    Address,
    /// A value or none: `option<T>`.
    Option(Box<Type>),
    /// Any number of values: `vec<T>`.
    Vec(Box<Type>),
    /// So many values: `[T; 4]`.
    Array(Box<Type>, u32),
    /// Several values: `(T, U)`.
    Tuple(Vec<Type>),
    /// A type that the interface defines, by its name.
    Named(String),
}

/// Why a text is no type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not a type: {reason}")]
pub struct TypeError {
    text: String,
    reason: &'static str,
}

const BITS: [u32; 5] = [8, 16, 32, 64, 128];

impl Type {
    /// Whether the values are bytes, which texts have in hexadecimal: `bytes`, `vec<u8>` and
    /// `[u8; N]`.
    #[must_use]
    pub fn is_bytes(&self) -> bool {
        match self {
            Type::Bytes => true,
            Type::Vec(inner) | Type::Array(inner, _) => **inner == Type::Unsigned(8),
            _ => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Unit => formatter.write_str("()"),
            Type::Bool => formatter.write_str("bool"),
            Type::Unsigned(bits) => write!(formatter, "u{bits}"),
            Type::Signed(bits) => write!(formatter, "i{bits}"),
            Type::String => formatter.write_str("string"),
            Type::Bytes => formatter.write_str("bytes"),
            Type::Address => formatter.write_str("address"),
            Type::Option(inner) => write!(formatter, "option<{inner}>"),
            Type::Vec(inner) => write!(formatter, "vec<{inner}>"),
            Type::Array(inner, length) => write!(formatter, "[{inner}; {length}]"),
            Type::Tuple(types) => {
                formatter.write_str("(")?;
                for (position, inner) in types.iter().enumerate() {
                    if position > 0 {
                        formatter.write_str(", ")?;
                    }
                    inner.fmt(formatter)?;
                }
                // As in Rust, one value in parentheses is no tuple.
                formatter.write_str(if types.len() == 1 { ",)" } else { ")" })
            }
            Type::Named(name) => formatter.write_str(name),
        }
    }
}

impl FromStr for Type {
    type Err = TypeError;

    fn from_str(text: &str) -> Result<Self, TypeError> {
        let fail = |reason| TypeError {
            text: text.chars().take(64).collect(),
            reason,
        };
        let mut parser = Parser { rest: text };
        let found = parser.read(0).map_err(fail)?;
        if !parser.rest.is_empty() {
            return Err(fail("something follows it"));
        }
        // One text for each type, so that one interface has one encoding.
        if found.to_string() != text {
            return Err(fail("it is not written as it is shown"));
        }
        Ok(found)
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn read(&mut self, depth: u32) -> Result<Type, &'static str> {
        if depth > MAX_DEPTH {
            return Err("it is too deep");
        }
        let inside = depth.saturating_add(1);
        if self.take("(") {
            return self.tuple(inside);
        }
        if self.take("[") {
            let inner = self.read(inside)?;
            self.expect("; ")?;
            let end = self.rest.find(']').ok_or("a bracket is missing")?;
            let (length, _) = self.rest.split_at_checked(end).unwrap_or_default();
            let length = length.parse().map_err(|_| "the length is no number")?;
            self.rest = self.rest.get(end..).unwrap_or_default();
            self.expect("]")?;
            return Ok(Type::Array(Box::new(inner), length));
        }
        let end = self
            .rest
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        let word = word.to_owned();
        self.rest = rest;
        Ok(match word.as_str() {
            "bool" => Type::Bool,
            "string" => Type::String,
            "bytes" => Type::Bytes,
            "address" => Type::Address,
            "option" => Type::Option(Box::new(self.argument(inside)?)),
            "vec" => Type::Vec(Box::new(self.argument(inside)?)),
            _ => match (integer(&word), word.chars().next()) {
                (Some(integer), _) => integer,
                (None, Some('A'..='Z')) => Type::Named(word),
                _ => return Err("there is none of this name"),
            },
        })
    }

    fn tuple(&mut self, depth: u32) -> Result<Type, &'static str> {
        let mut types = Vec::new();
        if self.take(")") {
            return Ok(Type::Unit);
        }
        loop {
            types.push(self.read(depth)?);
            if self.take(", ") {
                continue;
            }
            if types.len() == 1 {
                self.expect(",")?;
            }
            self.expect(")")?;
            return Ok(Type::Tuple(types));
        }
    }

    fn argument(&mut self, depth: u32) -> Result<Type, &'static str> {
        self.expect("<")?;
        let inner = self.read(depth)?;
        self.expect(">")?;
        Ok(inner)
    }

    fn expect(&mut self, text: &str) -> Result<(), &'static str> {
        match self.take(text) {
            true => Ok(()),
            false => Err("a sign is missing"),
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

fn integer(word: &str) -> Option<Type> {
    let (sign, bits) = word.split_at_checked(1)?;
    let bits = bits.parse().ok().filter(|bits| BITS.contains(bits))?;
    match sign {
        "u" => Some(Type::Unsigned(bits)),
        "i" => Some(Type::Signed(bits)),
        _ => None,
    }
}

impl From<Type> for String {
    fn from(value: Type) -> Self {
        value.to_string()
    }
}

impl TryFrom<String> for Type {
    type Error = TypeError;

    fn try_from(text: String) -> Result<Self, TypeError> {
        text.parse()
    }
}

impl BorshSerialize for Type {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        BorshSerialize::serialize(&self.to_string(), writer)
    }
}

impl BorshDeserialize for Type {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let text = String::deserialize_reader(reader)?;
        text.parse()
            .map_err(|error: TypeError| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}
