//! Interrupted calls of programs at depth 0, by number.

use std::collections::BTreeMap;

use fusee_engine::Gas;

use crate::Interruption;

/// The last number: the largest positive exit code.
const LAST: u32 = i32::MAX.unsigned_abs();

/// The interrupted calls of a transaction that programs at depth 0 made.
#[derive(Debug, Default)]
pub(crate) struct NumberedCalls {
    calls: BTreeMap<u32, NumberedCall>,
    last: u32,
}

/// An interrupted call.
#[derive(Debug)]
pub(crate) struct NumberedCall {
    pub(crate) interruption: Interruption,
    /// The used gas that its caller already knows.
    pub(crate) told: Gas,
}

impl NumberedCalls {
    /// Stores a call and returns its number, counted from 1 in each transaction. If no number is
    /// left, drops the call and returns `None`.
    pub(crate) fn insert(&mut self, call: NumberedCall) -> Option<u32> {
        let number = self.last.checked_add(1).filter(|next| *next <= LAST)?;
        self.last = number;
        self.calls.insert(number, call);
        Some(number)
    }

    /// Takes the call with a number.
    pub(crate) fn remove(&mut self, number: u32) -> Option<NumberedCall> {
        self.calls.remove(&number)
    }

    /// Drops every call.
    pub(crate) fn clear(&mut self) {
        self.calls.clear();
    }
}

#[cfg(test)]
mod tests;
