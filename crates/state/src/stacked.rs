//! Diffs stacked on a base: the state after blocks that are not committed yet.
//!
//! No change is copied: an index by hashes of keys says which diff changed a key last, and where.
//! So a stack is for diffs that are there, where an [`Overlay`](crate::Overlay) takes one after
//! another.
//!
//! A search must not pass the same removed keys again and again, since removing them was paid once.
//! So ranges that were found to be empty are not searched twice.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::ranges::{Ranges, after};
use crate::{Diff, Direction, KeyRange, StateError, StateReader, Value};

/// A base with some diffs on top of it. Clones are cheap.
#[derive(Clone)]
pub struct StackedState {
    base: Arc<dyn StateReader>,
    /// Oldest first.
    diffs: Vec<Arc<Diff>>,
    /// By the hash of a changed key: the number of the newest diff with it, and the index there.
    /// Where two keys have one hash, that of either.
    index: Arc<IndexMap<u64, (usize, usize), RandomState>>,
    /// Bits of hashes that are not used: none but in a test of keys with one hash.
    ignored: u64,
    /// Ranges without any entry, in which a search has passed removed keys.
    empty: Arc<Mutex<Ranges>>,
}

impl StackedState {
    /// Puts diffs on top of a base: the oldest first.
    pub fn new(base: Arc<dyn StateReader>, diffs: Vec<Arc<Diff>>) -> Self {
        Self::ignoring(0, base, diffs)
    }

    fn ignoring(ignored: u64, base: Arc<dyn StateReader>, diffs: Vec<Arc<Diff>>) -> Self {
        let mut index = IndexMap::with_capacity_and_hasher(
            diffs.iter().map(|diff| diff.len()).sum(),
            RandomState::default(),
        );
        for (number, diff) in diffs.iter().enumerate() {
            for (at, (key, _)) in diff.iter().enumerate() {
                index.insert(index.hasher().hash_one(key) & !ignored, (number, at));
            }
        }
        Self {
            base,
            diffs,
            index: Arc::new(index),
            ignored,
            empty: Arc::default(),
        }
    }

    /// The newest change of a key. `None`: no diff has it.
    fn change(&self, key: &[u8]) -> Option<Option<&Value>> {
        let hash = self.index.hasher().hash_one(key) & !self.ignored;
        let (number, at) = self.index.get(&hash)?;
        match self.diffs.get(*number)?.at(*at)? {
            (found, change) if found == key => Some(change),
            // Another key has the same hash.
            _ => self.diffs.iter().rev().find_map(|diff| diff.change(key)),
        }
    }

    /// The first key of a range in a direction that a diff changes.
    fn first(&self, range: KeyRange<'_>, direction: Direction) -> Option<&[u8]> {
        let changed = self.diffs.iter();
        let changed = changed.filter_map(|diff| diff.first(range, direction));
        match direction {
            Direction::Ascending => changed.min(),
            Direction::Descending => changed.max(),
        }
    }

    // A panic while the lock is held leaves no partial change: only the allocator can fail in
    // between, and it aborts.
    fn empty(&self) -> MutexGuard<'_, Ranges> {
        self.empty.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateReader for StackedState {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        match self.change(key) {
            Some(change) => Ok(change.cloned()),
            None => self.base.read(key),
        }
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        let (mut start, mut end) = (range.start().to_vec(), range.end().to_vec());
        // What the base has, until it is passed.
        let mut of_base = None;
        while start < end {
            let known = match direction {
                Direction::Ascending => self.empty().end_of(&start).map(<[u8]>::to_vec),
                Direction::Descending => self.empty().start_of(&end).map(<[u8]>::to_vec),
            };
            if let Some(known) = known {
                match direction {
                    Direction::Ascending => start = known,
                    Direction::Descending => end = known,
                }
                of_base = None;
                continue;
            }
            let range = KeyRange::new(&start, &end);
            let found = match of_base.take() {
                Some(found) => found,
                None => self.base.seek(range, direction)?,
            };
            let changed = self.first(range, direction);
            let key = match (changed, &found, direction) {
                (None, None, _) => return Ok(None),
                (Some(changed), None, _) => changed,
                (None, Some((key, _)), _) => key,
                (Some(changed), Some((key, _)), Direction::Ascending) => changed.min(key),
                (Some(changed), Some((key, _)), Direction::Descending) => changed.max(key),
            };
            match self.change(key) {
                Some(Some(value)) => return Ok(Some((key.to_vec(), value.clone()))),
                None => return Ok(found),
                Some(None) => {}
            }
            let passed = key.to_vec();
            let is_of_base = found.as_ref().is_some_and(|(key, _)| *key == passed);
            let behind = after(&passed);
            match direction {
                Direction::Ascending => {
                    self.empty().insert(start, behind.clone());
                    start = behind;
                }
                Direction::Descending => {
                    self.empty().insert(passed.clone(), end);
                    end = passed;
                }
            }
            of_base = (!is_of_base).then_some(found);
        }
        Ok(None)
    }
}

impl fmt::Debug for StackedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackedState")
            .field("diffs", &self.diffs.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
