//! Memory that the host writes, which a guest does not clear first: it pays for each store.

use core::{hint::black_box, mem::MaybeUninit, ptr, slice};

/// A byte that may not have been written.
pub(crate) type Byte = MaybeUninit<u8>;

/// The bytes, all of which the host wrote: it returned their number.
#[inline]
pub(crate) fn filled(bytes: &[Byte]) -> &[u8] {
    // SAFETY: callers pass the part of a region that a syscall, or `put`, wrote.
    unsafe { bytes.assume_init_ref() }
}

/// Bytes that the host writes, and that have values all the same.
#[inline]
pub(crate) const fn room(bytes: &mut [u8]) -> &mut [Byte] {
    // SAFETY: both types have the same layout, and the region is borrowed exclusively as long as
    // its result. Callers pass it to the host, which writes nothing but values.
    unsafe { slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len()) }
}

/// Copies bytes to the beginning of a region, as far as it goes.
///
/// For lengths that the compiler knows: then these are a few loads and stores.
#[inline]
pub(crate) fn put(to: &mut [Byte], from: &[u8]) {
    let length = from.len().min(to.len());
    // SAFETY: both regions have that many bytes, and an exclusive one overlaps with no other.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to.as_mut_ptr().cast(), length) };
}

/// The same for any length, byte by byte: a contract without lists needs no `memcpy`, which is a
/// kilobyte.
#[inline(never)]
pub(crate) fn put_text(to: &mut [Byte], from: &[u8]) {
    let mut index = 0;
    while let (Some(to), Some(from)) = (to.get_mut(index), from.get(index)) {
        // SAFETY: it is a reference. The compiler makes no `memcpy` of volatile writes.
        unsafe { ptr::write_volatile(to, Byte::new(*from)) };
        // Nor does it unroll a loop whose index it cannot predict.
        index = black_box(index.wrapping_add(1));
    }
}
