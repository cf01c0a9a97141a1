//! Entries of a contract's storage by the fields that its interface tells.

use serde_json::Value;

use crate::{
    Interface, ReadBudget, StorageField, StorageKind, Type,
    values::{ADDRESS_BYTES, MAX_DEPTH, hexadecimal, unsigned},
};

/// An entry of a field of the storage.
#[derive(Clone, Debug, PartialEq)]
pub struct StorageEntry<'a> {
    /// The field.
    pub field: &'a StorageField,
    /// Which entry of the field this is.
    pub key: EntryKey,
    /// The value. Members of sets have `null`.
    pub value: Value,
}

/// Which entry of a field of the storage it is.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryKey {
    /// The only one.
    Only,
    /// The length of a vector.
    Length,
    /// That of a key, or of an index.
    Key(Value),
}

impl Interface {
    /// The entry of a field that a key and a value in the storage are. `None` if they fit no field,
    /// or the budget is used up: a contract may store what its interface does not tell.
    #[must_use]
    pub fn read_entry(
        &self,
        key: &[u8],
        value: &[u8],
        budget: &mut ReadBudget,
    ) -> Option<StorageEntry<'_>> {
        let (position, rest) = key.split_first()?;
        let mut fields = self.storage.iter();
        let field = fields.find(|field| field.position == *position)?;
        let (key, value_type) = match (&field.kind, rest) {
            (StorageKind::Value(value_type), []) => (EntryKey::Only, value_type),
            (StorageKind::Vector(_), []) => (EntryKey::Length, &Type::Unsigned(32)),
            (StorageKind::Vector(value_type), rest) => {
                let index = read_key(&Type::Unsigned(32), rest, budget)?;
                (EntryKey::Key(index), value_type)
            }
            (StorageKind::Map { key, value }, rest) => {
                (EntryKey::Key(read_key(key, rest, budget)?), value)
            }
            (StorageKind::Set(key), rest) => {
                (EntryKey::Key(read_key(key, rest, budget)?), &Type::Unit)
            }
            (StorageKind::Value(_), _) => return None,
        };
        let value = self.read_within(value_type, value, budget).ok()?;
        Some(StorageEntry { field, key, value })
    }
}

/// A key that takes all of the bytes.
fn read_key(key: &Type, bytes: &[u8], budget: &mut ReadBudget) -> Option<Value> {
    let (value, rest) = key_of(key, bytes, budget, 0)?;
    rest.is_empty().then_some(value)
}

/// A key at the front of the bytes, and what follows it.
fn key_of<'b>(
    key: &Type,
    bytes: &'b [u8],
    budget: &mut ReadBudget,
    depth: usize,
) -> Option<(Value, &'b [u8])> {
    budget.take()?;
    let depth = depth.checked_add(1).filter(|depth| *depth <= MAX_DEPTH)?;
    Some(match key {
        Type::Bool => {
            let (byte, rest) = bytes.split_first()?;
            let flag = match byte {
                0 => false,
                1 => true,
                _ => return None,
            };
            (flag.into(), rest)
        }
        Type::Unsigned(bits) => {
            let length = usize::try_from(bits / 8).ok()?;
            let (digits, rest) = bytes.split_at_checked(length)?;
            let number = digits
                .iter()
                .fold(0, |number: u128, byte| (number << 8) | u128::from(*byte));
            (unsigned(number), rest)
        }
        Type::Address => {
            let (address, rest) = bytes.split_at_checked(ADDRESS_BYTES)?;
            (hexadecimal(address), rest)
        }
        Type::String => {
            let (length, rest) = bytes.split_first_chunk()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (text, rest) = rest.split_at_checked(length)?;
            (str::from_utf8(text).ok()?.into(), rest)
        }
        Type::Array(_, length) => {
            let (array, rest) = bytes.split_at_checked(usize::try_from(*length).ok()?)?;
            (hexadecimal(array), rest)
        }
        Type::Tuple(types) => {
            let (mut values, mut rest) = (Vec::new(), bytes);
            for inner in types {
                let (value, behind) = key_of(inner, rest, budget, depth)?;
                values.push(value);
                rest = behind;
            }
            (Value::Array(values), rest)
        }
        _ => return None,
    })
}
