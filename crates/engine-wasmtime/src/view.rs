//! The location of an instance's memory.

use std::{ptr::NonNull, slice};

/// The address and length of a store's memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryView {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the view is an address and a length. Guest memory is plain bytes and not bound to a
// thread. Access is through `bytes`, which is unsafe.
unsafe impl Send for MemoryView {}

impl MemoryView {
    /// The view of no memory.
    pub(crate) const EMPTY: MemoryView = MemoryView {
        start: NonNull::dangling(),
        bytes: 0,
    };

    /// A view of the memory at `start`.
    ///
    /// Takes a pointer instead of a slice: a slice would assert exclusive access for the lifetime
    /// of the view, but the guest accesses the memory too.
    pub(crate) fn of(start: *mut u8, bytes: usize) -> Self {
        match NonNull::new(start) {
            Some(start) => Self { start, bytes },
            None => Self::EMPTY,
        }
    }

    /// The bytes of the memory.
    ///
    /// # Safety
    ///
    /// The memory still exists and has neither moved nor shrunk. While the slice lives, nothing
    /// else reads or writes the memory.
    pub(crate) unsafe fn bytes<'a>(self) -> &'a mut [u8] {
        // SAFETY: address and length are those of one memory, and the caller guarantees that they
        // are still valid.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}
