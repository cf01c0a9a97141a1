//! Hot values: a bounded cache of the newest values of keys, present or absent.
//!
//! Readers of all versions share it. Each value says since which height it holds, and a reader
//! takes it only if its version is not older. A block puts its changes in before readers see the
//! block.
//!
//! A full cache drops values that were not read since its hand passed them last (the algorithm
//! CLOCK). A list in the order of use would drop better ones, and every read would change it, which
//! takes longer than the read itself.

use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use fusee_state::{Diff, Value};
use indexmap::IndexMap;

use super::CacheCounts;

/// How many threads can use it at a time without waiting, at best.
const SHARDS: usize = 16;

/// What an entry takes besides its key and value, in bytes, about.
const OVERHEAD: usize = 160;

#[derive(Debug)]
pub(super) struct Hot {
    /// Of shards. If keys crowd into one, threads wait for each other, and that is all.
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug)]
struct Shard {
    /// The last block whose changes are in it.
    height: Option<u64>,
    entries: IndexMap<Box<[u8]>, Cached, RandomState>,
    /// The index of the next entry that may be dropped.
    hand: usize,
    bytes: usize,
    budget: usize,
    counts: CacheCounts,
}

#[derive(Debug)]
struct Cached {
    since: u64,
    value: Option<Value>,
    /// Whether it was read since the hand passed.
    was_read: bool,
}

impl Hot {
    /// A cache of up to about `bytes` bytes, of the state at a height.
    pub(super) fn new(bytes: usize, height: Option<u64>) -> Self {
        let shard = || Shard {
            height,
            entries: IndexMap::default(),
            hand: 0,
            bytes: 0,
            budget: bytes / SHARDS,
            counts: CacheCounts::default(),
        };
        Self {
            hasher: RandomState::default(),
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
        }
    }

    /// What the state at a height has under a key, if that is known.
    pub(super) fn read(&self, key: &[u8], height: u64) -> Option<Option<Value>> {
        let mut shard = self.shard(key)?;
        let found = shard.read(key, height);
        let count = match found {
            Some(_) => &mut shard.counts.hits,
            None => &mut shard.counts.misses,
        };
        *count = count.saturating_add(1);
        found
    }

    /// How often it was read.
    pub(super) fn counts(&self) -> CacheCounts {
        let mut all = CacheCounts::default();
        for shard in &self.shards {
            let counts = lock(shard).counts;
            all.hits = all.hits.saturating_add(counts.hits);
            all.misses = all.misses.saturating_add(counts.misses);
        }
        all
    }

    /// Remembers what the state at a height has under a key. Ignored if the changes of later blocks
    /// are in the cache, which may have changed it.
    pub(super) fn add(&self, key: &[u8], value: Option<Value>, height: u64) {
        if let Some(mut shard) = self.shard(key)
            && shard.height == Some(height)
        {
            shard.put(key, height, value);
        }
    }

    /// Takes over the changes of the next block. Readers of that height may exist only after this.
    pub(super) fn advance(&self, height: u64, changes: &Diff) {
        for shard in &self.shards {
            lock(shard).height = Some(height);
        }
        for (key, value) in changes.changes() {
            if let Some(mut shard) = self.shard(key) {
                shard.put(key, height, value.cloned());
            }
        }
    }

    fn shard(&self, key: &[u8]) -> Option<MutexGuard<'_, Shard>> {
        let [.., high] = self.hasher.hash_one(key).to_le_bytes();
        self.shards.get(usize::from(high) % SHARDS).map(lock)
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // A panic in between leaves the count of bytes wrong at most, and nothing panics there.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn read(&mut self, key: &[u8], height: u64) -> Option<Option<Value>> {
        let cached = self.entries.get_mut(key)?;
        cached.was_read = true;
        (cached.since <= height).then(|| cached.value.clone())
    }

    /// Puts in what a key has since a height.
    fn put(&mut self, key: &[u8], since: u64, value: Option<Value>) {
        self.bytes = self.bytes.saturating_add(size(key, value.as_ref()));
        match self.entries.get_mut(key) {
            Some(cached) => {
                let freed = size(key, cached.value.as_ref());
                self.bytes = self.bytes.saturating_sub(freed);
                cached.since = since;
                cached.value = value;
            }
            None => {
                let cached = Cached {
                    since,
                    value,
                    was_read: false,
                };
                self.entries.insert(key.into(), cached);
            }
        }
        while self.bytes > self.budget && !self.entries.is_empty() {
            self.pass();
        }
    }

    /// Moves the hand over an entry, and drops it if it was not read.
    fn pass(&mut self) {
        if self.hand >= self.entries.len() {
            self.hand = 0;
        }
        let at = self.hand;
        self.hand = at.saturating_add(1);
        match self.entries.get_index_mut(at) {
            Some((_, cached)) if cached.was_read => cached.was_read = false,
            // The last entry, a new one, takes its place, which the hand has passed.
            _ => {
                if let Some((key, cached)) = self.entries.swap_remove_index(at) {
                    let freed = size(&key, cached.value.as_ref());
                    self.bytes = self.bytes.saturating_sub(freed);
                }
            }
        }
    }
}

fn size(key: &[u8], value: Option<&Value>) -> usize {
    let value = value.map_or(0, |value| value.len());
    key.len().saturating_add(value).saturating_add(OVERHEAD)
}

#[cfg(test)]
mod tests;
