//! Memory budgets: how many bytes of guest memory a transaction may hold at once.
//!
//! Bytes of guest memory are the same on every machine and engine, so that a budget may decide
//! outcomes.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Bytes of guest memory that may be held together. Its clones are the same budget.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    shared: Arc<Budget>,
}

#[derive(Debug)]
struct Budget {
    limit: u64,
    reserved: AtomicU64,
}

/// Bytes of a [`MemoryBudget`], until it is dropped.
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

    /// Reserves bytes; `None`, and nothing is reserved, if fewer are left.
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

    /// The bytes that are reserved.
    #[must_use]
    pub fn reserved(&self) -> u64 {
        self.shared.reserved.load(Ordering::Relaxed)
    }
}

impl Reservation {
    /// Follows memory that has grown already: sets the bytes that it holds, even where the budget
    /// has fewer. [`MemoryBudget::reserved`] exceeds the limit then, and nothing can be reserved.
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
