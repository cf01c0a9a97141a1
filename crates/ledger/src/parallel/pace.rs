//! The pace: how far to run ahead, and when to leave it.
//!
//! What runs far ahead misses what is committed in between. So the distance grows with each
//! transaction that was run ahead and is valid, and is halved by each one that is not.
//!
//! Where each transaction reads what the one before it wrote, running ahead wins nothing and costs
//! the committing thread its caches. So after conflicts in half of the last sixteen transactions,
//! a stretch of transactions runs in turn on one thread. Each stretch that begins soon after the
//! last one is twice as long, so a block of conflicts loses a few dozen attempts.

/// The greatest distance. It bounds the memory for results, and lets other threads go on beside a
/// transaction that takes as long as hundreds of others.
const FARTHEST: usize = 512;

/// The least distance.
const NEAREST: usize = 4;

/// The number of transactions in the first stretch.
const STRETCH: usize = 256;

/// The conflicts among the last sixteen transactions that begin a stretch.
const CONFLICTS: u32 = 8;

/// What the last transactions came to, and the current stretch.
#[derive(Debug)]
pub(super) struct Pace {
    distance: usize,
    nearest: usize,
    /// A bit for each of the last transactions: whether it was run ahead in vain.
    conflicts: u16,
    /// The length of the last stretch, and the index behind it.
    length: usize,
    end: usize,
}

impl Pace {
    pub(super) fn new(threads: usize) -> Self {
        let nearest = NEAREST.max(threads);
        Self {
            distance: nearest,
            nearest,
            conflicts: 0,
            length: 0,
            end: 0,
        }
    }

    /// How many transactions behind the committed ones can be run ahead.
    pub(super) const fn distance(&self) -> usize {
        self.distance
    }

    /// Whether the transaction with this index runs in turn.
    pub(super) const fn is_in_turn(&self, index: usize) -> bool {
        index < self.end
    }

    /// Notes whether a transaction was run ahead in vain. Returns whether a stretch should begin.
    pub(super) fn note(&mut self, was_in_vain: bool) -> bool {
        self.distance = match was_in_vain {
            true => (self.distance / 2).max(self.nearest),
            false => self.distance.saturating_add(1).min(FARTHEST),
        };
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
        // Half of what begins the next one: behind a stretch, few transactions tell.
        self.conflicts = 0b1111;
    }
}

#[cfg(test)]
mod tests;
