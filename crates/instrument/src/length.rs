//! Operators whose work depends on a length, the operand on top of the stack.
//!
//! Where the length can be so great that a run has to be interrupted in the middle, they work in chunks.

use wasmparser::Operator;

use crate::Schedule;

/// What such a length counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Pages,
    Bytes,
    Elements,
}

/// More pages than these no memory has: `memory.grow` by a greater number is charged as by this one.
pub const MOST_PAGES: u64 = 65_536;

/// Operators that can work for long on memory. What is there beside them is bounded by the rules: the bytes of data segments,
/// the elements of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bulk {
    Fill,
    Copy,
}

/// The most bytes of memory that are worked on between two looks at whether the run is interrupted. That takes some tenths of a
/// millisecond where none of them is mapped yet, and what there is beside them is nothing to it.
pub(crate) const CHUNK_BYTES: i32 = 1 << 20;

impl Bulk {
    /// The operator, if it is one that works in chunks. `length` is its length, if that is known before it runs.
    pub(crate) fn of(operator: &Operator<'_>, length: Option<i32>) -> Option<Self> {
        let bulk = match operator {
            Operator::MemoryFill { .. } => Bulk::Fill,
            Operator::MemoryCopy { .. } => Bulk::Copy,
            _ => return None,
        };
        let is_short = length.is_some_and(|length| (0..=CHUNK_BYTES).contains(&length));
        (!is_short).then_some(bulk)
    }
}

impl Length {
    pub(crate) const ALL: [Length; 3] = [Length::Pages, Length::Bytes, Length::Elements];

    /// What the operator's length counts, if its work depends on one.
    pub(crate) fn of(operator: &Operator<'_>) -> Option<Self> {
        match operator {
            Operator::MemoryGrow { .. } => Some(Length::Pages),
            Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. } => Some(Length::Bytes),
            Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. } => Some(Length::Elements),
            _ => None,
        }
    }

    /// What one unit costs, and how many of what is counted make a unit, as a power of two.
    pub(crate) fn price(self, schedule: &Schedule) -> (u32, u32) {
        let prices = schedule.dynamic;
        match self {
            Length::Pages => (prices.grow_page, 0),
            Length::Bytes => (prices.bulk_64_bytes, 6),
            Length::Elements => (prices.table_element, 0),
        }
    }
}
