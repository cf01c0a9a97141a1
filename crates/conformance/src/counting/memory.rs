//! Operators on memory, tables and segments.
//!
//! Slots for addresses and lengths hold 32 bits, so the sum of two of them does not overflow.

use std::ops::Range;

use fusee_engine::{PAGE_BYTES, Trap};

use super::{
    op::{Load, Store, slot_index},
    program::State,
};

/// The result of `memory.grow` if it fails.
const GROW_FAILED: u64 = 0xffff_ffff;

impl State {
    pub(super) fn load(&self, load: Load, address: u64) -> Result<u64, Trap> {
        let range = range(address.saturating_add(load.offset), length(load.bytes));
        let bytes = self.memory.get(range).ok_or(Trap::MemoryOutOfBounds)?;
        let mut slot = [0; 8];
        slot.iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        Ok((load.extend)(u64::from_le_bytes(slot)))
    }

    pub(super) fn store(&mut self, store: Store, address: u64, value: u64) -> Result<(), Trap> {
        let range = range(address.saturating_add(store.offset), length(store.bytes));
        let bytes = self.memory.get_mut(range).ok_or(Trap::MemoryOutOfBounds)?;
        let value = value.to_le_bytes();
        bytes
            .iter_mut()
            .zip(value)
            .for_each(|(to, from)| *to = from);
        Ok(())
    }

    /// Size of the memory in pages.
    pub(super) fn pages(&self) -> u64 {
        length(self.memory.len()) / PAGE_BYTES
    }

    /// Returns the previous size in pages, or [`GROW_FAILED`].
    pub(super) fn grow_memory(&mut self, pages: u64, limit: u64) -> u64 {
        let before = self.pages();
        let after = before.saturating_add(pages);
        let bytes = usize::try_from(after.saturating_mul(PAGE_BYTES));
        match bytes {
            Ok(bytes) if after <= limit => {
                self.memory.resize(bytes, 0);
                before
            }
            _ => GROW_FAILED,
        }
    }

    pub(super) fn fill_memory(&mut self, start: u64, byte: u64, count: u64) -> Result<(), Trap> {
        let room = self.memory.get_mut(range(start, count));
        let [byte, ..] = byte.to_le_bytes();
        room.ok_or(Trap::MemoryOutOfBounds)?.fill(byte);
        Ok(())
    }

    pub(super) fn copy_memory(&mut self, to: u64, from: u64, count: u64) -> Result<(), Trap> {
        let bytes = self.memory.get(range(from, count));
        let bytes = bytes.ok_or(Trap::MemoryOutOfBounds)?.to_vec();
        write(&mut self.memory, to, &bytes).ok_or(Trap::MemoryOutOfBounds)
    }

    pub(super) fn init_memory(
        &mut self,
        data: usize,
        [to, from, count]: [u64; 3],
    ) -> Result<(), Trap> {
        let data = self.data.get(data);
        let bytes = data.and_then(|bytes| bytes.get(range(from, count)));
        let bytes = bytes.ok_or(Trap::MemoryOutOfBounds)?;
        write(&mut self.memory, to, bytes).ok_or(Trap::MemoryOutOfBounds)
    }

    pub(super) fn drop_data(&mut self, data: usize) {
        if let Some(bytes) = self.data.get_mut(data) {
            bytes.clear();
        }
    }

    pub(super) fn table_size(&self, table: usize) -> u64 {
        self.tables
            .get(table)
            .map_or(0, |table| length(table.len()))
    }

    /// The size before, or [`GROW_FAILED`].
    pub(super) fn grow_table(&mut self, table: usize, value: u64, count: u64, limit: u64) -> u64 {
        let Some(table) = self.tables.get_mut(table) else {
            return GROW_FAILED;
        };
        let before = length(table.len());
        let after = before.saturating_add(count);
        match usize::try_from(after) {
            Ok(elements) if after <= limit => {
                table.resize(elements, value);
                before
            }
            _ => GROW_FAILED,
        }
    }

    pub(super) fn table_get(&self, table: usize, element: u64) -> Result<u64, Trap> {
        let table = self.tables.get(table);
        let found = table.and_then(|table| table.get(slot_index(element)));
        found.copied().ok_or(Trap::TableOutOfBounds)
    }

    pub(super) fn fill_table(
        &mut self,
        table: usize,
        start: u64,
        value: u64,
        count: u64,
    ) -> Result<(), Trap> {
        let table = self.tables.get_mut(table);
        let room = table.and_then(|table| table.get_mut(range(start, count)));
        room.ok_or(Trap::TableOutOfBounds)?.fill(value);
        Ok(())
    }

    pub(super) fn copy_table(
        &mut self,
        (to_table, from_table): (usize, usize),
        [to, from, count]: [u64; 3],
    ) -> Result<(), Trap> {
        let table = self.tables.get(from_table);
        let elements = table.and_then(|table| table.get(range(from, count)));
        let elements = elements.ok_or(Trap::TableOutOfBounds)?.to_vec();
        let table = self.tables.get_mut(to_table);
        let written = table.and_then(|table| write(table, to, &elements));
        written.ok_or(Trap::TableOutOfBounds)
    }

    pub(super) fn init_table(
        &mut self,
        table: usize,
        elements: usize,
        [to, from, count]: [u64; 3],
    ) -> Result<(), Trap> {
        let elements = self.elements.get(elements);
        let elements = elements.and_then(|elements| elements.get(range(from, count)));
        let elements = elements.ok_or(Trap::TableOutOfBounds)?;
        let table = self.tables.get_mut(table);
        let written = table.and_then(|table| write(table, to, elements));
        written.ok_or(Trap::TableOutOfBounds)
    }

    pub(super) fn drop_elements(&mut self, elements: usize) {
        if let Some(elements) = self.elements.get_mut(elements) {
            elements.clear();
        }
    }
}

fn write<T: Clone>(into: &mut [T], start: u64, values: &[T]) -> Option<()> {
    into.get_mut(range(start, length(values.len())))?
        .clone_from_slice(values);
    Some(())
}

fn range(start: u64, count: u64) -> Range<usize> {
    slot_index(start)..slot_index(start.saturating_add(count))
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
