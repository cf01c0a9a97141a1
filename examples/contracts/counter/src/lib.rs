//! A counter: everybody adds to one number.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::prelude::*;

/// Counts, and tells it.
#[contract(events(Counted))]
pub struct Counter {
    count: Value<u64>,
}

/// The number has changed.
#[event]
pub struct Counted {
    /// The account that added to it.
    #[topic]
    pub by: Address,
    /// The new number.
    pub count: u64,
}

/// Why it does not count.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The number would be too large.
    #[message("nothing can be added to {count}")]
    Full {
        /// The number.
        count: u64,
    },
}

#[methods(unless_feature = "library")]
impl Counter {
    /// Adds to the number, and returns the new one.
    pub fn add(&mut self, number: u64) -> Result<u64, Error> {
        let count = self.count.get_or_default();
        let sum = count.checked_add(number).ok_or(Error::Full { count })?;
        self.count.set(&sum);
        self.emit(Counted {
            by: env::caller(),
            count: sum,
        });
        Ok(sum)
    }

    /// The number.
    pub fn count(&self) -> u64 {
        self.count.get_or_default()
    }
}
