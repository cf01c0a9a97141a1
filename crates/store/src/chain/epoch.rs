//! An epoch: the changes of some blocks in a row, in memory until a checkpoint has stored them.
//!
//! It has every value that a key had within the epoch, so that each of its heights can be read. It
//! grows while it is read: a reader of one height does not see those of later heights.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use fusee_state::{Diff, Direction, Value};

/// After how many changes a writer lets readers in.
const PORTION: usize = 512;

/// What became of a key, in ascending order of heights. `None`: it was removed.
type History = Vec<(u64, Option<Value>)>;

/// The changes of a row of blocks.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    changes: RwLock<BTreeMap<Vec<u8>, History>>,
}

/// A key with what became of it. `None`: it was removed.
pub(super) type Change = (Vec<u8>, Option<Value>);

impl Epoch {
    /// Adds the changes of a block, which is above all that are in it. Readers of that height may
    /// exist only after this.
    pub(super) fn add(&self, height: u64, changes: Diff) {
        let mut changes = changes.into_iter().peekable();
        while changes.peek().is_some() {
            // Each portion leaves the map whole, so a panic of another thread does not matter.
            let mut map = self.changes.write().unwrap_or_else(PoisonError::into_inner);
            for (key, value) in changes.by_ref().take(PORTION) {
                match map.entry(key) {
                    Entry::Occupied(mut known) => known.get_mut().push((height, value)),
                    Entry::Vacant(new) => {
                        new.insert(vec![(height, value)]);
                    }
                }
            }
        }
    }

    /// What became of a key up to a height, if the epoch says it.
    pub(super) fn read(&self, key: &[u8], height: u64) -> Option<Option<Value>> {
        value_at(self.map().get(key)?, height).cloned()
    }

    /// The first key in a direction that changed up to a height.
    pub(super) fn seek(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        height: u64,
    ) -> Option<Change> {
        let map = self.map();
        let mut changes = map.range::<[u8], _>(range);
        let seen = |(key, history): (&Vec<u8>, &History)| {
            Some((key.clone(), value_at(history, height)?.clone()))
        };
        match direction {
            Direction::Ascending => changes.find_map(seen),
            Direction::Descending => changes.rev().find_map(seen),
        }
    }

    /// Calls `each` with the last change of every key, in ascending order of keys, up to the first
    /// error.
    pub(super) fn newest<E>(
        &self,
        mut each: impl FnMut(&[u8], Option<&Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (key, history) in self.map().iter() {
            if let Some((_, value)) = history.last() {
                each(key, value.as_ref())?;
            }
        }
        Ok(())
    }

    fn map(&self) -> RwLockReadGuard<'_, BTreeMap<Vec<u8>, History>> {
        self.changes.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last value up to a height.
fn value_at(history: &History, height: u64) -> Option<&Option<Value>> {
    let after = history.partition_point(|(at, _)| *at <= height);
    let (_, value) = history.get(after.checked_sub(1)?)?;
    Some(value)
}
