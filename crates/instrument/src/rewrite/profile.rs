//! Profiling callbacks: each function reports where it begins and where it returns.
//!
//! At both points the gas in the packed counter is exact. It may be negative. The host does not
//! change it.

use wasm_encoder::InstructionSink;

use super::counter::Packing;

/// The imports that a function calls at its entry and before it returns.
#[derive(Clone, Copy)]
pub(super) struct Profile {
    enter: u32,
    leave: u32,
    packing: Packing,
}

impl Profile {
    /// The two functions that begin at this index.
    pub(super) const fn starting_at(first: u32, packing: Packing) -> Self {
        Self {
            enter: first,
            leave: first.saturating_add(1),
            packing,
        }
    }

    /// The first function index after them.
    pub(super) const fn end(&self) -> u32 {
        self.leave.saturating_add(1)
    }

    /// Reports the entry of the guest function with this index. `counter` is the local that holds
    /// the packed counter.
    pub(super) fn enter(self, code: &mut InstructionSink<'_>, counter: u32, function: u32) {
        code.local_get(counter);
        self.packing.unpack_gas(code);
        code.i64_const(i64::from(function))
            .call(self.enter)
            .drop()
            .drop();
    }

    /// Reports the return of a function. The packed counter stays on the stack.
    pub(super) fn leave(self, code: &mut InstructionSink<'_>, counter: u32) {
        code.local_tee(counter).local_get(counter);
        self.packing.unpack_gas(code);
        code.call(self.leave).drop().drop();
    }
}
