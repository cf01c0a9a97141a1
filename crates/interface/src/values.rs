//! Values by their types: from the bytes that a contract reads and writes to JSON, and back.
//!
//! Integers of more than 53 bits are texts in JSON, since readers of JSON round them; both forms
//! are read. Bytes, among them lists of `u8`, and addresses are hexadecimal texts with `0x`; lists
//! of numbers are read, too.

use borsh::BorshDeserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{Field, Interface, Kind, Type};

/// The size of an address.
pub const ADDRESS_BYTES: usize = 32;

/// The most values, each inside of others counted, that one call reads. A list of values without a
/// size could have more than there is memory for.
pub const MAX_VALUES: usize = 65_536;

/// The most values inside each other. Types that are defined by each other could be thousands deep,
/// which a reader's stack is not, and readers of JSON stop at 128.
pub(crate) const MAX_DEPTH: usize = 64;

/// Integers up to this are numbers in JSON.
const MAX_EXACT: u128 = 1 << 53;

/// How many values several reads may come to, each inside of others counted. A tool that reads
/// what it does not trust needs one for all of it: values without a size cost their author nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBudget(usize);

impl ReadBudget {
    /// A budget of this many values.
    #[must_use]
    pub const fn new(values: usize) -> Self {
        Self(values)
    }

    /// Takes one value, if any is left.
    pub(crate) fn take(&mut self) -> Option<()> {
        self.0 = self.0.checked_sub(1)?;
        Some(())
    }
}

/// Why a value does not fit its type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {reason}")]
pub struct ValueError {
    place: String,
    reason: String,
}

impl ValueError {
    fn new(place: &str, reason: impl Into<String>) -> Self {
        Self {
            place: place.to_owned(),
            reason: reason.into(),
        }
    }
}

type Result<T> = std::result::Result<T, ValueError>;

impl Interface {
    /// Reads a value that takes all of the bytes.
    ///
    /// # Errors
    ///
    /// [`ValueError`] if the bytes are no such value.
    pub fn read(&self, value_type: &Type, bytes: &[u8]) -> Result<Value> {
        self.read_within(value_type, bytes, &mut ReadBudget::new(MAX_VALUES))
    }

    /// Reads a value that takes all of the bytes, within a budget that other reads share.
    ///
    /// # Errors
    ///
    /// [`ValueError`] if the bytes are no such value, or the budget is used up.
    pub fn read_within(
        &self,
        value_type: &Type,
        bytes: &[u8],
        budget: &mut ReadBudget,
    ) -> Result<Value> {
        let mut reader = Reader::new(self, bytes, budget);
        let value = reader.value(value_type, "the value")?;
        reader.end().map(|()| value)
    }

    /// Reads several values that take all of the bytes: arguments, or the data of an event.
    ///
    /// # Errors
    ///
    /// [`ValueError`] if the bytes are no such values.
    pub fn read_fields(&self, fields: &[Field], bytes: &[u8]) -> Result<Map<String, Value>> {
        self.read_fields_within(fields, bytes, &mut ReadBudget::new(MAX_VALUES))
    }

    /// Reads several values that take all of the bytes, within a budget that other reads share.
    ///
    /// # Errors
    ///
    /// [`ValueError`] if the bytes are no such values, or the budget is used up.
    pub fn read_fields_within(
        &self,
        fields: &[Field],
        bytes: &[u8],
        budget: &mut ReadBudget,
    ) -> Result<Map<String, Value>> {
        let mut reader = Reader::new(self, bytes, budget);
        let values = reader.fields(fields)?;
        reader.end().map(|()| values)
    }

    /// Writes a value.
    ///
    /// # Errors
    ///
    /// [`ValueError`] if the value does not fit the type.
    pub fn write(&self, value_type: &Type, value: &Value) -> Result<Vec<u8>> {
        let mut writer = Writer {
            interface: self,
            bytes: Vec::new(),
            depth: 0,
        };
        writer.value(value_type, value, "the value")?;
        Ok(writer.bytes)
    }

    /// Writes the arguments of a method, or other fields, from an object with their names or from a
    /// list in their order.
    ///
    /// # Errors
    ///
    /// [`ValueError`] if a value is missing, not known, or does not fit its type.
    pub fn write_fields(&self, fields: &[Field], values: &Value) -> Result<Vec<u8>> {
        let mut writer = Writer {
            interface: self,
            bytes: Vec::new(),
            depth: 0,
        };
        writer.fields(fields, values, "the arguments")?;
        Ok(writer.bytes)
    }
}

struct Reader<'a> {
    interface: &'a Interface,
    rest: &'a [u8],
    budget: &'a mut ReadBudget,
    depth: usize,
}

impl<'a> Reader<'a> {
    const fn new(interface: &'a Interface, bytes: &'a [u8], budget: &'a mut ReadBudget) -> Self {
        Self {
            interface,
            rest: bytes,
            budget,
            depth: 0,
        }
    }

    fn value(&mut self, value_type: &Type, place: &str) -> Result<Value> {
        let taken = self.budget.take();
        taken.ok_or_else(|| ValueError::new(place, "there are too many values"))?;
        self.depth = deeper(self.depth, place)?;
        let value = self.value_of(value_type, place)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(value)
    }

    fn value_of(&mut self, value_type: &Type, place: &str) -> Result<Value> {
        Ok(match value_type {
            Type::Unit => Value::Null,
            Type::Bool => Value::Bool(self.take(place)?),
            Type::Unsigned(8) => self.take::<u8>(place)?.into(),
            Type::Unsigned(16) => self.take::<u16>(place)?.into(),
            Type::Unsigned(32) => self.take::<u32>(place)?.into(),
            Type::Unsigned(64) => unsigned(self.take::<u64>(place)?.into()),
            Type::Unsigned(_) => unsigned(self.take(place)?),
            Type::Signed(8) => self.take::<i8>(place)?.into(),
            Type::Signed(16) => self.take::<i16>(place)?.into(),
            Type::Signed(32) => self.take::<i32>(place)?.into(),
            Type::Signed(64) => signed(self.take::<i64>(place)?.into()),
            Type::Signed(_) => signed(self.take(place)?),
            Type::String => Value::String(self.take(place)?),
            Type::Bytes => {
                let length = self.take::<u32>(place)?;
                self.list(&Type::Unsigned(8), length, place)?
            }
            Type::Address => hexadecimal(self.bytes(ADDRESS_BYTES, place)?),
            Type::Option(inner) => match self.take::<bool>(place)? {
                false => Value::Null,
                // Told apart from none, whatever the value is.
                true => Value::Array(vec![self.value(inner, place)?]),
            },
            Type::Vec(inner) => {
                let length = self.take::<u32>(place)?;
                self.list(inner, length, place)?
            }
            Type::Array(inner, length) => self.list(inner, *length, place)?,
            Type::Tuple(types) => {
                let values = types.iter().map(|inner| self.value(inner, place));
                Value::Array(values.collect::<Result<_>>()?)
            }
            Type::Named(name) => self.named(name)?,
        })
    }

    fn list(&mut self, inner: &Type, length: u32, place: &str) -> Result<Value> {
        if *inner == Type::Unsigned(8) {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            return Ok(hexadecimal(self.bytes(length, place)?));
        }
        let values = (0..length).map(|_| self.value(inner, place));
        Ok(Value::Array(values.collect::<Result<_>>()?))
    }

    fn named(&mut self, name: &str) -> Result<Value> {
        let interface = self.interface;
        let definition = interface
            .definition(name)
            .ok_or_else(|| ValueError::new(name, "it is not defined"))?;
        match &definition.kind {
            Kind::Struct(fields) => self.fields(fields).map(Value::Object),
            Kind::Enum(variants) => {
                let position = self.take::<u8>(name)?;
                let variant = variants
                    .get(usize::from(position))
                    .ok_or_else(|| ValueError::new(name, format!("there is no {position}")))?;
                let fields = self.fields(&variant.fields)?;
                Ok(match fields.is_empty() {
                    true => Value::String(variant.name.clone()),
                    false => Value::Object(Map::from_iter([(
                        variant.name.clone(),
                        Value::Object(fields),
                    )])),
                })
            }
        }
    }

    fn fields(&mut self, fields: &[Field]) -> Result<Map<String, Value>> {
        let values = fields.iter().map(|field| {
            let value = self.value(&field.value_type, &field.name)?;
            Ok((field.name.clone(), value))
        });
        values.collect()
    }

    fn take<T: BorshDeserialize>(&mut self, place: &str) -> Result<T> {
        T::deserialize(&mut self.rest).map_err(|error| ValueError::new(place, error.to_string()))
    }

    fn bytes(&mut self, length: usize, place: &str) -> Result<&[u8]> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| ValueError::new(place, "bytes are missing"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn end(&self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(ValueError::new(
                "the value",
                format!("{more} bytes follow it"),
            )),
        }
    }
}

struct Writer<'a> {
    interface: &'a Interface,
    bytes: Vec<u8>,
    depth: usize,
}

impl Writer<'_> {
    fn value(&mut self, value_type: &Type, value: &Value, place: &str) -> Result<()> {
        self.depth = deeper(self.depth, place)?;
        self.value_of(value_type, value, place)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn value_of(&mut self, value_type: &Type, value: &Value, place: &str) -> Result<()> {
        let expected = || {
            let form = form(value_type);
            ValueError::new(place, format!("{value} is no {value_type}{form}"))
        };
        match (value_type, value) {
            (Type::Unit, Value::Null) => {}
            (Type::Bool, Value::Bool(value)) => self.bytes.push(u8::from(*value)),
            (Type::Unsigned(bits), value) => {
                let number: u128 = number(value).ok_or_else(expected)?;
                let is_larger = *bits < 128 && number >> bits != 0;
                self.integer(number.to_le_bytes(), *bits, is_larger)
                    .ok_or_else(expected)?;
            }
            (Type::Signed(bits), value) => {
                let number: i128 = number(value).ok_or_else(expected)?;
                let above = bits.saturating_sub(1);
                let sign = number >> above;
                let is_larger = sign != 0 && sign != -1;
                self.integer(number.to_le_bytes(), *bits, is_larger)
                    .ok_or_else(expected)?;
            }
            (Type::String, Value::String(text)) => {
                self.length(text.len(), place)?;
                self.bytes.extend_from_slice(text.as_bytes());
            }
            (list, Value::String(text)) if list.is_bytes() => {
                let bytes = from_hexadecimal(text).ok_or_else(expected)?;
                match list {
                    Type::Array(_, length) if u32::try_from(bytes.len()) != Ok(*length) => {
                        return Err(expected());
                    }
                    Type::Array(..) => {}
                    _ => self.length(bytes.len(), place)?,
                }
                self.bytes.extend(bytes);
            }
            (Type::Address, Value::String(text)) => {
                let bytes = from_hexadecimal(text).ok_or_else(expected)?;
                if bytes.len() != ADDRESS_BYTES {
                    return Err(expected());
                }
                self.bytes.extend(bytes);
            }
            (Type::Option(_), Value::Null) => self.bytes.push(0),
            (Type::Option(inner), Value::Array(values)) => {
                let [value] = values.as_slice() else {
                    return Err(expected());
                };
                self.bytes.push(1);
                self.value(inner, value, place)?;
            }
            (Type::Vec(inner), Value::Array(values)) => {
                self.length(values.len(), place)?;
                for value in values {
                    self.value(inner, value, place)?;
                }
            }
            (Type::Array(inner, length), Value::Array(values)) => {
                if u32::try_from(values.len()) != Ok(*length) {
                    return Err(expected());
                }
                for value in values {
                    self.value(inner, value, place)?;
                }
            }
            (Type::Tuple(types), Value::Array(values)) => {
                if types.len() != values.len() {
                    return Err(expected());
                }
                for (inner, value) in types.iter().zip(values) {
                    self.value(inner, value, place)?;
                }
            }
            (Type::Named(name), value) => self.named(name, value)?,
            _ => return Err(expected()),
        }
        Ok(())
    }

    fn named(&mut self, name: &str, value: &Value) -> Result<()> {
        let interface = self.interface;
        let definition = interface
            .definition(name)
            .ok_or_else(|| ValueError::new(name, "it is not defined"))?;
        let variants = match &definition.kind {
            Kind::Struct(fields) => return self.fields(fields, value, name),
            Kind::Enum(variants) => variants,
        };
        let empty = Value::Object(Map::new());
        let (chosen, fields) = match value {
            Value::String(chosen) => (chosen, &empty),
            Value::Object(map) => match map.iter().next() {
                Some(chosen) if map.len() == 1 => chosen,
                _ => return Err(ValueError::new(name, "one variant is expected")),
            },
            _ => return Err(ValueError::new(name, "a variant is expected")),
        };
        let mut known = variants.iter().enumerate();
        let (position, variant) = known
            .find(|(_, variant)| variant.name == *chosen)
            .ok_or_else(|| ValueError::new(name, format!("there is no `{chosen}`")))?;
        self.bytes.push(u8::try_from(position).unwrap_or(u8::MAX));
        self.fields(&variant.fields, fields, name)
    }

    fn fields(&mut self, fields: &[Field], values: &Value, place: &str) -> Result<()> {
        match values {
            Value::Array(list) => {
                if list.len() != fields.len() {
                    let (has, needs) = (list.len(), fields.len());
                    let reason = format!("there are {has} values, and {needs} are needed");
                    return Err(ValueError::new(place, reason));
                }
                for (field, value) in fields.iter().zip(list) {
                    self.value(&field.value_type, value, &field.name)?;
                }
            }
            Value::Object(map) => {
                let is_known = |name: &String| fields.iter().any(|field| field.name == *name);
                if let Some(unknown) = map.keys().find(|name| !is_known(name)) {
                    return Err(ValueError::new(place, format!("there is no `{unknown}`")));
                }
                for field in fields {
                    let value = map
                        .get(&field.name)
                        .ok_or_else(|| ValueError::new(&field.name, "it is missing"))?;
                    self.value(&field.value_type, value, &field.name)?;
                }
            }
            _ => return Err(ValueError::new(place, "names or a list are expected")),
        }
        Ok(())
    }

    fn length(&mut self, length: usize, place: &str) -> Result<()> {
        let length =
            u32::try_from(length).map_err(|_| ValueError::new(place, "there are too many"))?;
        self.bytes.extend(length.to_le_bytes());
        Ok(())
    }

    /// The low bits of a number, unless it is too large for them.
    fn integer(&mut self, bytes: [u8; 16], bits: u32, is_larger: bool) -> Option<()> {
        let length = usize::try_from(bits / 8).ok()?;
        let bytes = bytes.get(..length).filter(|_| !is_larger)?;
        self.bytes.extend_from_slice(bytes);
        Some(())
    }
}

/// One more value is inside the others.
fn deeper(depth: usize, place: &str) -> Result<usize> {
    let inside = depth.checked_add(1).filter(|inside| *inside <= MAX_DEPTH);
    inside.ok_or_else(|| {
        let reason = format!("there are more than {MAX_DEPTH} values inside each other");
        ValueError::new(place, reason)
    })
}

/// The range of an integer, and how bytes are written, for errors.
fn form(value_type: &Type) -> String {
    match value_type {
        Type::Unsigned(bits) => {
            let most = u128::MAX >> 128_u32.saturating_sub(*bits);
            format!(" (0 to {most})")
        }
        Type::Signed(bits) => {
            let unused = 128_u32.saturating_sub(*bits);
            format!(" ({} to {})", i128::MIN >> unused, i128::MAX >> unused)
        }
        Type::Array(_, length) if value_type.is_bytes() => {
            format!(" (0x and {} hexadecimal digits)", u64::from(*length) * 2)
        }
        bytes if bytes.is_bytes() => " (0x and hexadecimal digits)".to_owned(),
        Type::Address => " (0x and 64 hexadecimal digits)".to_owned(),
        _ => String::new(),
    }
}

/// A number, as such or as text.
fn number<T: std::str::FromStr>(value: &Value) -> Option<T> {
    match value {
        Value::Number(number) => number.to_string().parse().ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

pub(crate) fn unsigned(number: u128) -> Value {
    match u64::try_from(number) {
        Ok(small) if number <= MAX_EXACT => small.into(),
        _ => Value::String(number.to_string()),
    }
}

fn signed(number: i128) -> Value {
    match i64::try_from(number) {
        Ok(small) if number.unsigned_abs() <= MAX_EXACT => small.into(),
        _ => Value::String(number.to_string()),
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> Value {
    Value::String(format!("0x{}", hex::encode(bytes)))
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}
