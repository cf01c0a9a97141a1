//! The host's access to guest memory.
//!
//! A wasm memory is one byte slice, which begins at address 0. Other engines have sparse memory,
//! which they access themselves. An access out of range is a trap of the guest.

use std::{borrow::Cow, fmt, iter, ops::Range};

use crate::Trap;

/// Memory that is not one slice from address 0: only its engine can access it.
pub trait SparseMemory {
    /// The size of all ranges together, in bytes.
    fn bytes(&self) -> u64;

    /// The readable address ranges, in ascending order.
    fn ranges(&self) -> Vec<Range<u64>>;

    /// Fills `out` with the bytes at `address`.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if a byte is not readable. The contents of `out` are unspecified
    /// then.
    fn read(&mut self, address: u64, out: &mut [u8]) -> Result<(), Trap>;

    /// Writes `bytes` at `address`, or nothing on failure.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if a byte is not writable.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Trap>;

    /// Whether `length` bytes at `address` are readable.
    fn is_readable(&self, address: u64, length: u64) -> bool;
}

/// A guest's whole memory; empty if it has none.
pub struct GuestMemory<'a>(Repr<'a>);

enum Repr<'a> {
    Slice(&'a mut [u8]),
    Sparse(&'a mut (dyn SparseMemory + 'static)),
}

impl<'a> GuestMemory<'a> {
    /// Memory that is one slice from address 0.
    #[inline]
    #[must_use]
    pub const fn slice(bytes: &'a mut [u8]) -> Self {
        Self(Repr::Slice(bytes))
    }

    /// Memory that its engine accesses.
    #[must_use]
    pub const fn sparse(memory: &'a mut (dyn SparseMemory + 'static)) -> Self {
        Self(Repr::Sparse(memory))
    }

    /// No memory.
    #[must_use]
    pub const fn none() -> Self {
        Self(Repr::Slice(&mut []))
    }

    /// Borrows the same memory for a shorter lifetime.
    #[inline]
    pub fn reborrow(&mut self) -> GuestMemory<'_> {
        GuestMemory(match &mut self.0 {
            Repr::Slice(bytes) => Repr::Slice(bytes),
            Repr::Sparse(memory) => Repr::Sparse(*memory),
        })
    }

    /// The size of the memory, in bytes.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match &self.0 {
            Repr::Slice(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Repr::Sparse(memory) => memory.bytes(),
        }
    }

    /// The readable address ranges, in ascending order.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<u64>> {
        match &self.0 {
            Repr::Slice([]) => Vec::new(),
            Repr::Slice(_) => iter::once(0..self.bytes()).collect(),
            Repr::Sparse(memory) => memory.ranges(),
        }
    }

    /// The `length` bytes at `address`. Copies only sparse memory.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if a byte is not readable. A read of zero bytes succeeds at
    /// every address of the guest's memory and at its end.
    #[inline]
    pub fn read(&mut self, address: u64, length: u64) -> Result<Cow<'_, [u8]>, Trap> {
        self.reborrow().into_read(address, length)
    }

    /// Like [`read`](Self::read), for the lifetime of the borrowed memory.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
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

    /// Fills `out` with the bytes at `address`.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if a byte is not readable. The contents of `out` are unspecified
    /// then.
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

    /// The `N` bytes at `address`.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if a byte is not readable.
    #[inline]
    pub fn read_array<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Trap> {
        let mut array = [0; N];
        self.read_into(address, &mut array)?;
        Ok(array)
    }

    /// Writes `bytes` at `address`, or nothing on failure.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if a byte is not writable.
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

    /// Checks that `length` bytes at `address` are readable.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if a byte is not readable.
    pub fn check(&self, address: u64, length: u64) -> Result<(), Trap> {
        let is_readable = match &self.0 {
            Repr::Slice(_) => address
                .checked_add(length)
                .is_some_and(|end| end <= self.bytes()),
            Repr::Sparse(memory) => memory.is_readable(address, length),
        };
        is_readable.then_some(()).ok_or(Trap::MemoryOutOfBounds)
    }
}

/// Copies bytes of sparse memory. Checks the range before it allocates, since the guest chose the
/// length.
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
