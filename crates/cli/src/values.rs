//! Arguments: JSON values from the command line, encoded as the bytes that a contract reads.
//! [`crate::arguments`] has those of methods with an interface.
//!
//! The encoding is borsh: it is canonical and small, and has a maintained `no_std` library for
//! guests. Types that JSON lacks, such as the width of an integer, follow from the rules in
//! [`GRAMMAR`] or are explicit, as in `{"u8": 1}`.

use borsh::BorshSerialize;
use fusee::{chain::Address, sandbox::CodeHash};
use serde_json::Value;

use crate::failure::{Exit, Failure};

/// The syntax of arguments for methods without an interface, for the help.
pub(crate) const GRAMMAR: &str = "\
Without an interface, arguments are JSON values. They are encoded in order with borsh, a canonical encoding:
  5                    u64                  -5           i64
  true                 bool, one byte       null         an absent Option
  hello                string               '\"5\"'        string
  @alice               32-byte address: account name, full address, or first digits of a contract
  0x0102               raw bytes, without a length
  '[1,2]'              Vec: a u32 length, then the items
  '{\"u8\":1}'           integer of a type, u8 to u128 or i8 to i128; '{\"u128\":\"1\"}' if large
  '{\"bytes\":\"0x01\"}'   Vec<u8>              '{\"string\":\"@\"}'   a string, whatever its first character
  '{\"file\":\"a.wasm\"}'  Vec<u8>, the contents of the file
  '{\"some\":5}'         a present Option";

/// Resolves the name of an address.
type Resolve<'a> = &'a dyn Fn(&str) -> Result<Address, Failure>;

/// Encodes the arguments in order.
pub(crate) fn encode(args: &[String], resolve: Resolve<'_>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    for (index, text) in args.iter().enumerate() {
        let place = format!("argument {} (`{text}`)", index.saturating_add(1));
        let value = parse(text).map_err(|reason| refuse(&place, &reason))?;
        push(
            &mut bytes,
            &value,
            &Context {
                place: &place,
                resolve,
            },
        )?;
    }
    Ok(bytes)
}

/// Parses the hash of a program: 64 hexadecimal digits.
pub(crate) fn parse_hash(text: &str) -> Result<CodeHash, String> {
    let bytes = parse_hex(text)?;
    let bytes: Result<[u8; 32], _> = bytes.try_into();
    bytes
        .map(CodeHash::from_bytes)
        .map_err(|_| format!("`{text}` is not a hash, which is 64 hexadecimal digits"))
}

/// Parses bytes in hexadecimal, with or without `0x`.
pub(crate) fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).map_err(|error| format!("not bytes in hexadecimal digits: {error}"))
}

/// Parses a key of storage or a topic: digits after `0x`, or text.
pub(crate) fn parse_key(text: &str) -> Result<Vec<u8>, Failure> {
    let Some(digits) = text.strip_prefix("0x") else {
        return Ok(text.as_bytes().to_vec());
    };
    hex::decode(digits).map_err(|error| {
        let message = format!("`{text}` is no key");
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(message))
            .next("give an even number of hexadecimal digits after 0x, or text")
    })
}

/// The contents of a file that an argument names.
pub(crate) fn read_file(place: &str, path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::usage(format!("{place}: {path} cannot be read: {error}"))
            .next("pass a path relative to the current folder")
    })
}

/// The context in which the values of one argument are encoded.
struct Context<'a> {
    place: &'a str,
    resolve: Resolve<'a>,
}

/// Parses an argument. A word that is not JSON is a string, unless it looks like invalid JSON.
/// Numbers may have separators, as in outputs.
fn parse(text: &str) -> Result<Value, String> {
    let is_number = text
        .trim_start_matches('-')
        .starts_with(|first: char| first.is_ascii_digit());
    let plain = if is_number {
        text.replace(['_', ','], "")
    } else {
        text.to_owned()
    };
    match serde_json::from_str(&plain) {
        Ok(value) => Ok(value),
        Err(_) if is_number && !text.starts_with("0x") => {
            Err("is neither a number nor a word; strings can be quoted, as '\"1a\"', and addresses begin with @".to_owned())
        }
        Err(error) if text.starts_with(['{', '[', '"']) => Err(format!("is not valid JSON: {error}")),
        Err(_) => Ok(Value::String(text.to_owned())),
    }
}

fn push(bytes: &mut Vec<u8>, value: &Value, context: &Context<'_>) -> Result<(), Failure> {
    match value {
        Value::Null => bytes.push(0),
        Value::Bool(flag) => write(bytes, flag),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => write(bytes, &number),
            (None, Some(number)) => write(bytes, &number),
            (None, None) => {
                let reason = format!(
                    "has {number}, which is neither a u64 nor an i64; larger integers need a type, as in {{\"u128\":\"1\"}}"
                );
                return Err(refuse(context.place, &reason));
            }
        },
        Value::String(text) => push_text(bytes, text, context)?,
        Value::Array(items) => {
            push_length(bytes, items.len(), context)?;
            for item in items {
                push(bytes, item, context)?;
            }
        }
        Value::Object(fields) => {
            let mut fields = fields.iter();
            match (fields.next(), fields.next()) {
                (Some((name, value)), None) => push_typed(bytes, name, value, context)?,
                _ => {
                    return Err(refuse(
                        context.place,
                        "has an object that does not name one type, as {\"u8\":1} does",
                    ));
                }
            }
        }
    }
    Ok(())
}

fn push_text(bytes: &mut Vec<u8>, text: &str, context: &Context<'_>) -> Result<(), Failure> {
    if let Some(name) = text.strip_prefix('@') {
        write(bytes, &(context.resolve)(name)?);
    } else if text.starts_with("0x") {
        bytes.extend(
            parse_hex(text)
                .map_err(|reason| refuse(context.place, &format!("has `{text}`: {reason}")))?,
        );
    } else {
        push_bytes(bytes, text.as_bytes(), context)?;
    }
    Ok(())
}

fn push_typed(
    bytes: &mut Vec<u8>,
    name: &str,
    value: &Value,
    context: &Context<'_>,
) -> Result<(), Failure> {
    match (name, value) {
        ("u8", _) => number::<u8>(bytes, name, value, context),
        ("u16", _) => number::<u16>(bytes, name, value, context),
        ("u32", _) => number::<u32>(bytes, name, value, context),
        ("u64", _) => number::<u64>(bytes, name, value, context),
        ("u128", _) => number::<u128>(bytes, name, value, context),
        ("i8", _) => number::<i8>(bytes, name, value, context),
        ("i16", _) => number::<i16>(bytes, name, value, context),
        ("i32", _) => number::<i32>(bytes, name, value, context),
        ("i64", _) => number::<i64>(bytes, name, value, context),
        ("i128", _) => number::<i128>(bytes, name, value, context),
        ("string", Value::String(text)) => push_bytes(bytes, text.as_bytes(), context),
        ("bytes", Value::String(text)) => {
            let data = parse_hex(text)
                .map_err(|reason| refuse(context.place, &format!("has `{text}`: {reason}")))?;
            push_bytes(bytes, &data, context)
        }
        ("file", Value::String(path)) => {
            let data = read_file(context.place, path)?;
            push_bytes(bytes, &data, context)
        }
        ("string" | "bytes" | "file", _) => Err(refuse(
            context.place,
            &format!("has {value} as `{name}`, expected a JSON string"),
        )),
        ("some", _) => {
            bytes.push(1);
            push(bytes, value, context)
        }
        _ => Err(refuse(
            context.place,
            &format!("has the unknown type `{name}`"),
        )),
    }
}

/// Encodes an integer of a type, given as a JSON number or, if large, as a string.
fn number<T: std::str::FromStr + BorshSerialize>(
    bytes: &mut Vec<u8>,
    name: &str,
    value: &Value,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let number = text.parse::<T>().map_err(|_| {
        refuse(
            context.place,
            &format!("has {value}, which is not a `{name}`"),
        )
    })?;
    write(bytes, &number);
    Ok(())
}

fn push_bytes(bytes: &mut Vec<u8>, data: &[u8], context: &Context<'_>) -> Result<(), Failure> {
    push_length(bytes, data.len(), context)?;
    bytes.extend_from_slice(data);
    Ok(())
}

fn push_length(bytes: &mut Vec<u8>, length: usize, context: &Context<'_>) -> Result<(), Failure> {
    let length = u32::try_from(length).map_err(|_| refuse(context.place, "is too long"))?;
    write(bytes, &length);
    Ok(())
}

fn write(bytes: &mut Vec<u8>, value: &impl BorshSerialize) {
    value.serialize(bytes).expect("a vector takes any bytes");
}

fn refuse(place: &str, reason: &str) -> Failure {
    Failure::usage(format!("{place} {reason}"))
        .next("arguments are numbers, true, false, null, strings, @NAME, 0xHEX, [..] and types as in {\"u8\":1}; see `fusee call --help`")
}

#[cfg(test)]
mod tests;
