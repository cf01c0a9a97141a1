//! The cache of prepared programs: LRU, bounded in bytes.
//!
//! One budget covers the metered bytes of programs, the interpreter's modules and compiled code. A
//! program counts with its current size, which changes when an engine compiles it. Keys consist of
//! code and rules only. If several threads request the same program at once, one prepares it and
//! the others wait. The cache stores refusals by the rules, but not faults of the machine.
//!
//! The cache affects how long a call takes, and no outcome.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use fusee_instrument::Refusal;
use lru::LruCache;

use crate::{
    PrepareError, PreparedProgram,
    key::{Key, SizeObserver},
    runs::Counter,
};

/// The approximate size of a refusal in memory.
const REFUSAL_BYTES: u64 = 1_024;

#[derive(Debug)]
pub(crate) struct Cache {
    budget: u64,
    /// Requests that it answered, and those for which a program was made or loaded.
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
    state: Mutex<CacheState>,
    /// Notified when a preparation ends.
    preparation_ended: Condvar,
}

#[derive(Debug)]
struct CacheState {
    /// The size of all entries, in bytes.
    used: u64,
    unpinned: LruCache<Key, CacheEntry>,
    /// Entries that are not evicted.
    pinned: BTreeMap<Key, CacheEntry>,
    /// Programs that a thread is preparing now.
    in_preparation: BTreeSet<Key>,
}

#[derive(Debug)]
struct CacheEntry {
    value: CacheValue,
    bytes: u64,
}

#[derive(Clone, Debug)]
enum CacheValue {
    Prepared(Arc<PreparedProgram>),
    Refused(Refusal),
}

/// Marks a program as in preparation. Dropping it wakes the threads that wait for the program.
struct PreparationGuard<'a> {
    cache: &'a Cache,
    key: Key,
}

impl Cache {
    pub(crate) fn new(budget: u64) -> Self {
        Self {
            budget,
            hits: Counter::default(),
            misses: Counter::default(),
            state: Mutex::new(CacheState {
                used: 0,
                unpinned: LruCache::unbounded(),
                pinned: BTreeMap::new(),
                in_preparation: BTreeSet::new(),
            }),
            preparation_ended: Condvar::new(),
        }
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Arc<PreparedProgram>> {
        match self.lock().get(key) {
            Some(CacheValue::Prepared(prepared)) => {
                self.hits.add();
                Some(prepared)
            }
            // The caller makes the program, or asks for it by its code: that is counted.
            Some(CacheValue::Refused(_)) | None => None,
        }
    }

    /// The cached program or refusal, or else the result of `prepare`. Other threads that request
    /// the same program wait meanwhile. If `prepare` fails for another reason than the rules, the
    /// next waiting thread tries.
    pub(crate) fn get_or_prepare(
        &self,
        key: Key,
        prepare: impl FnOnce() -> Result<Arc<PreparedProgram>, PrepareError>,
    ) -> Result<Arc<PreparedProgram>, PrepareError> {
        let mut state = self.lock();
        loop {
            let found = state.get(&key);
            if found.is_some() {
                self.hits.add();
            }
            match found {
                Some(CacheValue::Prepared(prepared)) => return Ok(prepared),
                Some(CacheValue::Refused(refusal)) => return Err(refusal.into()),
                None if state.in_preparation.insert(key) => break,
                None => {
                    state = self
                        .preparation_ended
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        drop(state);
        self.misses.add();
        let _guard = PreparationGuard { cache: self, key };
        let prepared = prepare();
        let value = match &prepared {
            Ok(prepared) => CacheValue::Prepared(Arc::clone(prepared)),
            Err(PrepareError::Refused(refusal)) => CacheValue::Refused(refusal.clone()),
            Err(_) => return prepared,
        };
        self.insert_value(key, value);
        prepared
    }

    /// Inserts a program that was not prepared by [`get_or_prepare`](Self::get_or_prepare).
    pub(crate) fn insert(&self, key: Key, prepared: &Arc<PreparedProgram>) {
        self.misses.add();
        self.insert_value(key, CacheValue::Prepared(Arc::clone(prepared)));
    }

    /// Inserts a value, unless it is larger than the whole budget.
    fn insert_value(&self, key: Key, value: CacheValue) {
        let bytes = value.bytes();
        if bytes > self.budget {
            return;
        }
        let mut state = self.lock();
        state.put(key, CacheEntry { value, bytes });
        state.evict_to(self.budget);
    }

    /// Prevents the eviction of a program until it is unpinned. Returns `false`, and does nothing,
    /// if the pinned programs together would exceed the budget.
    pub(crate) fn pin(&self, key: Key, prepared: &Arc<PreparedProgram>) -> bool {
        let mut state = self.lock();
        if state.pinned.contains_key(&key) {
            return true;
        }
        let bytes = prepared.resident_bytes();
        let pinned = state
            .pinned
            .values()
            .fold(bytes, |sum, entry| sum.saturating_add(entry.bytes));
        if pinned > self.budget {
            return false;
        }
        state.remove_unpinned(&key);
        state.used = state.used.saturating_add(bytes);
        let value = CacheValue::Prepared(Arc::clone(prepared));
        state.pinned.insert(key, CacheEntry { value, bytes });
        state.evict_to(self.budget);
        true
    }

    /// Allows the eviction of a pinned program.
    pub(crate) fn unpin(&self, key: &Key) {
        let mut state = self.lock();
        if let Some(entry) = state.pinned.remove(key) {
            state.used = state.used.saturating_sub(entry.bytes);
            state.put(*key, entry);
            state.evict_to(self.budget);
        }
    }

    pub(crate) fn used(&self) -> u64 {
        self.lock().used
    }

    /// Ignores poisoning: no operation panics with the state half changed.
    fn lock(&self) -> MutexGuard<'_, CacheState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SizeObserver for Cache {
    fn size_changed(&self, key: &Key) {
        let mut state = self.lock();
        state.update_size(key);
        state.evict_to(self.budget);
    }
}

impl CacheState {
    fn get(&mut self, key: &Key) -> Option<CacheValue> {
        let entry = match self.pinned.get(key) {
            Some(entry) => Some(entry),
            None => self.unpinned.get(key),
        };
        entry.map(|entry| entry.value.clone())
    }

    fn put(&mut self, key: Key, entry: CacheEntry) {
        self.remove_unpinned(&key);
        self.used = self.used.saturating_add(entry.bytes);
        self.unpinned.put(key, entry);
    }

    fn remove_unpinned(&mut self, key: &Key) {
        if let Some(entry) = self.unpinned.pop(key) {
            self.used = self.used.saturating_sub(entry.bytes);
        }
    }

    fn update_size(&mut self, key: &Key) {
        let entry = match self.pinned.get_mut(key) {
            Some(entry) => Some(entry),
            None => self.unpinned.peek_mut(key),
        };
        if let Some(entry) = entry {
            let bytes = entry.value.bytes();
            self.used = self.used.saturating_sub(entry.bytes).saturating_add(bytes);
            entry.bytes = bytes;
        }
    }

    /// Evicts the least recently used entries. Pinned programs stay, even if they have grown beyond
    /// the budget.
    fn evict_to(&mut self, budget: u64) {
        while self.used > budget {
            let Some((_, oldest)) = self.unpinned.pop_lru() else {
                break;
            };
            self.used = self.used.saturating_sub(oldest.bytes);
        }
    }
}

impl CacheValue {
    fn bytes(&self) -> u64 {
        match self {
            CacheValue::Prepared(prepared) => prepared.resident_bytes(),
            CacheValue::Refused(_) => REFUSAL_BYTES,
        }
    }
}

impl Drop for PreparationGuard<'_> {
    fn drop(&mut self) {
        self.cache.lock().in_preparation.remove(&self.key);
        self.cache.preparation_ended.notify_all();
    }
}
