//! The diff: changed keys and their new values.
//!
//! Invariant: keys ascend and each occurs once, so equal diffs have equal encodings.

use std::vec;

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
    /// A list, because most diffs are made and read once: it is the least to make, walk and free.
    changes: Vec<Change>,
}

/// A key with its new value.
type Change = (Vec<u8>, Option<Value>);

/// The version of the encoding: its first byte.
const VERSION: u8 = 1;

const REMOVED: u8 = 0;
const VALUE: u8 = 1;

impl Diff {
    /// The diff of changes in any order, with a key each.
    pub(crate) fn of_distinct(mut changes: Vec<Change>) -> Self {
        changes.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Self { changes }
    }

    /// The diff of changes in ascending order of keys.
    pub(crate) fn of_ascending(changes: impl Iterator<Item = Change>) -> Self {
        let changes: Vec<_> = changes.collect();
        debug_assert!(changes.is_sorted_by(|(one, _), (next, _)| one < next));
        Self { changes }
    }

    /// The changes in ascending order of keys. `None`: the key is removed.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// As [`iter`](Self::iter), with values whose clones share their bytes.
    pub fn changes(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&Value>)> {
        let changes = self.changes.iter();
        changes.map(|(key, value)| (key.as_slice(), value.as_ref()))
    }

    /// The change of a key: `Some(None)` if it is removed. `None` if it is not changed.
    pub(crate) fn change(&self, key: &[u8]) -> Option<Option<&Value>> {
        let at = self.changes.binary_search_by(|(one, _)| (**one).cmp(key));
        self.at(at.ok()?).map(|(_, change)| change)
    }

    /// The change at an index, in the order of keys.
    pub fn at(&self, index: usize) -> Option<(&[u8], Option<&Value>)> {
        let (key, value) = self.changes.get(index)?;
        Some((key, value.as_ref()))
    }

    /// The first changed key of a range in a direction.
    pub(crate) fn first(&self, range: KeyRange<'_>, direction: Direction) -> Option<&[u8]> {
        let below = |bound: &[u8]| self.changes.partition_point(|(key, _)| **key < *bound);
        let index = match direction {
            Direction::Ascending => Some(below(range.start())),
            Direction::Descending => below(range.end()).checked_sub(1),
        };
        let (key, _) = self.changes.get(index?)?;
        (range.start()..range.end())
            .contains(&key.as_slice())
            .then_some(key)
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
        let parts = self.iter().map(|(key, value)| {
            let value = value.map_or(0, |value| value.len().saturating_add(4));
            key.len().saturating_add(value).saturating_add(5)
        });
        let length = parts.fold(5, usize::saturating_add);
        let mut bytes = Vec::with_capacity(length);
        bytes.push(VERSION);
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
        let mut changes: Vec<Change> = Vec::new();
        for _ in 0..take_length(&mut bytes)? {
            let key = take_bytes(&mut bytes)?.to_vec();
            let value = match take_byte(&mut bytes)? {
                REMOVED => None,
                VALUE => Some(Value::from(take_bytes(&mut bytes)?)),
                unknown => return Err(DiffError::Kind(unknown)),
            };
            if changes.last().is_some_and(|(last, _)| *last >= key) {
                return Err(DiffError::Order);
            }
            changes.push((key, value));
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
        let mut changes: Vec<Change> = changes
            .map(|(key, value)| (key, value.map(Into::into)))
            .collect();
        // Stable, so of equal keys the last one is the last change, which is moved to the first.
        changes.sort_by(|(one, _), (other, _)| one.cmp(other));
        changes.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                kept.1 = later.1.take();
            }
            is_same
        });
        Self { changes }
    }
}

impl IntoIterator for Diff {
    type Item = (Vec<u8>, Option<Value>);
    type IntoIter = vec::IntoIter<(Vec<u8>, Option<Value>)>;

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
