//! Hot values: a bounded cache of what the flat state has under a key, present or absent.
//!
//! Readers of an old version of the flat state and of the new one share it. Each value says since
//! which height of the flat state it holds, and a reader takes it only if its own state is not
//! older.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fusee_state::Value;
use lru::LruCache;

use super::epoch::Epoch;

/// How many threads can use it at a time without waiting, at best.
const SHARDS: usize = 16;

/// What an entry takes besides its key and value, in bytes, about.
const OVERHEAD: usize = 160;

#[derive(Debug)]
pub(super) struct Hot {
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug)]
struct Shard {
    /// The height of the flat state of which values are added.
    height: Option<u64>,
    entries: LruCache<Box<[u8]>, Cached>,
    bytes: usize,
    budget: usize,
}

#[derive(Debug)]
struct Cached {
    since: Option<u64>,
    value: Option<Value>,
}

impl Hot {
    /// A cache of up to about `bytes` bytes for a flat state at a height.
    pub(super) fn new(bytes: usize, height: Option<u64>) -> Self {
        let shard = || Shard {
            height,
            entries: LruCache::unbounded(),
            bytes: 0,
            budget: bytes / SHARDS,
        };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
        }
    }

    /// What the flat state at a height has under a key, if that is known.
    pub(super) fn read(&self, key: &[u8], height: Option<u64>) -> Option<Option<Value>> {
        let mut shard = self.shard(key)?;
        let cached = shard.entries.get(key)?;
        (cached.since <= height).then(|| cached.value.clone())
    }

    /// Remembers what the flat state at a height has under a key, if that is the latest state.
    pub(super) fn add(&self, key: &[u8], value: Option<Value>, height: Option<u64>) {
        if let Some(mut shard) = self.shard(key)
            && shard.height == height
        {
            shard.put(key, value);
        }
    }

    /// Takes over what an epoch has changed, which is in the flat state at `height` now. Readers of
    /// that state may exist only after this.
    pub(super) fn advance(&self, height: u64, epoch: &Epoch) {
        for shard in &self.shards {
            lock(shard).height = Some(height);
        }
        let taken = epoch.newest(|key, value| {
            if let Some(mut shard) = self.shard(key) {
                shard.put(key, value.cloned());
            }
            Ok::<_, std::convert::Infallible>(())
        });
        match taken {
            Ok(()) => {}
        }
    }

    fn shard(&self, key: &[u8]) -> Option<MutexGuard<'_, Shard>> {
        // FNV-1a. If keys crowd into one shard, threads wait for each other, and that is all.
        let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let [.., high] = hash.to_le_bytes();
        self.shards.get(usize::from(high) % SHARDS).map(lock)
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // A panic in between leaves the count of bytes wrong at most, and nothing panics there.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn put(&mut self, key: &[u8], value: Option<Value>) {
        let since = self.height;
        self.bytes = self.bytes.saturating_add(size(key, value.as_ref()));
        let before = self.entries.put(key.into(), Cached { since, value });
        if let Some(before) = before {
            let freed = size(key, before.value.as_ref());
            self.bytes = self.bytes.saturating_sub(freed);
        }
        while self.bytes > self.budget {
            let Some((key, cached)) = self.entries.pop_lru() else {
                break;
            };
            let freed = size(&key, cached.value.as_ref());
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }
}

fn size(key: &[u8], value: Option<&Value>) -> usize {
    let value = value.map_or(0, |value| value.len());
    key.len().saturating_add(value).saturating_add(OVERHEAD)
}
