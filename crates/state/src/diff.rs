//! The diff: changed keys and their new values.
//!
//! Invariant: keys ascend and each occurs once, so equal diffs have equal encodings.

use std::collections::{BTreeMap, btree_map};

use crate::{DiffError, Direction, KeyRange, Value};

/// Changed keys with their new values, in ascending order of keys.
///
/// # Encoding
///
/// Integers are `u32`, little-endian.
///
/// | bytes            | meaning                                   |
/// |------------------|-------------------------------------------|
/// | 1                | version of the encoding: 1                |
/// | 4                | number of entries, which follow           |
/// | 4, then so many  | length of the key, key                    |
/// | 1                | 0: the key is removed; 1: a value follows |
/// | 4, then so many  | length of the value, value                |
///
/// Every diff has exactly one encoding. [`Diff::decode`] refuses all other bytes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Diff {
    changes: BTreeMap<Vec<u8>, Option<Value>>,
}

/// The version of the encoding: its first byte.
const VERSION: u8 = 1;

const REMOVED: u8 = 0;
const VALUE: u8 = 1;

impl Diff {
    pub(crate) const fn new(changes: BTreeMap<Vec<u8>, Option<Value>>) -> Self {
        Self { changes }
    }

    /// The changes in ascending order of keys. `None`: the key is removed.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// The change of a key: `Some(None)` if it is removed. `None` if it is not changed.
    pub(crate) fn change(&self, key: &[u8]) -> Option<Option<&Value>> {
        self.changes.get(key).map(Option::as_ref)
    }

    /// The first changed key of a range in a direction.
    pub(crate) fn first(&self, range: KeyRange<'_>, direction: Direction) -> Option<&[u8]> {
        let mut changes = self.changes.range::<[u8], _>(range.bounds());
        let first = match direction {
            Direction::Ascending => changes.next(),
            Direction::Descending => changes.next_back(),
        };
        first.map(|(key, _)| key.as_slice())
    }

    /// Whether the diff is empty.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The number of changed keys.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Encodes the diff in the format of the type's documentation.
    ///
    /// # Panics
    ///
    /// If a key, a value or the number of entries exceeds a `u32`.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        push_length(&mut bytes, self.changes.len());
        for (key, value) in &self.changes {
            push_bytes(&mut bytes, key);
            match value {
                None => bytes.push(REMOVED),
                Some(value) => {
                    bytes.push(VALUE);
                    push_bytes(&mut bytes, value);
                }
            }
        }
        bytes
    }

    /// Decodes the bytes that [`Diff::encode`] wrote.
    ///
    /// # Errors
    ///
    /// If `bytes` has any other format. The bytes are untrusted: the allocation is never larger
    /// than their length justifies.
    pub fn decode(bytes: &[u8]) -> Result<Self, DiffError> {
        let mut bytes = bytes;
        match take_byte(&mut bytes)? {
            VERSION => {}
            found => {
                return Err(DiffError::Version {
                    found,
                    expected: VERSION,
                });
            }
        }
        let mut changes = BTreeMap::new();
        for _ in 0..take_length(&mut bytes)? {
            let key = take_bytes(&mut bytes)?.to_vec();
            let value = match take_byte(&mut bytes)? {
                REMOVED => None,
                VALUE => Some(Value::from(take_bytes(&mut bytes)?)),
                unknown => return Err(DiffError::Kind(unknown)),
            };
            if changes
                .last_key_value()
                .is_some_and(|(last, _)| *last >= key)
            {
                return Err(DiffError::Order);
            }
            changes.insert(key, value);
        }
        match bytes.len() {
            0 => Ok(Self { changes }),
            trailing => Err(DiffError::Trailing(trailing)),
        }
    }
}

/// If a key occurs twice, the later change counts.
///
/// A diff may contain changes that repeat the values of the state.
impl<V: Into<Value>> FromIterator<(Vec<u8>, Option<V>)> for Diff {
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, Option<V>)>>(changes: I) -> Self {
        let changes = changes.into_iter();
        Self {
            changes: changes
                .map(|(key, value)| (key, value.map(Into::into)))
                .collect(),
        }
    }
}

impl IntoIterator for Diff {
    type Item = (Vec<u8>, Option<Value>);
    type IntoIter = btree_map::IntoIter<Vec<u8>, Option<Value>>;

    fn into_iter(self) -> Self::IntoIter {
        self.changes.into_iter()
    }
}

fn push_length(bytes: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("documented as the caller's duty");
    bytes.extend_from_slice(&length.to_le_bytes());
}

fn push_bytes(bytes: &mut Vec<u8>, part: &[u8]) {
    push_length(bytes, part.len());
    bytes.extend_from_slice(part);
}

fn take_byte(bytes: &mut &[u8]) -> Result<u8, DiffError> {
    bytes.split_off_first().copied().ok_or(DiffError::Truncated)
}

fn take_length(bytes: &mut &[u8]) -> Result<u32, DiffError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(DiffError::Truncated)?;
    *bytes = rest;
    Ok(u32::from_le_bytes(*length))
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], DiffError> {
    let length = take_length(bytes)?;
    // A length that exceeds a usize exceeds any slice.
    let length = usize::try_from(length).map_err(|_| DiffError::Truncated)?;
    bytes.split_off(..length).ok_or(DiffError::Truncated)
}
