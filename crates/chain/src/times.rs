//! How long a chain takes to execute and to commit blocks, for metrics and traces. No block
//! depends on it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// What a chain has taken since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Times {
    /// To execute blocks and proposals, signatures included.
    pub execution: Duration,
    /// To seal and commit blocks.
    pub commit: Duration,
}

/// A time that only grows.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    nanos: AtomicU64,
}

impl Timer {
    /// Runs `work`, and adds what it takes, also if it fails.
    pub(crate) fn measure<T>(&self, work: impl FnOnce() -> T) -> T {
        let began = now();
        let result = work();
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // It says nothing about other memory.
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        result
    }

    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "no block depends on how long it takes"
)]
fn now() -> Instant {
    Instant::now()
}
