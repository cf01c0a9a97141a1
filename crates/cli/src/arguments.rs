//! Arguments by the interface of a contract: words from the command line as the types that a method
//! declares.
//!
//! An interface may be wrong. [`crate::values`] has the arguments of methods without one.

use fusee::{
    chain::Address,
    interface::{Field, Interface, Kind, Method, Type},
};
use serde_json::{Map, Value};

use crate::{
    failure::Failure,
    interfaces::signature,
    values::{self, parse_hex},
};

/// The syntax of `--args` for methods with an interface.
const GRAMMAR: &str = "\
If the contract has an interface (see `fusee interface`) that has the method, each argument (--args)
is read as the type that the method declares. Arguments are in order, or each as NAME=VALUE:
  250  1_000  0xff     an integer, with its range checked
  true                 bool
  @alice               address: account name, full address, or first digits of a contract
  hello                string, or a variant of an enum
  0x0102               bytes, vec<u8>, or [u8; N];  '{\"file\":\"a.wasm\"}'  bytes, the contents of the file
  null                 an absent option; a present one is its value
  '[1,\"@bob\"]'         vec, array or tuple
  '{\"a\":1,\"b\":true}'   a struct;              '{\"Some\":{\"a\":1}}'   a variant with fields
--no-interface turns that off, and --input has raw bytes instead.";

/// The syntax of `--args`, for the help.
pub(crate) fn grammar() -> String {
    format!("{GRAMMAR}\n\n{}", values::GRAMMAR)
}

/// Resolves the name of an address.
type Resolve<'a> = &'a dyn Fn(&str) -> Result<Address, Failure>;

/// How to give arguments that an interface has wrong.
const OTHERWISE: &str = "if the interface is wrong, pass raw bytes with --input, or --no-interface";

/// Encodes the arguments of a method: by its interface if it has one, and otherwise by the form of
/// the words.
pub(crate) fn encode(
    words: &[String],
    interface: Option<&Interface>,
    method: &str,
    resolve: Resolve<'_>,
) -> Result<Vec<u8>, Failure> {
    let declared = interface.and_then(|interface| Some((interface, interface.method(method)?)));
    let Some((interface, method)) = declared else {
        return values::encode(words, resolve);
    };
    let words = in_order(words, method)?;
    let mut bytes = Vec::new();
    let places = method.args.iter().zip(words).zip(1..);
    for ((field, word), number) in places {
        let place = Place {
            interface,
            resolve,
            label: format!("argument {number} of `{}`", method.name),
            name: &field.name,
            signature: signature(method),
        };
        bytes.extend(place.write(field, word)?);
    }
    Ok(bytes)
}

/// The words in the order of the arguments. They are in order already, or each has its name.
fn in_order<'a>(words: &'a [String], method: &Method) -> Result<Vec<&'a str>, Failure> {
    let named = |word: &'a String| {
        let (name, value) = word.split_once('=')?;
        let mut fields = method.args.iter();
        let position = fields.position(|field| field.name == name)?;
        Some((position, value))
    };
    let refuse = |message: String| {
        let shown = signature(method);
        let next = format!("the method is `{shown}`; {OTHERWISE}");
        Failure::usage(message).next(next)
    };
    let by_name: Option<Vec<(usize, &str)>> = words.iter().map(named).collect();
    let Some(mut by_name) = by_name.filter(|found| !found.is_empty()) else {
        return match words.len() == method.args.len() {
            true => Ok(words.iter().map(String::as_str).collect()),
            false => Err(refuse(counted(words.len(), method))),
        };
    };
    by_name.sort_unstable();
    for (field, position) in method.args.iter().zip(0..) {
        let given = by_name.iter().filter(|(of, _)| *of == position).count();
        if given != 1 {
            let name = &field.name;
            let how_often = if given == 0 { "missing" } else { "given twice" };
            return Err(refuse(format!(
                "the argument `{name}` of `{}` is {how_often}",
                method.name
            )));
        }
    }
    Ok(by_name.into_iter().map(|(_, value)| value).collect())
}

/// `transfer` takes 2 arguments, and 1 is given.
fn counted(given: usize, method: &Method) -> String {
    let takes = match method.args.len() {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        several => format!("{several} arguments"),
    };
    let given = match given {
        0 => "none is given".to_owned(),
        1 => "1 is given".to_owned(),
        several => format!("{several} are given"),
    };
    format!("`{}` takes {takes}, and {given}", method.name)
}

/// An argument of a method, with what its values are read by.
struct Place<'a> {
    interface: &'a Interface,
    resolve: Resolve<'a>,
    /// Which argument this is.
    label: String,
    name: &'a str,
    signature: String,
}

impl Place<'_> {
    fn write(&self, field: &Field, word: &str) -> Result<Vec<u8>, Failure> {
        let value = self.parse(&field.value_type, word);
        let value =
            value.map_err(|reason| self.refuse(&format!("{}: `{word}` {reason}", self.name)))?;
        let value = self.canonical(&field.value_type, value)?;
        let (field, values) = (std::slice::from_ref(field), Value::Array(vec![value]));
        let written = self.interface.write_fields(field, &values);
        written.map_err(|error| self.refuse(&error.to_string()))
    }

    /// A word as JSON. Only types that JSON has no word for need its syntax.
    fn parse(&self, value_type: &Type, word: &str) -> Result<Value, String> {
        let is_json = word.starts_with(['{', '[', '"']);
        let text = || Ok(Value::String(word.to_owned()));
        match value_type {
            Type::String if !is_json => text(),
            // A text may begin as JSON does.
            Type::String => match serde_json::from_str(word) {
                Ok(Value::String(quoted)) => Ok(Value::String(quoted)),
                Ok(value) if value.get("string").is_some_and(Value::is_string) => Ok(value),
                _ => text(),
            },
            Type::Option(_) if word == "null" => Ok(Value::Null),
            Type::Option(inner) if !is_json => {
                let value = self.parse(inner, word)?;
                Ok(Value::Array(vec![value]))
            }
            Type::Unsigned(_) | Type::Signed(_) | Type::Bytes | Type::Address if !is_json => text(),
            Type::Named(name) if !is_json && self.is_enum(name) => text(),
            Type::Vec(_) | Type::Array(..) if word.starts_with("0x") => text(),
            Type::Unit if word == "()" => Ok(Value::Null),
            _ => serde_json::from_str(word).map_err(|error| match (is_json, value_type) {
                (true, _) => format!("is not valid JSON: {error}"),
                (false, Type::Bool) => "is no bool (true or false)".to_owned(),
                (false, _) => format!("is no {value_type}, which is written as JSON"),
            }),
        }
    }

    fn is_enum(&self, name: &str) -> bool {
        let definition = self.interface.definition(name);
        definition.is_some_and(|found| matches!(found.kind, Kind::Enum(_)))
    }

    /// The value as the interface writes it: with addresses instead of names, and plain numbers.
    /// What does not fit stays as it is, for the interface to refuse.
    fn canonical(&self, value_type: &Type, value: Value) -> Result<Value, Failure> {
        let value = match value {
            Value::Object(map) => match self.explicit(value_type, map)? {
                Value::Object(map) => return self.named(value_type, Value::Object(map)),
                value => value,
            },
            value => value,
        };
        Ok(match (value_type, value) {
            (Type::Unsigned(_) | Type::Signed(_), Value::String(text)) => plain_number(&text),
            (Type::Address, Value::String(text)) => {
                let address = (self.resolve)(&text);
                let address = address
                    .map_err(|failure| failure.within(&format!("{}: {}", self.label, self.name)))?;
                Value::String(format!("0x{address}"))
            }
            (Type::Vec(inner) | Type::Array(inner, _), Value::String(text))
                if **inner == Type::Unsigned(8) =>
            {
                match text.strip_prefix("0x").map(parse_hex) {
                    Some(Ok(bytes)) => bytes.into_iter().map(Value::from).collect(),
                    _ => Value::String(text),
                }
            }
            (Type::Vec(inner) | Type::Array(inner, _), Value::Array(values)) => {
                self.each(values, |_| Some(inner))?
            }
            (Type::Tuple(types), Value::Array(values)) => {
                self.each(values, |position| types.get(position))?
            }
            (Type::Option(inner), Value::Array(values)) => self.each(values, |_| Some(inner))?,
            (Type::Option(_), Value::Null) => Value::Null,
            (Type::Option(inner), value) => Value::Array(vec![self.canonical(inner, value)?]),
            (Type::Named(_), value) => self.named(value_type, value)?,
            (_, value) => value,
        })
    }

    fn each<'a>(
        &self,
        values: Vec<Value>,
        of: impl Fn(usize) -> Option<&'a Type>,
    ) -> Result<Value, Failure> {
        let values = values.into_iter().enumerate();
        let values = values.map(|(position, value)| match of(position) {
            Some(inner) => self.canonical(inner, value),
            None => Ok(value),
        });
        Ok(Value::Array(values.collect::<Result<_, _>>()?))
    }

    /// The value of an object that names the declared type, as `{"u64": 5}` does, or of
    /// `{"some": 5}` and `{"file": "a.wasm"}`. Another object stays as it is.
    fn explicit(&self, value_type: &Type, map: Map<String, Value>) -> Result<Value, Failure> {
        let mut entries = map.iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else {
            return Ok(Value::Object(map));
        };
        Ok(match (value_type, name.as_str(), value) {
            (Type::Named(_), ..) => Value::Object(map),
            (Type::Option(_), "some", value) => Value::Array(vec![value.clone()]),
            (Type::Bytes, "file", Value::String(path)) => {
                let bytes = values::read_file(&self.label, path)?;
                Value::String(format!("0x{}", hex::encode(bytes)))
            }
            (_, name, value) if name == value_type.to_string() => value.clone(),
            _ => Value::Object(map),
        })
    }

    /// A struct, or a variant of an enum.
    fn named(&self, value_type: &Type, value: Value) -> Result<Value, Failure> {
        let Type::Named(name) = value_type else {
            return Ok(value);
        };
        match (
            self.interface.definition(name).map(|found| &found.kind),
            value,
        ) {
            (Some(Kind::Struct(fields)), value) => self.fields(fields, value),
            (Some(Kind::Enum(variants)), Value::Object(map)) => {
                let chosen = map.into_iter().map(|(name, value)| {
                    let mut known = variants.iter();
                    let fields = known.find(|variant| variant.name == name);
                    let fields = fields.map(|variant| variant.fields.as_slice());
                    let value = self.fields(fields.unwrap_or_default(), value)?;
                    Ok((name, value))
                });
                Ok(Value::Object(chosen.collect::<Result<_, Failure>>()?))
            }
            (_, value) => Ok(value),
        }
    }

    /// Fields by their names, or in order.
    fn fields(&self, fields: &[Field], value: Value) -> Result<Value, Failure> {
        match value {
            Value::Object(map) => {
                let values = map.into_iter().map(|(name, value)| {
                    let field = fields.iter().find(|field| field.name == name);
                    let value = match field {
                        Some(field) => self.canonical(&field.value_type, value)?,
                        None => value,
                    };
                    Ok((name, value))
                });
                Ok(Value::Object(values.collect::<Result<_, Failure>>()?))
            }
            Value::Array(values) => self.each(values, |position| {
                fields.get(position).map(|field| &field.value_type)
            }),
            value => Ok(value),
        }
    }

    fn refuse(&self, reason: &str) -> Failure {
        let Self {
            label, signature, ..
        } = self;
        let next = format!("the method is `{signature}`; see `fusee call --help`; {OTHERWISE}");
        Failure::usage(format!("{label}: {reason}")).next(next)
    }
}

/// A number without separators, in decimal digits. What is no number stays as it is.
fn plain_number(text: &str) -> Value {
    let plain = text.replace(['_', ','], "");
    let hexadecimal = plain.strip_prefix("0x");
    let number = hexadecimal.and_then(|digits| u128::from_str_radix(digits, 16).ok());
    Value::String(match number {
        Some(number) => number.to_string(),
        None if plain
            .trim_start_matches('-')
            .bytes()
            .all(|byte| byte.is_ascii_digit()) =>
        {
            plain
        }
        None => text.to_owned(),
    })
}

#[cfg(test)]
mod tests;
