//! The clock. No other file of this crate reads it.
//!
//! Time limits and the watchdog's heartbeat depend on it. No outcome and no gas does.

use std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "time limits are an embedder's: a call that exceeds one has no outcome at all"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
