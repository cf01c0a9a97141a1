//! An epoch: the changes of some blocks in a row, in memory until a checkpoint has stored them.
//!
//! It has every value that a key had within the epoch, so that each of its heights can be read. It
//! grows while it is read: a reader of one height does not see those of later heights.
//!
//! The changes stay as the blocks have them, and an index by hashes of keys says where a key is in
//! them. The keys are put in order by the first search that needs it, and by the checkpoint: in a
//! large ordered map, each change of each block would wait for memory many times.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use foldhash::fast::RandomState;
use fusee_state::{Diff, Direction, Value};
use indexmap::IndexMap;

/// After how many changes a writer lets readers in.
const PORTION: usize = 512;

/// The changes of a row of blocks.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    blocks: RwLock<Blocks>,
    order: RwLock<Order>,
}

#[derive(Debug, Default)]
struct Blocks {
    /// The changes by height, in ascending order.
    changes: Vec<(u64, Arc<Diff>)>,
    /// The last place of each hash of a key.
    index: IndexMap<u64, usize, RandomState>,
    /// Bits of hashes that are not used: none but in a test of keys with one hash.
    ignored: u64,
    /// All places, block after block.
    places: Vec<Place>,
}

/// A change of a block.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The index of the block.
    block: usize,
    /// The index in its changes.
    at: usize,
    /// The place before it with the same hash: of the same key, but for rare collisions.
    before: Option<usize>,
}

/// The keys of the first blocks, for searches.
#[derive(Debug, Default)]
struct Order {
    keys: BTreeSet<Vec<u8>>,
    blocks: usize,
}

/// A key with what became of it. `None`: it was removed.
pub(super) type Change = (Vec<u8>, Option<Value>);

impl Epoch {
    /// Adds the changes of a block, which is above all that are in it. Readers of that height may
    /// exist only after this.
    pub(super) fn add(&self, height: u64, changes: &Arc<Diff>) {
        let lock = || self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        let mut blocks = lock();
        let block = blocks.changes.len();
        blocks.changes.push((height, Arc::clone(changes)));
        drop(blocks);
        let mut keys = changes.iter().enumerate().peekable();
        while keys.peek().is_some() {
            let mut blocks = lock();
            for (at, (key, _)) in keys.by_ref().take(PORTION) {
                blocks.add(key, block, at);
            }
        }
    }

    /// What became of a key up to a height, if the epoch says it.
    pub(super) fn read(&self, key: &[u8], height: u64) -> Option<Option<Value>> {
        self.blocks()
            .read(key, height)
            .map(Option::<&Value>::cloned)
    }

    /// The first key in a direction that changed up to a height.
    pub(super) fn seek(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        height: u64,
    ) -> Option<Change> {
        let order = self.order();
        let blocks = self.blocks();
        let mut keys = order.keys.range::<[u8], _>(range);
        let seen = |key: &Vec<u8>| Some((key.clone(), blocks.read(key, height)?.cloned()));
        match direction {
            Direction::Ascending => keys.find_map(seen),
            Direction::Descending => keys.rev().find_map(seen),
        }
    }

    /// Calls `each` with the last change of every key, in ascending order of keys, up to the first
    /// error.
    pub(super) fn newest<E>(
        &self,
        mut each: impl FnMut(&[u8], Option<&Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        let blocks = self.blocks();
        let changes = blocks.changes.iter().flat_map(|(_, diff)| diff.changes());
        let mut changes: Vec<_> = changes.collect();
        // Stable, so the last change of a key stays the last one. The changes of each block ascend
        // already, which this sort makes use of.
        changes.sort_by_key(|(key, _)| *key);
        for of_key in changes.chunk_by(|(one, _), (next, _)| one == next) {
            if let Some((key, value)) = of_key.last() {
                each(key, *value)?;
            }
        }
        Ok(())
    }

    /// The keys in order: those of all blocks that were there at the call.
    fn order(&self) -> RwLockReadGuard<'_, Order> {
        let read = || self.order.read().unwrap_or_else(PoisonError::into_inner);
        let order = read();
        if order.blocks == self.blocks().changes.len() {
            return order;
        }
        drop(order);
        let mut order = self.order.write().unwrap_or_else(PoisonError::into_inner);
        // Blocks may be added meanwhile.
        let changes = self.blocks().changes.clone();
        for (_, diff) in changes.iter().skip(order.blocks) {
            // A panic in between leaves keys that are added again.
            order.keys.extend(diff.iter().map(|(key, _)| key.to_vec()));
        }
        order.blocks = changes.len();
        drop(order);
        read()
    }

    // Each change of the blocks is made of steps that each leave them whole.
    fn blocks(&self) -> RwLockReadGuard<'_, Blocks> {
        self.blocks.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocks {
    fn add(&mut self, key: &[u8], block: usize, at: usize) {
        let hash = self.index.hasher().hash_one(key) & !self.ignored;
        let place = self.places.len();
        let before = self.index.insert(hash, place);
        self.places.push(Place { block, at, before });
    }

    fn read(&self, key: &[u8], height: u64) -> Option<Option<&Value>> {
        let hash = self.index.hasher().hash_one(key) & !self.ignored;
        let mut next = self.index.get(&hash).copied();
        while let Some(place) = next.and_then(|place| self.places.get(place)) {
            let (made, changes) = self.changes.get(place.block)?;
            if *made <= height
                && let Some((_, value)) = changes.at(place.at).filter(|(found, _)| *found == key)
            {
                return Some(value);
            }
            next = place.before;
        }
        None
    }
}

#[cfg(test)]
mod tests;
