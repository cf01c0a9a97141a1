//! Health: how a sandbox is, for whoever watches a node.

use std::time::Duration;

/// How a sandbox is at one moment. Counts are since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether the watchdog lives. Where it does not, no guest is run.
    pub is_watched: bool,
    /// How long ago the watchdog showed that it lives: [`HEARTBEAT`](crate::HEARTBEAT) at most while all is well.
    pub heartbeat_age: Duration,
    /// Workers that there should be.
    pub workers_wanted: usize,
    /// Workers that there are.
    pub workers: usize,
    /// Workers that run a guest.
    pub busy: usize,
    /// Calls that wait for a worker; those that wait for room in the queue, and those that go on after a host function has answered, included.
    pub queued: usize,
    /// Calls whose host function waits, and that hold no worker.
    pub waiting: usize,
    /// Calls that were refused, for the queue was full or the watchdog dead.
    pub refused: u64,
    /// Calls whose time was over.
    pub timed_out: u64,
    /// Calls whose future was dropped before they ended.
    pub cancelled: u64,
    /// Workers that died and were replaced.
    pub replaced: u64,
}

impl Health {
    /// Whether calls are served as they should be: there is a watchdog, and every worker. A full queue is not an
    /// illness.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        self.is_watched && self.workers >= self.workers_wanted
    }
}
