//! The clock. No other file of this crate reads it.
//!
//! The times of blocks that this node proposes come from it, when they are made, and how long
//! callers wait. What a block comes to depends on the times in its header alone.

use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// A clock for the times of blocks, in milliseconds since the Unix epoch. It may go back: a block
/// is never earlier than the one before.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The clock of the operating system.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(system))
    }

    /// Any other clock, for reproducible chains and tests.
    #[must_use]
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").finish_non_exhaustive()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the proposer of a block decides its time, which everyone takes from the header"
)]
fn system() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| {
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    })
}

/// The time for intervals and measurements.
#[expect(
    clippy::disallowed_methods,
    reason = "no block depends on when it was made or how long that took"
)]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
