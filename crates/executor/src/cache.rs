//! The cache of prepared programs: bounded in bytes, the least recently used leave first.
//!
//! What is in it changes how long a call takes, and nothing else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fusee_engine::{CodeHash, Fingerprint, RulesId};
use lru::LruCache;

use crate::Prepared;

/// Everything that a prepared program depends on.
pub(crate) type Key = (CodeHash, RulesId, Fingerprint);

#[derive(Debug)]
pub(crate) struct Cache {
    budget: u64,
    entries: Mutex<Entries>,
}

#[derive(Debug)]
struct Entries {
    used: u64,
    by_key: LruCache<Key, Arc<Prepared>>,
}

impl Cache {
    pub(crate) fn new(budget: u64) -> Self {
        Self {
            budget,
            entries: Mutex::new(Entries {
                used: 0,
                by_key: LruCache::unbounded(),
            }),
        }
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Arc<Prepared>> {
        self.open().by_key.get(key).cloned()
    }

    /// Keeps the program, unless it is larger than the whole budget.
    pub(crate) fn keep(&self, key: Key, prepared: Arc<Prepared>) {
        let bytes = prepared.resident_bytes();
        if bytes > self.budget {
            return;
        }
        let mut entries = self.open();
        if let Some(replaced) = entries.by_key.put(key, prepared) {
            entries.used = entries.used.saturating_sub(replaced.resident_bytes());
        }
        entries.used = entries.used.saturating_add(bytes);
        while entries.used > self.budget {
            let Some((_, oldest)) = entries.by_key.pop_lru() else {
                break;
            };
            entries.used = entries.used.saturating_sub(oldest.resident_bytes());
        }
    }

    pub(crate) fn used(&self) -> u64 {
        self.open().used
    }

    /// No panic can leave the entries half changed, so that a poisoned lock is as good as any.
    fn open(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
