//! The interface to a state backend.

use std::ops::Bound;
use std::sync::Arc;

use crate::StateError;

/// The bytes under a key. Clones share them.
pub type Value = Arc<[u8]>;

/// A range of keys: from a first key to an end that it does not include.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange<'a> {
    start: &'a [u8],
    end: &'a [u8],
}

/// The direction of a search in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first key on.
    Ascending,
    /// From the last key back.
    Descending,
}

impl<'a> KeyRange<'a> {
    /// The keys from `start` to `end`, without `end`. Empty if `end` is not after `start`.
    pub fn new(start: &'a [u8], end: &'a [u8]) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// The first key.
    pub const fn start(&self) -> &'a [u8] {
        self.start
    }

    /// The end, which is not in the range. Not before the start.
    pub const fn end(&self) -> &'a [u8] {
        self.end
    }

    /// The range as bounds of a map.
    pub const fn bounds(&self) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
        (Bound::Included(self.start), Bound::Excluded(self.end))
    }
}

/// Reads one unchanging version of the state.
///
/// Repeated reads of a key through the same reader return the same value. Commits do not affect an
/// existing reader. A [`Journal`](crate::Journal) relies on this.
pub trait StateReader: Send + Sync {
    /// The value under `key`, or `None` if the key does not exist. An empty value is a value.
    ///
    /// # Errors
    ///
    /// If the host cannot read the state. No key is invalid.
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError>;

    /// The first entry of a range in a direction: that with the least key, or with the greatest
    /// one. `None` if the range has no entry.
    ///
    /// # Errors
    ///
    /// If the host cannot read the state.
    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError>;
}
