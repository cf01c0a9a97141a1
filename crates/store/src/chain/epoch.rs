//! An epoch: the changes of some blocks in a row, in memory until a checkpoint has stored them.
//!
//! It has every value that a key had within the epoch, so that each of its heights can be read. It
//! grows while it is read: a reader of one height does not see those of later heights.
//!
//! Keys are found by their hashes. They are put in order by the first search that needs it, and by
//! the checkpoint: in a large ordered map, each change of each block would wait for memory many
//! times.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use foldhash::fast::RandomState;
use fusee_state::{Diff, Direction, History, Value};
use indexmap::IndexMap;

/// After how many changes a writer lets readers in.
const PORTION: usize = 512;

/// The changes of a row of blocks.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    /// In the order in which they were added. No key is removed, so its index stays.
    changes: RwLock<IndexMap<Vec<u8>, History, RandomState>>,
    /// The index of each key, for the keys that the last search knew: the first ones.
    order: RwLock<BTreeMap<Vec<u8>, usize>>,
}

/// A key with what became of it. `None`: it was removed.
pub(super) type Change = (Vec<u8>, Option<Value>);

impl Epoch {
    /// Adds the changes of a block, which is above all that are in it. Readers of that height may
    /// exist only after this.
    pub(super) fn add(&self, height: u64, changes: &Diff) {
        let mut changes = changes.changes().peekable();
        while changes.peek().is_some() {
            // Each portion leaves the map whole, so a panic of another thread does not matter.
            let mut map = self.changes.write().unwrap_or_else(PoisonError::into_inner);
            for (key, value) in changes.by_ref().take(PORTION) {
                match map.get_mut(key) {
                    Some(history) => history.push(height, value.cloned()),
                    None => {
                        map.insert(key.to_vec(), History::new(height, value.cloned()));
                    }
                }
            }
        }
    }

    /// What became of a key up to a height, if the epoch says it.
    pub(super) fn read(&self, key: &[u8], height: u64) -> Option<Option<Value>> {
        self.map().get(key)?.at(height).cloned()
    }

    /// The first key in a direction that changed up to a height.
    pub(super) fn seek(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        height: u64,
    ) -> Option<Change> {
        let order = self.order();
        let map = self.map();
        let mut changes = order.range::<[u8], _>(range);
        let seen = |(key, index): (&Vec<u8>, &usize)| {
            let (_, history) = map.get_index(*index)?;
            Some((key.clone(), history.at(height)?.clone()))
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
        let map = self.map();
        let mut newest: Vec<_> = map.iter().collect();
        // Those that a block added ascend, which a stable sort makes use of.
        newest.sort_by_key(|(key, _)| *key);
        for (key, history) in newest {
            each(key, history.last())?;
        }
        Ok(())
    }

    /// The keys in order: at least those that were there at the call.
    fn order(&self) -> RwLockReadGuard<'_, BTreeMap<Vec<u8>, usize>> {
        let order = self.order.read().unwrap_or_else(PoisonError::into_inner);
        if order.len() == self.map().len() {
            return order;
        }
        drop(order);
        let mut order = self.order.write().unwrap_or_else(PoisonError::into_inner);
        let map = self.map();
        let known = order.len();
        let new = map.get_range(known..).into_iter().flatten();
        // In ascending order of indices, so a panic in between leaves the first ones.
        order.extend(new.zip(known..).map(|((key, _), index)| (key.clone(), index)));
        drop(map);
        drop(order);
        self.order.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn map(&self) -> RwLockReadGuard<'_, IndexMap<Vec<u8>, History, RandomState>> {
        self.changes.read().unwrap_or_else(PoisonError::into_inner)
    }
}
