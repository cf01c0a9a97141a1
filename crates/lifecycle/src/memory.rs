//! Access to a guest's memory, with errors that have its size.

use std::borrow::Cow;

use fusee_engine::{GuestMemory, Trap};

use crate::MemoryFault;

/// Reads a range of a memory.
pub(crate) fn read(
    memory: GuestMemory<'_>,
    offset: u64,
    length: u64,
) -> Result<Cow<'_, [u8]>, MemoryFault> {
    let size = memory.bytes();
    memory
        .into_read(offset, length)
        .map_err(|_| fault(offset, length, size))
}

/// Writes into a range of a memory.
pub(crate) fn write(
    mut memory: GuestMemory<'_>,
    offset: u64,
    bytes: &[u8],
) -> Result<(), MemoryFault> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    memory
        .write(offset, bytes)
        .map_err(|_: Trap| fault(offset, length, memory.bytes()))
}

/// Checks that a range is within a memory.
pub(crate) fn check(memory: &GuestMemory<'_>, offset: u64, length: u64) -> Result<(), MemoryFault> {
    memory
        .check(offset, length)
        .map_err(|_| fault(offset, length, memory.bytes()))
}

const fn fault(offset: u64, length: u64, size: u64) -> MemoryFault {
    MemoryFault::OutOfBounds {
        offset,
        length,
        size,
    }
}
