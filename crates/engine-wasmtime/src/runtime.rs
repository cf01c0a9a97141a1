//! Wasmtime in one configuration, and the native stack of its guests.

use crate::{frames::Check, pool::Idle};

/// Wasmtime in one configuration, with its pool.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) stack: NativeStack,
    /// Where compiled code checks that stack.
    pub(crate) stack_check: Check,
    /// The number of instances in the pool. `None` if there is no pool.
    pub(crate) instances: Option<u32>,
    pub(crate) idle: Idle,
}

/// The native stack of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeStack {
    /// The limit of guest code, in bytes.
    pub(crate) guest_bytes: usize,
}

impl NativeStack {
    /// The additional stack of host functions, in bytes.
    const HOST_BYTES: usize = 512 << 10;

    /// The whole stack, in bytes.
    pub(crate) const fn bytes(self) -> usize {
        self.guest_bytes.saturating_add(Self::HOST_BYTES)
    }

    /// Whether the calling thread has this much stack left.
    pub(crate) fn is_left(self) -> bool {
        stacker::remaining_stack().is_some_and(|left| left >= self.bytes())
    }
}
