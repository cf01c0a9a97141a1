//! Hot values: a bounded cache of the newest values of keys, present or absent.
//!
//! Readers of all versions share it. Each value says since which height it holds, and a reader
//! takes it only if its version is not older. A block puts its changes in before readers see the
//! block.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fusee_state::{Diff, Value};
use lru::LruCache;

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
    /// The last block whose changes are in it.
    height: Option<u64>,
    entries: LruCache<Box<[u8]>, Cached>,
    bytes: usize,
    budget: usize,
}

#[derive(Debug)]
struct Cached {
    since: u64,
    value: Option<Value>,
}

impl Hot {
    /// A cache of up to about `bytes` bytes, of the state at a height.
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

    /// What the state at a height has under a key, if that is known.
    pub(super) fn read(&self, key: &[u8], height: u64) -> Option<Option<Value>> {
        let mut shard = self.shard(key)?;
        let cached = shard.entries.get(key)?;
        (cached.since <= height).then(|| cached.value.clone())
    }

    /// Remembers what the state at a height has under a key. Ignored if the changes of later blocks
    /// are in the cache, which may have changed it.
    pub(super) fn add(&self, key: &[u8], value: Option<Value>, height: u64) {
        if let Some(mut shard) = self.shard(key)
            && shard.height == Some(height)
        {
            shard.put(
                key,
                Cached {
                    since: height,
                    value,
                },
            );
        }
    }

    /// Takes over the changes of the next block. Readers of that height may exist only after this.
    pub(super) fn advance(&self, height: u64, changes: &Diff) {
        for shard in &self.shards {
            lock(shard).height = Some(height);
        }
        for (key, value) in changes.iter() {
            if let Some(mut shard) = self.shard(key) {
                let value = value.map(Value::from);
                shard.put(
                    key,
                    Cached {
                        since: height,
                        value,
                    },
                );
            }
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
    fn put(&mut self, key: &[u8], cached: Cached) {
        let taken = size(key, cached.value.as_ref());
        self.bytes = self.bytes.saturating_add(taken);
        let before = self.entries.put(key.into(), cached);
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
