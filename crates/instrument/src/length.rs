//! Operators whose work depends on a length, the operand on top of the stack.

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
