//! Memory budgets: a limit of guest memory for a transaction.
//!
//! The size of guest memory is the same on every machine and engine, so a budget may affect
//! outcomes.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A limit of guest memory, in bytes. Clones share the budget.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    shared: Arc<Budget>,
}

#[derive(Debug)]
struct Budget {
    limit: u64,
    reserved: AtomicU64,
}

/// Reserved bytes of a [`MemoryBudget`]. Dropping it releases them.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: u64,
}

impl MemoryBudget {
    /// A budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            shared: Arc::new(Budget {
                limit,
                reserved: AtomicU64::new(0),
            }),
        }
    }

    /// Reserves `bytes`. Returns `None`, and reserves nothing, if fewer are left.
    #[must_use]
    pub fn reserve(&self, bytes: u64) -> Option<Reservation> {
        let Budget { limit, reserved } = &*self.shared;
        let next = |reserved: u64| reserved.checked_add(bytes).filter(|sum| sum <= limit);
        reserved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .ok()?;
        Some(Reservation {
            budget: self.clone(),
            bytes,
        })
    }

    /// The number of reserved bytes.
    #[must_use]
    pub fn reserved(&self) -> u64 {
        self.shared.reserved.load(Ordering::Relaxed)
    }
}

impl Reservation {
    /// Sets the reserved bytes to the size of memory that has already grown, even beyond the
    /// budget. [`MemoryBudget::reserved`] can exceed the limit then, and no further reservation
    /// succeeds.
    pub fn resize(&mut self, bytes: u64) {
        if bytes == self.bytes {
            return;
        }
        let reserved = &self.budget.shared.reserved;
        reserved.fetch_add(bytes, Ordering::Relaxed);
        reserved.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget
            .shared
            .reserved
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
