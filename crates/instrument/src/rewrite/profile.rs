//! What functions tell whoever makes a profile: where they begin, and where they return.
//!
//! At both places the gas in the word is exact, below zero or not, and the host leaves it as it is.

use wasm_encoder::InstructionSink;

use super::word;

/// The imports that are called at the borders of functions.
#[derive(Clone, Copy)]
pub(super) struct Profile {
    enter: u32,
    leave: u32,
}

impl Profile {
    /// The two functions from this index on.
    pub(super) const fn behind(first: u32) -> Self {
        Self {
            enter: first,
            leave: first.saturating_add(1),
        }
    }

    /// The index of what comes behind them.
    pub(super) const fn end(&self) -> u32 {
        self.leave.saturating_add(1)
    }

    /// Tells that the guest's function of this index begins.
    pub(super) fn enter(self, code: &mut InstructionSink<'_>, word: u32, function: u32) {
        code.local_get(word);
        word::take_gas(code);
        code.i64_const(i64::from(function))
            .call(self.enter)
            .drop()
            .drop();
    }

    /// Tells that the function returns the word on the stack, and leaves it there.
    pub(super) fn leave(self, code: &mut InstructionSink<'_>, word: u32) {
        code.local_tee(word).local_get(word);
        word::take_gas(code);
        code.call(self.leave).drop().drop();
    }
}
