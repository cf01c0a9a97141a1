//! The limit of suspended runs of an executor.
//!
//! The number is limited because a suspended run keeps its instance. Runs that are never suspended
//! need no permit. Dropping a suspended run releases its permit.

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

/// Permits one run to be suspended, until the permit is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Suspensions>);

impl Suspensions {
    pub(crate) fn new(limit: u32) -> Arc<Self> {
        Arc::new(Self {
            limit,
            count: AtomicU32::new(0),
        })
    }

    pub(crate) fn acquire(self: &Arc<Self>) -> Result<Permit, RunError> {
        let next = |count: u32| (count < self.limit).then(|| count.saturating_add(1));
        self.count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map(|_| Permit(Arc::clone(self)))
            .map_err(|_| RunError::TooManySuspended { limit: self.limit })
    }

    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}
