//! The limit of suspended runs of an executor.
//!
//! The number is limited because a suspended run keeps its instance. Runs that are never suspended
//! are not counted.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::RunError;

/// The suspended runs of an executor.
#[derive(Debug)]
pub(crate) struct Suspensions {
    limit: u32,
    count: AtomicU32,
}

impl Suspensions {
    pub(crate) fn new(limit: u32) -> Arc<Self> {
        Arc::new(Self {
            limit,
            count: AtomicU32::new(0),
        })
    }

    /// Counts one more run. It must be [released](Self::release).
    pub(crate) fn acquire(&self) -> Result<(), RunError> {
        let next = |count: u32| (count < self.limit).then(|| count.saturating_add(1));
        self.count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map(drop)
            .map_err(|_| RunError::TooManySuspended { limit: self.limit })
    }

    /// A run that was counted has ended.
    pub(crate) fn release(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }
}
