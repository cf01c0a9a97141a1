//! A guest's memory, as the host sees it: bytes at addresses.
//!
//! A wasm memory is one slice from address 0, and reading or writing it is that of the slice. Other engines have memory in
//! several places, which only they can reach. Whatever the guest chose as an address, what is not there is a trap.

use std::{borrow::Cow, fmt, iter, ops::Range};

use crate::Trap;

/// Memory that is not one slice from address 0.
pub trait SparseMemory {
    /// The bytes that there are: of all ranges together.
    fn bytes(&self) -> u64;

    /// Which addresses can be read, in ascending order.
    fn ranges(&self) -> Vec<Range<u64>>;

    /// Reads bytes from `address` on into all of `out`.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if one of them cannot be read; `out` is anything then.
    fn read(&mut self, address: u64, out: &mut [u8]) -> Result<(), Trap>;

    /// Writes all bytes, or none.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if one of them cannot be written.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Trap>;

    /// Whether so many bytes from `address` on can all be read.
    fn is_readable(&self, address: u64, length: u64) -> bool;
}

/// A guest's whole memory; empty if it has none.
pub struct GuestMemory<'a>(Repr<'a>);

enum Repr<'a> {
    Slice(&'a mut [u8]),
    Sparse(&'a mut (dyn SparseMemory + 'static)),
}

impl<'a> GuestMemory<'a> {
    /// One slice, which begins at address 0.
    #[inline]
    #[must_use]
    pub const fn slice(bytes: &'a mut [u8]) -> Self {
        Self(Repr::Slice(bytes))
    }

    /// Memory that an engine reads and writes.
    #[must_use]
    pub const fn sparse(memory: &'a mut (dyn SparseMemory + 'static)) -> Self {
        Self(Repr::Sparse(memory))
    }

    /// No memory.
    #[must_use]
    pub const fn none() -> Self {
        Self(Repr::Slice(&mut []))
    }

    /// The same memory for a shorter time.
    #[inline]
    pub fn reborrow(&mut self) -> GuestMemory<'_> {
        GuestMemory(match &mut self.0 {
            Repr::Slice(bytes) => Repr::Slice(bytes),
            Repr::Sparse(memory) => Repr::Sparse(*memory),
        })
    }

    /// The bytes that the guest has.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match &self.0 {
            Repr::Slice(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Repr::Sparse(memory) => memory.bytes(),
        }
    }

    /// Which addresses can be read, in ascending order.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<u64>> {
        match &self.0 {
            Repr::Slice([]) => Vec::new(),
            Repr::Slice(_) => iter::once(0..self.bytes()).collect(),
            Repr::Sparse(memory) => memory.ranges(),
        }
    }

    /// The bytes from `address` on. They are copied only where the memory is not one slice.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if one of them cannot be read. No bytes can be read anywhere in the guest's memory, and behind its last byte.
    #[inline]
    pub fn read(&mut self, address: u64, length: u64) -> Result<Cow<'_, [u8]>, Trap> {
        self.reborrow().into_read(address, length)
    }

    /// The bytes from `address` on, as [`read`](Self::read), for as long as the memory is borrowed.
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn into_read(self, address: u64, length: u64) -> Result<Cow<'a, [u8]>, Trap> {
        match self.0 {
            Repr::Slice(bytes) => {
                let place = place(address, length).ok_or(Trap::MemoryOutOfBounds)?;
                bytes
                    .get(place)
                    .map(Cow::Borrowed)
                    .ok_or(Trap::MemoryOutOfBounds)
            }
            Repr::Sparse(memory) => copy(memory, address, length).map(Cow::Owned),
        }
    }

    /// Reads bytes from `address` on into all of `out`.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if one of them cannot be read; `out` is anything then.
    #[inline]
    pub fn read_into(&mut self, address: u64, out: &mut [u8]) -> Result<(), Trap> {
        match &mut self.0 {
            Repr::Slice(bytes) => {
                let bytes = part(bytes, address, out.len())?;
                out.copy_from_slice(bytes);
                Ok(())
            }
            Repr::Sparse(memory) => memory.read(address, out),
        }
    }

    /// `N` bytes from `address` on.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if one of them cannot be read.
    #[inline]
    pub fn read_array<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Trap> {
        let mut array = [0; N];
        self.read_into(address, &mut array)?;
        Ok(array)
    }

    /// Writes all bytes, or none.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if one of them cannot be written.
    #[inline]
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Trap> {
        match &mut self.0 {
            Repr::Slice(memory) => {
                part(memory, address, bytes.len())?.copy_from_slice(bytes);
                Ok(())
            }
            Repr::Sparse(memory) => memory.write(address, bytes),
        }
    }

    /// Whether so many bytes from `address` on can be read.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if they cannot.
    pub fn check(&self, address: u64, length: u64) -> Result<(), Trap> {
        let is_there = match &self.0 {
            Repr::Slice(_) => address
                .checked_add(length)
                .is_some_and(|end| end <= self.bytes()),
            Repr::Sparse(memory) => memory.is_readable(address, length),
        };
        is_there.then_some(()).ok_or(Trap::MemoryOutOfBounds)
    }
}

/// The bytes of a memory that is no slice. What is not there is looked at first: the guest chose the length.
fn copy(memory: &mut dyn SparseMemory, address: u64, length: u64) -> Result<Vec<u8>, Trap> {
    if !memory.is_readable(address, length) {
        return Err(Trap::MemoryOutOfBounds);
    }
    let length = usize::try_from(length).map_err(|_| Trap::MemoryOutOfBounds)?;
    let mut bytes = vec![0; length];
    memory.read(address, &mut bytes)?;
    Ok(bytes)
}

#[inline]
fn part(memory: &mut [u8], address: u64, length: usize) -> Result<&mut [u8], Trap> {
    let start = usize::try_from(address).map_err(|_| Trap::MemoryOutOfBounds)?;
    let end = start.checked_add(length).ok_or(Trap::MemoryOutOfBounds)?;
    memory.get_mut(start..end).ok_or(Trap::MemoryOutOfBounds)
}

#[inline]
fn place(address: u64, length: u64) -> Option<Range<usize>> {
    let end = address.checked_add(length)?;
    Some(usize::try_from(address).ok()?..usize::try_from(end).ok()?)
}

impl fmt::Debug for GuestMemory<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GuestMemory")
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
