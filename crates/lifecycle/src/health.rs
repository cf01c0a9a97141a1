//! Health: the state of a sandbox, for monitoring.

use std::time::Duration;

/// The state of a sandbox at one moment. Counts are since it was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether the watchdog lives. If not, no guest runs.
    pub is_watched: bool,
    /// The age of the watchdog's last heartbeat: at most [`HEARTBEAT`](crate::HEARTBEAT) while it
    /// works as it should.
    pub heartbeat_age: Duration,
    /// Workers that the sandbox was built with.
    pub workers_wanted: usize,
    /// Workers that are alive.
    pub workers: usize,
    /// Workers that run a guest.
    pub busy: usize,
    /// Guests that run on threads of callers ([`RunOn::Caller`](crate::RunOn)).
    pub with_callers: usize,
    /// Calls that wait for a worker, including those that wait for room in the queue and those that
    /// continue after a host function has answered.
    pub queued: usize,
    /// Calls whose host function waits, and that hold no worker.
    pub waiting: usize,
    /// Calls that were refused because the queue was full or the watchdog dead.
    pub refused: u64,
    /// Calls that exceeded their time limit.
    pub timed_out: u64,
    /// Calls whose future was dropped before they ended.
    pub cancelled: u64,
    /// Workers that died and were replaced.
    pub replaced: u64,
}

impl Health {
    /// Whether the watchdog and every worker are alive. A full queue is healthy.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        self.is_watched && self.workers >= self.workers_wanted
    }
}
