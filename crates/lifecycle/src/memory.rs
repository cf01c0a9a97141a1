//! Ranges of a guest's memory, checked.

use crate::MemoryFault;

/// A range of a memory.
pub(crate) fn range(memory: &mut [u8], offset: u64, length: u64) -> Result<&mut [u8], MemoryFault> {
    let fault = MemoryFault::OutOfBounds {
        offset,
        length,
        size: self::length(memory),
    };
    let begin = usize::try_from(offset).ok();
    let end = offset.checked_add(length);
    let end = end.and_then(|end| usize::try_from(end).ok());
    begin
        .zip(end)
        .and_then(|(begin, end)| memory.get_mut(begin..end))
        .ok_or(fault)
}

pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
