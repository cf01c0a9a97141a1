//! What an executor counts of its runs: how many are suspended, which is limited, and how many
//! started on which engine.
//!
//! The number of suspended runs is limited because each keeps its instance. No run depends on the
//! other numbers.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use crate::RunError;

/// How many runs an executor has started, and on what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunCounts {
    /// Counter: runs on the compiler's code.
    pub compiled: u64,
    /// Counter: runs on an interpreter, or on the one engine of a format.
    pub interpreted: u64,
    /// Counter: runs that were on the interpreter because a compiler's code failed for a reason of
    /// the host, such as a full pool of instances.
    pub fallbacks: u64,
    /// Counter: compilations that failed. Their programs stay on what runs them.
    pub failed_compilations: u64,
}

/// How often the caches of an executor had what they were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheCounts {
    /// Counter: requests of programs that the cache in memory answered, refusals included.
    pub program_hits: u64,
    /// Counter: requests of programs that were loaded from an artifact or prepared for it.
    pub program_misses: u64,
    /// Counter: compiled programs that were loaded from their artifact.
    pub compiled_hits: u64,
    /// Counter: compilations, because the folder of artifacts did not have them. 0 without one.
    pub compiled_misses: u64,
}

/// The runs of an executor.
#[derive(Debug)]
pub(crate) struct Runs {
    limit: u32,
    suspended: AtomicU32,
    pub(crate) compiled: Counter,
    pub(crate) interpreted: Counter,
    pub(crate) fallbacks: Counter,
    pub(crate) failed_compilations: Counter,
}

/// A number that only grows. It says nothing about other memory.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Runs {
    pub(crate) fn new(limit: u32) -> Arc<Self> {
        Arc::new(Self {
            limit,
            suspended: AtomicU32::new(0),
            compiled: Counter::default(),
            interpreted: Counter::default(),
            fallbacks: Counter::default(),
            failed_compilations: Counter::default(),
        })
    }

    /// Counts one more suspended run. It must be [resumed](Self::resumed).
    pub(crate) fn suspend(&self) -> Result<(), RunError> {
        let next = |count: u32| (count < self.limit).then(|| count.saturating_add(1));
        self.suspended
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map(drop)
            .map_err(|_| RunError::TooManySuspended { limit: self.limit })
    }

    /// A suspended run that was counted goes on, or has ended.
    pub(crate) fn resumed(&self) {
        self.suspended.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn suspended(&self) -> u32 {
        self.suspended.load(Ordering::Relaxed)
    }

    pub(crate) fn counts(&self) -> RunCounts {
        RunCounts {
            compiled: self.compiled.value(),
            interpreted: self.interpreted.value(),
            fallbacks: self.fallbacks.value(),
            failed_compilations: self.failed_compilations.value(),
        }
    }
}

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
