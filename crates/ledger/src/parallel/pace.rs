//! The pace: when running ahead is in vain, and for how long to leave it.
//!
//! Where each transaction reads what the one before it wrote, running ahead wins nothing and costs
//! the committing thread its caches. So after conflicts in half of the last sixteen transactions,
//! a stretch of transactions runs in turn on one thread. Each stretch that begins soon after the
//! last one is twice as long, so a block of conflicts loses a few dozen attempts.

/// The number of transactions in the first stretch.
const STRETCH: usize = 64;

/// The conflicts among the last sixteen transactions that begin a stretch.
const CONFLICTS: u32 = 8;

/// What the last transactions came to, and the current stretch.
#[derive(Debug)]
pub(super) struct Pace {
    /// A bit for each of the last transactions: whether it was run ahead in vain.
    conflicts: u16,
    /// The length of the last stretch, and the index behind it.
    length: usize,
    end: usize,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            conflicts: 0,
            length: 0,
            end: 0,
        }
    }

    /// Whether the transaction with this index runs in turn.
    pub(super) const fn is_in_turn(&self, index: usize) -> bool {
        index < self.end
    }

    /// Notes whether a transaction was run ahead in vain. Returns whether a stretch should begin.
    pub(super) fn note(&mut self, was_in_vain: bool) -> bool {
        self.conflicts = (self.conflicts << 1) | u16::from(was_in_vain);
        self.conflicts.count_ones() >= CONFLICTS
    }

    /// Begins a stretch at `index`.
    pub(super) fn begin(&mut self, index: usize) {
        let since = index.saturating_sub(self.end);
        self.length = match self.length {
            0 => STRETCH,
            length if since < STRETCH => length.saturating_mul(2),
            _ => STRETCH,
        };
        self.end = index.saturating_add(self.length);
        self.conflicts = 0;
    }
}

#[cfg(test)]
mod tests;
