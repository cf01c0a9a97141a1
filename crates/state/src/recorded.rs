//! The recorded state: the part of a state that a transaction read.
//!
//! Invariant: it answers exactly what was read. Any other read is an error, and never an absence.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use crate::ranges::{Ranges, after};
use crate::{Direction, KeyRange, ReadSet, StateError, StateReader, Value};

/// The keys and ranges of a [`ReadSet`], with the values that the state has there.
///
/// A key that was read has a value or is known to be absent. In a range that was searched, every
/// key without a value is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedState {
    entries: BTreeMap<Vec<u8>, Option<Value>>,
    ranges: Ranges,
    /// The ranges, and the keys of the entries.
    known: Ranges,
}

/// A read of what was not recorded: the source of the [`StateError`] of a [`RecordedState`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotRecorded {
    /// A key.
    #[error("the recorded state does not have the key {}", Hex(key))]
    Key {
        /// The key.
        key: Vec<u8>,
    },
    /// A part of a range.
    #[error(
        "the recorded state does not have all keys from {} to {}",
        Hex(start),
        Hex(end)
    )]
    Range {
        /// The first key of the range.
        start: Vec<u8>,
        /// The end of the range, which is not in it.
        end: Vec<u8>,
    },
}

/// Bytes in hexadecimal.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl RecordedState {
    /// Records what `reads` covers of `base`, which is the state that was read.
    ///
    /// # Errors
    ///
    /// If `base` cannot be read.
    pub fn record(reads: &ReadSet, base: &dyn StateReader) -> Result<Self, StateError> {
        // A search reads the entry that it finds, so a range has no other entries.
        let mut entries = Vec::new();
        for key in reads.iter() {
            entries.push((key.to_vec(), base.read(key)?));
        }
        let ranges = reads.ranges();
        let ranges = ranges.map(|(start, end)| (start.to_vec(), end.to_vec()));
        Ok(Self::new(ranges, entries))
    }

    /// Creates a state of these ranges and entries. A range has a first key and an end, which is
    /// not in it. An entry without a value is a key that is absent.
    pub fn new(
        ranges: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
        entries: impl IntoIterator<Item = (Vec<u8>, Option<Value>)>,
    ) -> Self {
        let mut recorded = Self::default();
        for (start, end) in ranges {
            recorded.known.insert(start.clone(), end.clone());
            recorded.ranges.insert(start, end);
        }
        for (key, value) in entries {
            recorded.insert(key, value);
        }
        recorded
    }

    /// Adds a key with its value, or as absent. An absent key in a range adds nothing.
    pub fn insert(&mut self, key: Vec<u8>, value: Option<Value>) {
        if value.is_some() || !self.ranges.contains(&key) {
            self.known.insert(key.clone(), after(&key));
            self.entries.insert(key, value);
        }
    }

    /// The keys that were recorded, with their values, in ascending order. `None`: the key is
    /// absent. Absent keys in ranges are left out.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&Value>)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_ref()))
    }

    /// The ranges that were recorded, as [`ReadSet::ranges`] has them.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.ranges.iter()
    }
}

impl StateReader for RecordedState {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        match self.entries.get(key) {
            Some(value) => Ok(value.clone()),
            None if self.ranges.contains(key) => Ok(None),
            None => Err(StateError::new(NotRecorded::Key { key: key.to_vec() })),
        }
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        let (start, end) = (range.start(), range.end());
        if start == end {
            return Ok(None);
        }
        let mut entries = self.entries.range::<[u8], _>(range.bounds());
        let entry = |(key, value): (&Vec<u8>, &Option<Value>)| Some((key.clone(), value.clone()?));
        let found = match direction {
            Direction::Ascending => entries.find_map(entry),
            Direction::Descending => entries.rev().find_map(entry),
        };
        let key = found.as_ref().map(|(key, _)| key.as_slice());
        let is_known = match direction {
            Direction::Ascending => {
                let known = self.known.end_of(start);
                known.is_some_and(|known| known >= key.unwrap_or(end))
            }
            Direction::Descending => {
                let known = self.known.start_of(end);
                known.is_some_and(|known| known <= key.unwrap_or(start))
            }
        };
        match is_known {
            true => Ok(found),
            false => Err(StateError::new(NotRecorded::Range {
                start: start.to_vec(),
                end: end.to_vec(),
            })),
        }
    }
}
