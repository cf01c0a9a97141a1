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
    args::Given,
    failure::Failure,
    interfaces::{fields, signature},
    names::{list, nearest},
    values,
};

/// The syntax of arguments for methods with an interface.
const GRAMMAR: &str = "\
If the contract has an interface (see `fusee interface`) that has the method, each argument is
read as the type that the method declares. Arguments are in order, or each as --NAME VALUE or
NAME=VALUE. A flag that this command has, too, is the command's before --, and the method's behind it:
  250  1_000  0xff     an integer, with its range checked
  true                 bool
  @alice               address: account name, full address, or first digits of a contract
  hello                string, or a variant of an enum
  0x0102               bytes, vec<u8>, or [u8; N];  '{\"file\":\"a.wasm\"}'  bytes, the contents of the file
  null                 an absent option; a present one is its value
  '[1,\"@bob\"]'         vec, array or tuple
  '{\"a\":1,\"b\":true}'   a struct;              '{\"Some\":{\"a\":1}}'   a variant with fields
--no-interface turns that off, and --input has raw bytes instead.";

/// The syntax of arguments, for the help.
pub(crate) fn grammar() -> String {
    format!("{GRAMMAR}\n\n{}", values::GRAMMAR)
}

/// Resolves the name of an address.
type Resolve<'a> = &'a dyn Fn(&str) -> Result<Address, Failure>;

/// The words of a method on a command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    /// Those that the verb takes, in order.
    pub(crate) plain: &'a [String],
    /// Flags of the method, and what stands behind `--`.
    pub(crate) given: &'a Given,
    /// The flag that passes them, if they do not stand behind the method.
    pub(crate) by: Option<&'static str>,
}

/// How to give arguments that an interface has wrong.
const OTHERWISE: &str = "if the interface is wrong, pass raw bytes with --input, or --no-interface";

/// Encodes the arguments of a method: by its interface if it has one, and otherwise by the form of
/// the words.
pub(crate) fn encode(
    words: Words<'_>,
    interface: Option<&Interface>,
    method: &str,
    resolve: Resolve<'_>,
) -> Result<Vec<u8>, Failure> {
    let declared = interface.and_then(|interface| Some((interface, interface.method(method)?)));
    let Some((interface, method)) = declared else {
        let reason = format!("no interface tells the arguments of `{method}`");
        return values::encode(&without_names(words, &reason)?, resolve);
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
        bytes.extend(place.write(field, &word)?);
    }
    Ok(bytes)
}

/// The words in the order of the arguments. They are in order already, or each has its name.
fn in_order(words: Words<'_>, method: &Method) -> Result<Vec<String>, Failure> {
    let refuse = |message: String, advice: &str| {
        let shown = signature(method);
        let next = format!("{advice}the method is `{shown}`; {OTHERWISE}");
        Failure::usage(message).next(next)
    };
    let (behind, plain) = words.given.behind();
    let flags = words.given.flags.iter().chain(&behind);
    let mut by_name = Vec::new();
    for flag in flags {
        let Some((position, field)) = argument(method, &flag.name) else {
            let (message, advice) = unknown(&flag.name, method, words.given);
            return Err(refuse(message, &advice));
        };
        let value = match (&flag.value, &field.value_type) {
            (Some(value), _) => value.clone(),
            (None, Type::Bool) => "true".to_owned(),
            (None, _) => {
                let message = format!("`--{}` of `{}` has no value", flag.name, method.name);
                let advice = format!("give a value of the type {}; ", field.value_type);
                return Err(refuse(message, &advice));
            }
        };
        by_name.push((position, value));
    }
    let plain: Vec<&String> = words.plain.iter().chain(&plain).collect();
    let named = |word: &&String| {
        let (name, value) = word.split_once('=')?;
        let mut fields = method.args.iter();
        let position = fields.position(|field| field.name == name)?;
        Some((position, value.to_owned()))
    };
    let words_by_name: Option<Vec<_>> = plain.iter().map(named).collect();
    match words_by_name {
        Some(more) => by_name.extend(more),
        None if by_name.is_empty() => {}
        None => {
            let unnamed = plain.iter().find(|word| named(word).is_none());
            let message = format!("`{}` has no name", unnamed.map_or("", |word| word.as_str()));
            return Err(refuse(
                message,
                "give all arguments in order, or each by its name; ",
            ));
        }
    }
    if by_name.is_empty() {
        return match plain.len() == method.args.len() {
            true => Ok(plain.into_iter().cloned().collect()),
            false => {
                let missing = method.args.get(plain.len()..).unwrap_or_default();
                let advice = match (missing, words.by) {
                    ([], _) => String::new(),
                    (missing, None) => format!("missing: {}; ", fields(missing)),
                    (missing, Some(flag)) => {
                        format!("pass them with `{flag}`, missing: {}; ", fields(missing))
                    }
                };
                Err(refuse(counted(plain.len(), method), &advice))
            }
        };
    }
    complete(&by_name, method, words.given, refuse)?;
    by_name.sort_unstable();
    Ok(by_name.into_iter().map(|(_, value)| value).collect())
}

/// Refuses named arguments that are not each there once.
fn complete(
    by_name: &[(usize, String)],
    method: &Method,
    given: &Given,
    refuse: impl Fn(String, &str) -> Failure,
) -> Result<(), Failure> {
    let count = |position: usize| by_name.iter().filter(|(of, _)| *of == position).count();
    let mut places = method.args.iter().zip(0..);
    let twice = match places.find(|(_, position)| count(*position) > 1) {
        Some((field, _)) => {
            let name = &field.name;
            let message = format!("the argument `{name}` of `{}` is given twice", method.name);
            Err(refuse(message, ""))
        }
        None => Ok(()),
    };
    let missing = method.args.iter().zip(0..);
    let missing = missing.filter(|(_, position)| count(*position) == 0);
    let missing: Vec<Field> = missing.map(|(field, _)| field.clone()).collect();
    let message = match missing.as_slice() {
        [] => return twice,
        [only] => format!(
            "the argument `{}` of `{}` is missing",
            only.name, method.name
        ),
        several => {
            let names = list(several.iter().map(|field| field.name.as_str()));
            format!("the arguments {names} of `{}` are missing", method.name)
        }
    };
    let hidden = missing
        .iter()
        .find(|field| given.of_verb.contains(&field.name));
    let advice = match hidden {
        Some(field) => format!(
            "missing: {}; a flag `--{name}` before `--` is the command's, so give the method's \
             behind it, as in `-- --{name} VALUE`; ",
            fields(&missing),
            name = field.name,
        ),
        None => format!("missing: {}; ", fields(&missing)),
    };
    Err(refuse(message, &advice))
}

/// The argument that a flag names, which may have dashes for underscores.
fn argument<'a>(method: &'a Method, flag: &str) -> Option<(usize, &'a Field)> {
    let same = |field: &Field| field.name == flag || field.name.replace('_', "-") == flag;
    let mut fields = method.args.iter().enumerate();
    fields.find(|(_, field)| same(field))
}

/// What a flag without a meaning is told.
fn unknown(flag: &str, method: &Method, given: &Given) -> (String, String) {
    let of_method = method.args.iter().map(|field| field.name.as_str());
    let of_verb = given.of_verb.iter().map(String::as_str);
    let message = format!("`{}` has no argument `--{flag}`", method.name);
    let advice = if given.of_verb.iter().any(|known| known == flag) {
        format!("a flag of the command stands before `--`: `--{flag}`; ")
    } else {
        let near = nearest(flag, of_method.chain(of_verb));
        near.map_or_else(String::new, |near| format!("did you mean `--{near}`? "))
    };
    (message, advice)
}

/// Refuses arguments by name where nothing tells the names, and returns the words.
pub(crate) fn without_names(words: Words<'_>, reason: &str) -> Result<Vec<String>, Failure> {
    if let Some(flag) = words.given.flags.first() {
        let verb = words.given.of_verb.iter().map(String::as_str);
        let near = nearest(&flag.name, verb);
        let near = near.map_or_else(String::new, |near| format!("did you mean `--{near}`? "));
        let message = format!("`--{}` is no flag, and {reason}", flag.name);
        return Err(Failure::usage(message).next(format!(
            "{near}Flags are listed by --help; arguments stand in order behind the method, and \
             those that begin with -- behind --"
        )));
    }
    let words = words.plain.iter().chain(&words.given.behind);
    Ok(words.cloned().collect())
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
        let value = value
            .map_err(|reason| self.refuse(field, &format!("{}: `{word}` {reason}", self.name)))?;
        let value = self.canonical(&field.value_type, value)?;
        let (fields, values) = (std::slice::from_ref(field), Value::Array(vec![value]));
        let written = self.interface.write_fields(fields, &values);
        written.map_err(|error| self.refuse(field, &error.to_string()))
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
            Type::Unsigned(_) | Type::Signed(_) | Type::Address if !is_json => text(),
            bytes if !is_json && bytes.is_bytes() => text(),
            Type::Named(name) if !is_json && self.is_enum(name) => text(),
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
            // Keys and hashes are often told without the prefix: the length shows that.
            (Type::Array(_, length), Value::String(text))
                if value_type.is_bytes() && is_hexadecimal(&text, *length) =>
            {
                Value::String(format!("0x{text}"))
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

    fn refuse(&self, field: &Field, reason: &str) -> Failure {
        let Self {
            label, signature, ..
        } = self;
        let example = example(self.interface, &field.value_type);
        let example = example.map_or_else(String::new, |example| {
            format!("`{}` is for example {example}; ", field.name)
        });
        let next =
            format!("{example}the method is `{signature}`; see `fusee call --help`; {OTHERWISE}");
        Failure::usage(format!("{label}: {reason}")).next(next)
    }
}

/// The most values of an example.
const MAX_EXAMPLE: usize = 16;

/// A value of a type as it is written on a command line. `None` for one that is long.
pub(crate) fn example(interface: &Interface, value_type: &Type) -> Option<String> {
    let mut left = MAX_EXAMPLE;
    let sample = sample(interface, value_type, &mut left)?;
    Some(match (value_type, sample) {
        (Type::Unit, _) => "()".to_owned(),
        (_, Value::String(text)) => text,
        (_, value @ (Value::Object(_) | Value::Array(_))) => format!("'{value}'"),
        (_, value) => value.to_string(),
    })
}

/// A value of a type, while some are left: an interface may have types that are as large as it
/// likes.
fn sample(interface: &Interface, value_type: &Type, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1)?;
    let mut fields = |fields: &[Field]| {
        let fields = fields.iter();
        let fields = fields.map(|field| {
            let value = sample(interface, &field.value_type, left)?;
            Some((field.name.clone(), value))
        });
        fields.collect::<Option<Map<_, _>>>().map(Value::Object)
    };
    Some(match value_type {
        Type::Unit => Value::Null,
        Type::Bool => true.into(),
        Type::Unsigned(8) => 25.into(),
        Type::Unsigned(_) => 250.into(),
        Type::Signed(_) => (-5).into(),
        Type::String => "hello".into(),
        Type::Bytes => "0x0102".into(),
        Type::Address => "@bob".into(),
        Type::Vec(inner) if **inner == Type::Unsigned(8) => "0x0102".into(),
        Type::Option(inner) => sample(interface, inner, left)?,
        Type::Vec(inner) => Value::Array(vec![sample(interface, inner, left)?]),
        Type::Array(inner, length) if **inner == Type::Unsigned(8) => {
            let length = usize::try_from(*length)
                .ok()
                .filter(|length| *length <= 64)?;
            format!("0x{}", "01".repeat(length)).into()
        }
        Type::Array(inner, length) => {
            let items = (0..*length).map(|_| sample(interface, inner, left));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Type::Tuple(types) => {
            let items = types.iter().map(|inner| sample(interface, inner, left));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Type::Named(name) => match &interface.definition(name)?.kind {
            Kind::Struct(parts) => fields(parts)?,
            Kind::Enum(variants) => {
                let plain = variants.iter().find(|variant| variant.fields.is_empty());
                let variant = plain.or_else(|| variants.first())?;
                match variant.fields.is_empty() {
                    true => variant.name.clone().into(),
                    false => serde_json::json!({ variant.name.clone(): fields(&variant.fields)? }),
                }
            }
        },
    })
}

/// Whether a text has the digits of so many bytes, without a prefix.
fn is_hexadecimal(text: &str, bytes: u32) -> bool {
    let digits = u32::try_from(text.len()).ok();
    digits == bytes.checked_mul(2) && text.bytes().all(|digit| digit.is_ascii_hexdigit())
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
