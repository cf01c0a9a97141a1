//! Room for bytes that the host writes.

use core::mem::MaybeUninit;

use crate::{Message, host::length, stubs};

/// Room for `CAPACITY` bytes that the host writes, not zeroed first: a guest pays for each store.
pub struct Buffer<const CAPACITY: usize>([MaybeUninit<u8>; CAPACITY]);

impl<const CAPACITY: usize> Buffer<CAPACITY> {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self([MaybeUninit::uninit(); CAPACITY])
    }

    /// Reads the input of the call. Reverts if it is longer than the buffer.
    pub fn input(&mut self) -> &mut [u8] {
        // SAFETY: the host writes the input at `start`, at most `capacity` bytes of it, and returns
        // its length.
        unsafe { self.fill(&[], |start, capacity| stubs::input_read(start, capacity)) }
    }

    /// Reads the return data of the last call, behind a prefix. Reverts if both are longer than the
    /// buffer.
    pub fn return_data_after(&mut self, prefix: &[u8]) -> &mut [u8] {
        // SAFETY: the host writes the return data at `start`, at most `capacity` bytes of it, and
        // returns its length.
        unsafe {
            self.fill(prefix, |start, capacity| {
                stubs::return_data_read(start, capacity)
            })
        }
    }

    /// Writes the prefix, and has the syscall write behind it.
    ///
    /// # Safety
    ///
    /// `syscall` returns a length, and writes that many bytes to the region it is given, or all of
    /// the region if the length is larger.
    unsafe fn fill(
        &mut self,
        prefix: &[u8],
        syscall: impl FnOnce(*mut u8, u32) -> i32,
    ) -> &mut [u8] {
        let (head, tail) = self.0.split_at_mut(prefix.len());
        head.write_copy_of_slice(prefix);

        let reported = syscall(tail.as_mut_ptr().cast(), length(tail));
        let written = match usize::try_from(reported) {
            Ok(written) if written <= tail.len() => written,
            _ => Message::new()
                .text("data too long: has ")
                .number(u64::from(reported.cast_unsigned()))
                .text(" bytes, room for ")
                .number(u64::from(length(tail)))
                .revert(),
        };

        let (filled, _) = self.0.split_at_mut(prefix.len() + written);
        // SAFETY: the prefix was copied above, and the caller promises that the syscall wrote
        // `written` bytes behind it, which is not more than there is room for.
        unsafe { filled.assume_init_mut() }
    }
}

impl<const CAPACITY: usize> Default for Buffer<CAPACITY> {
    fn default() -> Self {
        Self::new()
    }
}
