//! Guest memory: read-only data, data and stack, each in an address range of its own.

use std::ops::Range;

use fusee_engine::{Lease, SparseMemory, Trap};
use polkavm::{MemoryProtection, RawInstance};

/// A PolkaVM instance and the access to its memory.
pub(crate) struct Memory {
    pub(crate) raw: Lease<RawInstance>,
    /// Whether an access within bounds failed: a fault of the host.
    pub(crate) is_broken: bool,
}

impl Memory {
    pub(crate) const fn new(raw: Lease<RawInstance>) -> Self {
        Self {
            raw,
            is_broken: false,
        }
    }

    /// Records whether an access within bounds succeeded. After a failure the run ends as a fault
    /// of the host, so the trap does not matter.
    fn record(&mut self, is_done: bool) -> Result<(), Trap> {
        self.is_broken |= !is_done;
        is_done.then_some(()).ok_or(Trap::MemoryOutOfBounds)
    }

    /// The start of a range if the whole range is accessible. An empty range is accessible
    /// anywhere.
    fn checked_address(
        &self,
        address: u64,
        length: u64,
        protection: MemoryProtection,
    ) -> Option<u32> {
        let length = u32::try_from(length).ok()?;
        if length == 0 {
            return Some(0);
        }
        let address = u32::try_from(address).ok()?;
        let is_accessible = self.raw.is_memory_accessible(address, length, protection);
        is_accessible.then_some(address)
    }
}

impl SparseMemory for Memory {
    fn bytes(&self) -> u64 {
        let ranges = self.ranges().into_iter();
        ranges
            .map(|range| range.end.saturating_sub(range.start))
            .sum()
    }

    fn ranges(&self) -> Vec<Range<u64>> {
        let map = self.raw.module().memory_map();
        let ranges = [map.ro_data_range(), map.rw_data_range(), map.stack_range()];
        ranges
            .into_iter()
            .filter(|range| !range.is_empty())
            .map(|range| u64::from(range.start)..u64::from(range.end))
            .collect()
    }

    fn read(&mut self, address: u64, out: &mut [u8]) -> Result<(), Trap> {
        let start = self.checked_address(address, length(out), MemoryProtection::Read);
        let start = start.ok_or(Trap::MemoryOutOfBounds)?;
        let read = self.raw.read_memory_into(start, out).is_ok();
        self.record(read)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Trap> {
        let start = self.checked_address(address, length(bytes), MemoryProtection::ReadWrite);
        let start = start.ok_or(Trap::MemoryOutOfBounds)?;
        let written = self.raw.write_memory(start, bytes).is_ok();
        self.record(written)
    }

    fn is_readable(&self, address: u64, length: u64) -> bool {
        self.checked_address(address, length, MemoryProtection::Read)
            .is_some()
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
