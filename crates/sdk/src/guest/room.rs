//! Memory that the host writes, which a guest does not clear first: it pays for each store.

use core::mem::MaybeUninit;

/// A byte that may not have been written.
pub(crate) type Byte = MaybeUninit<u8>;

/// The bytes, all of which the host wrote: it returned their number.
#[inline]
pub(crate) fn filled(bytes: &[Byte]) -> &[u8] {
    // SAFETY: callers pass the part of a region that a syscall, or `put`, wrote.
    unsafe { bytes.assume_init_ref() }
}

/// Copies bytes to the beginning of a region of the same length.
#[inline]
pub(crate) fn put(to: &mut [Byte], from: &[u8]) {
    to.write_copy_of_slice(from);
}
