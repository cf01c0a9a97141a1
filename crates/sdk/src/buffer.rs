//! Bytes on the stack: what the host writes, and encodings of a bounded size.

use crate::codec::Sink;

#[cfg(target_os = "none")]
pub(crate) use crate::guest::{Byte, filled, put, put_text, room};
#[cfg(not(target_os = "none"))]
pub(crate) use crate::native::{Byte, filled, put, put_text, room};

/// The largest encoding that is kept on the stack.
pub(crate) const SMALL: usize = 256;

/// Room for `N` bytes.
pub(crate) struct Buffer<const N: usize> {
    bytes: [Byte; N],
    length: usize,
}

impl<const N: usize> Buffer<N> {
    #[inline]
    pub(crate) const fn new() -> Self {
        // What a guest does not write, it does not read: it has no initial value there.
        #[cfg(target_os = "none")]
        let bytes = [Byte::uninit(); N];
        #[cfg(not(target_os = "none"))]
        let bytes = [0; N];
        Self { bytes, length: 0 }
    }

    /// Has a syscall write, which returns the full length: `None` if that is a status, or more than
    /// there is room for.
    #[inline]
    pub(crate) fn fill(&mut self, syscall: impl FnOnce(&mut [Byte]) -> i32) -> Filled<'_> {
        let reply = syscall(&mut self.bytes);
        match usize::try_from(reply) {
            Ok(length) => match self.bytes.get(..length) {
                Some(bytes) => Filled::Bytes(filled(bytes)),
                None => Filled::Longer(length, filled(&self.bytes)),
            },
            Err(_) => Filled::Status,
        }
    }

    /// An array that a syscall writes.
    #[inline]
    pub(crate) fn array(syscall: impl FnOnce(&mut [Byte])) -> [u8; N] {
        let mut buffer = Self::new();
        syscall(&mut buffer.bytes);
        let mut array = [0; N];
        array.copy_from_slice(filled(&buffer.bytes));
        array
    }

    /// An array that a syscall writes unless it fails.
    #[inline]
    pub(crate) fn try_array<E>(
        syscall: impl FnOnce(&mut [Byte]) -> Result<(), E>,
    ) -> Result<[u8; N], E> {
        let mut buffer = Self::new();
        syscall(&mut buffer.bytes)?;
        let mut array = [0; N];
        array.copy_from_slice(filled(&buffer.bytes));
        Ok(array)
    }

    /// An array that a syscall writes if it returns 1.
    #[inline]
    pub(crate) fn array_if(syscall: impl FnOnce(&mut [Byte]) -> i32) -> Option<[u8; N]> {
        let is_written = |room: &mut [Byte]| match syscall(room) {
            1 => Ok(()),
            _ => Err(()),
        };
        Self::try_array(is_written).ok()
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).map_or(&[], filled)
    }
}

impl<const N: usize> Buffer<N> {
    /// Appends text, if all of it fits.
    pub(crate) fn append(&mut self, text: &[u8]) {
        let end = self.length.saturating_add(text.len());
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            put_text(room, text);
            self.length = end;
        }
    }
}

impl<const N: usize> Sink for Buffer<N> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        match self.bytes.get_mut(self.length..end) {
            Some(room) => {
                put(room, bytes);
                self.length = end;
            }
            None => too_large(),
        }
    }
}

/// A type has values that are larger than its `MAX_BYTES`.
#[cold]
fn too_large() -> ! {
    crate::contract::revert("a value is larger than its type says")
}

/// What a syscall wrote.
pub(crate) enum Filled<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// More than there was room for: so many, of which these are the first.
    Longer(usize, &'a [u8]),
    /// Nothing.
    Status,
}

/// Bytes on the heap that a syscall writes, of any number. `None` if it returns a status.
pub(crate) fn on_the_heap(syscall: impl Fn(&mut [Byte]) -> i32) -> Option<alloc::vec::Vec<u8>> {
    let mut small = Buffer::<SMALL>::new();
    let length = match small.fill(&syscall) {
        Filled::Bytes(bytes) => return Some(bytes.to_vec()),
        Filled::Status => return None,
        Filled::Longer(length, _) => length,
    };
    #[cfg(target_os = "none")]
    let mut room = alloc::vec![Byte::new(0); length];
    #[cfg(not(target_os = "none"))]
    let mut room = alloc::vec![0; length];
    syscall(&mut room);
    Some(filled(&room).to_vec())
}
