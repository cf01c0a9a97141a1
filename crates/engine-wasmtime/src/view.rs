//! Where an instance's memory is.

use std::{ptr::NonNull, slice};

/// The address and the length of a memory, which a store holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryView {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the view is an address and a length. `bytes` is unsafe, and its caller answers for what
// is there; guest memory is plain bytes and bound to no thread.
unsafe impl Send for MemoryView {}

impl MemoryView {
    /// Of no memory.
    pub(crate) const EMPTY: MemoryView = MemoryView {
        start: NonNull::dangling(),
        bytes: 0,
    };

    /// Of the memory that begins there.
    ///
    /// It takes the address that the engine uses itself, and no slice: a slice would be the only
    /// access to the memory for as long as the view is used, and the guest has another one.
    pub(crate) fn of(start: *mut u8, bytes: usize) -> Self {
        match NonNull::new(start) {
            Some(start) => Self { start, bytes },
            None => Self::EMPTY,
        }
    }

    /// The memory.
    ///
    /// # Safety
    ///
    /// The memory is still there, has not moved and has not shrunk. While the slice lives, nothing
    /// else reads the memory or writes into it.
    pub(crate) unsafe fn bytes<'a>(self) -> &'a mut [u8] {
        // SAFETY: the engine gave the address and the length of one memory, and the caller answers
        // for what has happened since.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}
