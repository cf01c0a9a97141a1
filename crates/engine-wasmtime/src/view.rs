//! Where an instance's memory is.

use std::{ptr::NonNull, slice};

/// The address and the length of a memory, which a store holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryView {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the view is no more than an address and a length. Whoever makes a reference of it
// answers for what it points to; guest memory is plain bytes and bound to no thread.
unsafe impl Send for MemoryView {}

impl MemoryView {
    /// Of no memory.
    pub(crate) const EMPTY: MemoryView = MemoryView {
        start: NonNull::dangling(),
        bytes: 0,
    };

    pub(crate) fn of(bytes: &mut [u8]) -> Self {
        Self {
            start: NonNull::from_mut(bytes).cast(),
            bytes: bytes.len(),
        }
    }

    /// The memory.
    ///
    /// # Safety
    ///
    /// The memory is still there, and has not moved. While what this returns lives, nobody else reads it or writes into it.
    pub(crate) unsafe fn bytes<'a>(self) -> &'a mut [u8] {
        // SAFETY: the view was taken of a slice, and the caller answers for what has happened since.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}
