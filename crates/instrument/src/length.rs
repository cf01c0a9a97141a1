//! Operators whose cost depends on a length, which is the operand on top of the stack.
//!
//! Operators that may run too long for a timely interruption are executed in chunks.

use wasmparser::Operator;

use crate::schedule::Schedule;

/// The unit of a length operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Pages,
    Bytes,
    Elements,
    /// Elements that a table grows by.
    NewElements,
}

/// The greatest number of pages that a wasm memory can have. `memory.grow` by more pages is charged
/// as if by this number. `table.grow` by more elements than the rules admit is charged as if by as
/// many as they admit.
pub const MAX_PAGES: u64 = 65_536;

/// Bulk memory operators that may process the whole memory. The rules bound all other operators
/// with a length, by the limits on data segments and tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BulkOperator {
    Fill,
    Copy,
}

/// Size of a chunk in bytes: the amount of memory that is processed between two interruption
/// checks. It takes some tenths of a millisecond if none of its pages is mapped yet. The overhead
/// of a check is negligible beside that.
pub(crate) const CHUNK_BYTES: i32 = 1 << 20;

impl BulkOperator {
    /// The operator, if it is executed in chunks. `length` is its length operand, if that is a
    /// constant.
    pub(crate) fn of(operator: &Operator<'_>, length: Option<i32>) -> Option<Self> {
        let bulk = match operator {
            Operator::MemoryFill { .. } => BulkOperator::Fill,
            Operator::MemoryCopy { .. } => BulkOperator::Copy,
            _ => return None,
        };
        let is_short = length.is_some_and(|length| (0..=CHUNK_BYTES).contains(&length));
        (!is_short).then_some(bulk)
    }
}

impl Length {
    /// Those that every metered program can charge by.
    pub(crate) const ALWAYS: [Length; 3] = [Length::Pages, Length::Bytes, Length::Elements];

    /// The unit of the operator's length operand, if its cost depends on one.
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

    /// The price of one charging unit, and the size of that unit as a power of two.
    pub(crate) fn price(self, schedule: &Schedule) -> (u32, u32) {
        let prices = schedule.dynamic;
        match self {
            Length::Pages => (prices.grow_far_page, 0),
            Length::Bytes => (prices.bulk_64_bytes, 6),
            Length::Elements => (prices.table_element, 0),
            Length::NewElements => (prices.grow_element, 0),
        }
    }
}
