//! The clock: the one place of this crate that reads it.
//!
//! Only the time limits of calls and the watchdog's heartbeat depend on it. No outcome and no gas does.

use std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "time limits are an embedder's: a call that exceeds one has no outcome at all"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
