//! The cache of prepared programs: bounded in bytes, the least recently used leave first.
//!
//! One budget holds for all that is kept of programs: their metered bytes, what the interpreter made
//! of them, and compiled code. A program counts for what it weighs now, which changes while it is
//! in the cache. Programs are known by their code and rules, never by who runs them. What many ask
//! for at once is made once. That rules refuse a program is remembered; that a machine failed is not.
//!
//! What is in it changes how long a call takes, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use fusee_engine::{CodeHash, RulesId};
use fusee_instrument::{Refusal, Rules};
use lru::LruCache;

use crate::{PrepareError, PreparedProgram};

/// Everything that a prepared program depends on, beside the engines, which are the executor's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) code: CodeHash,
    pub(crate) rules: RulesId,
    /// Whether the program reports where its gas goes. The id of the rules does not say so.
    pub(crate) is_profiled: bool,
}

impl Key {
    /// The key of a program that these rules admit.
    pub(crate) fn new(code: CodeHash, rules: &Rules) -> Self {
        Self {
            code,
            rules: rules.id(),
            is_profiled: rules.is_profiled(),
        }
    }
}

/// About what a refusal takes in memory.
const REFUSAL_BYTES: u64 = 1_024;

#[derive(Debug)]
pub(crate) struct Cache {
    budget: u64,
    entries: Mutex<Entries>,
    /// Somebody has made what others wait for, or failed to.
    landed: Condvar,
}

#[derive(Debug)]
struct Entries {
    used: u64,
    by_use: LruCache<Key, Entry>,
    /// Those that do not leave. They are not in `by_use`.
    pinned: BTreeMap<Key, Entry>,
    /// What somebody makes at this moment.
    in_the_making: BTreeSet<Key>,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    bytes: u64,
}

/// What is known of a program.
#[derive(Clone, Debug)]
enum Known {
    PreparedProgram(Arc<PreparedProgram>),
    Refused(Refusal),
}

/// Makes one program, while others wait for it; they go on when it is dropped.
struct Making<'a> {
    cache: &'a Cache,
    key: Key,
}

impl Cache {
    pub(crate) fn new(budget: u64) -> Self {
        Self {
            budget,
            entries: Mutex::new(Entries {
                used: 0,
                by_use: LruCache::unbounded(),
                pinned: BTreeMap::new(),
                in_the_making: BTreeSet::new(),
            }),
            landed: Condvar::new(),
        }
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Arc<PreparedProgram>> {
        match self.open().get(key) {
            Some(Known::PreparedProgram(prepared)) => Some(prepared),
            Some(Known::Refused(_)) | None => None,
        }
    }

    /// What is known of the program, or what `make` makes of it. While one caller makes it, others wait; if it fails
    /// for another reason than the rules, the next one tries.
    pub(crate) fn find_or_make(
        &self,
        key: Key,
        make: impl FnOnce() -> Result<Arc<PreparedProgram>, PrepareError>,
    ) -> Result<Arc<PreparedProgram>, PrepareError> {
        let mut entries = self.open();
        loop {
            match entries.get(&key) {
                Some(Known::PreparedProgram(prepared)) => return Ok(prepared),
                Some(Known::Refused(refusal)) => return Err(refusal.into()),
                None if entries.in_the_making.insert(key) => break,
                None => {
                    entries = self
                        .landed
                        .wait(entries)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        drop(entries);
        let _making = Making { cache: self, key };
        let made = make();
        let known = match &made {
            Ok(prepared) => Known::PreparedProgram(Arc::clone(prepared)),
            Err(PrepareError::Refused(refusal)) => Known::Refused(refusal.clone()),
            Err(_) => return made,
        };
        self.keep_known(key, known);
        made
    }

    /// Keeps a program that was made elsewhere.
    pub(crate) fn keep(&self, key: Key, prepared: &Arc<PreparedProgram>) {
        self.keep_known(key, Known::PreparedProgram(Arc::clone(prepared)));
    }

    /// Keeps what is known, unless it is larger than the whole budget.
    fn keep_known(&self, key: Key, known: Known) {
        let bytes = known.bytes();
        if bytes > self.budget {
            return;
        }
        let mut entries = self.open();
        entries.put(key, Entry { known, bytes });
        entries.shrink_to(self.budget);
    }

    /// Counts a program anew, which was compiled, or pinned.
    pub(crate) fn reweigh(&self, key: &Key) {
        let mut entries = self.open();
        entries.reweigh(key);
        entries.shrink_to(self.budget);
    }

    /// Keeps the program whatever else needs room, until it is unpinned. `false` if there would be no room beside
    /// what is pinned already.
    pub(crate) fn pin(&self, key: Key, prepared: &Arc<PreparedProgram>) -> bool {
        let mut entries = self.open();
        if entries.pinned.contains_key(&key) {
            return true;
        }
        let bytes = prepared.resident_bytes();
        let pinned = entries
            .pinned
            .values()
            .fold(bytes, |sum, entry| sum.saturating_add(entry.bytes));
        if pinned > self.budget {
            return false;
        }
        entries.take(&key);
        entries.used = entries.used.saturating_add(bytes);
        let known = Known::PreparedProgram(Arc::clone(prepared));
        entries.pinned.insert(key, Entry { known, bytes });
        entries.shrink_to(self.budget);
        true
    }

    /// Lets a program leave when others need the room.
    pub(crate) fn unpin(&self, key: &Key) {
        let mut entries = self.open();
        if let Some(entry) = entries.pinned.remove(key) {
            entries.used = entries.used.saturating_sub(entry.bytes);
            entries.put(*key, entry);
            entries.shrink_to(self.budget);
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

impl Entries {
    fn get(&mut self, key: &Key) -> Option<Known> {
        let entry = match self.pinned.get(key) {
            Some(entry) => Some(entry),
            None => self.by_use.get(key),
        };
        entry.map(|entry| entry.known.clone())
    }

    fn put(&mut self, key: Key, entry: Entry) {
        self.take(&key);
        self.used = self.used.saturating_add(entry.bytes);
        self.by_use.put(key, entry);
    }

    fn take(&mut self, key: &Key) {
        if let Some(entry) = self.by_use.pop(key) {
            self.used = self.used.saturating_sub(entry.bytes);
        }
    }

    fn reweigh(&mut self, key: &Key) {
        let entry = match self.pinned.get_mut(key) {
            Some(entry) => Some(entry),
            None => self.by_use.peek_mut(key),
        };
        if let Some(entry) = entry {
            let bytes = entry.known.bytes();
            self.used = self.used.saturating_sub(entry.bytes).saturating_add(bytes);
            entry.bytes = bytes;
        }
    }

    /// Lets the least recently used leave. What is pinned stays, even if it has come to weigh more than there is room.
    fn shrink_to(&mut self, budget: u64) {
        while self.used > budget {
            let Some((_, oldest)) = self.by_use.pop_lru() else {
                break;
            };
            self.used = self.used.saturating_sub(oldest.bytes);
        }
    }
}

impl Known {
    fn bytes(&self) -> u64 {
        match self {
            Known::PreparedProgram(prepared) => prepared.resident_bytes(),
            Known::Refused(_) => REFUSAL_BYTES,
        }
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.cache.open().in_the_making.remove(&self.key);
        self.cache.landed.notify_all();
    }
}
