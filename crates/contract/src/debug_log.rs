//! The debug log: text that contracts write for people, apart from consensus.
//!
//! No receipt, no change and no gas depends on the log, or on whether there is one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Address;

/// Collects the debug log of one transaction or query: what its contracts wrote by the syscall
/// `debug_log`, including those whose changes were reverted. The log can be read during and after
/// the transaction. The next one on the same [`Contracts`](crate::Contracts) empties it.
///
/// Clones share the log.
#[derive(Clone, Debug)]
pub struct DebugLog {
    lines: Arc<Mutex<Lines>>,
    max_bytes: usize,
}

/// A line of a debug log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The contract that wrote it.
    pub contract: Address,
    /// What it wrote: UTF-8 by convention, and any bytes of the contract's choice. A program
    /// that shows them on a terminal has to escape control characters.
    pub text: Vec<u8>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<LogLine>,
    bytes: usize,
    is_truncated: bool,
}

/// What the log counts for a line besides its text, so that empty lines are bounded as well.
const LINE_BYTES: usize = 64;

impl DebugLog {
    /// Creates an empty log. Lines that would make it longer than `max_bytes`, counting 64 bytes
    /// for each line and its text, are dropped: gas bounds what contracts write, but not to what an
    /// embedder may want to hold.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            lines: Arc::default(),
            max_bytes,
        }
    }

    /// The lines so far, in the order in which they were written.
    #[must_use]
    pub fn lines(&self) -> Vec<LogLine> {
        self.lock().lines.clone()
    }

    /// Whether lines were dropped, because the log was full.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.lock().is_truncated
    }

    /// Begins the log of another attempt or transaction.
    pub(crate) fn clear(&self) {
        *self.lock() = Lines::default();
    }

    pub(crate) fn write(&self, contract: Address, text: &[u8]) {
        let mut log = self.lock();
        let bytes = text.len().saturating_add(LINE_BYTES);
        let bytes = log.bytes.saturating_add(bytes);
        // What follows a dropped line is dropped as well, so that a log has no gaps.
        if log.is_truncated || bytes > self.max_bytes {
            log.is_truncated = true;
            return;
        }
        log.bytes = bytes;
        log.lines.push(LogLine {
            contract,
            text: text.to_vec(),
        });
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
