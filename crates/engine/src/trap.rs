//! Traps: how a guest fails.

use std::fmt;

/// A guest's fault. The same program, input and gas give the same trap on every engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trap {
    /// The guest ran an `unreachable` operator, as a panic in a guest does.
    Unreachable,
    /// A load, store, bulk operation or syscall named memory that is not there.
    MemoryOutOfBounds,
    /// A table operation or indirect call named an element that is not there.
    TableOutOfBounds,
    /// An indirect call met an empty table element.
    IndirectCallToNull,
    /// An indirect call met a function of another type.
    BadSignature,
    /// A division overflowed, or a number is out of the range of the integer that it is to become.
    IntegerOverflow,
    /// A division by zero.
    IntegerDivisionByZero,
    /// A NaN was to become an integer.
    BadConversion,
    /// The calls of the guest are nested deeper than the rules allow.
    StackOverflow,
    /// The guest asked for something that this run may not do, such as a write in a read-only run.
    SyscallRefused,
}

impl Trap {
    /// Every trap.
    pub const ALL: [Trap; 10] = [
        Trap::Unreachable,
        Trap::MemoryOutOfBounds,
        Trap::TableOutOfBounds,
        Trap::IndirectCallToNull,
        Trap::IntegerDivisionByZero,
        Trap::IntegerOverflow,
        Trap::BadConversion,
        Trap::StackOverflow,
        Trap::BadSignature,
        Trap::SyscallRefused,
    ];

    /// A number for this trap that never changes, from 1 to 255, and no two have the same.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Trap::Unreachable => 1,
            Trap::MemoryOutOfBounds => 2,
            Trap::TableOutOfBounds => 3,
            Trap::IndirectCallToNull => 4,
            Trap::IntegerDivisionByZero => 5,
            Trap::IntegerOverflow => 6,
            Trap::BadConversion => 7,
            Trap::StackOverflow => 8,
            Trap::BadSignature => 9,
            Trap::SyscallRefused => 32,
        }
    }

    /// The name that outside uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Trap::Unreachable => "unreachable",
            Trap::MemoryOutOfBounds => "memory_out_of_bounds",
            Trap::TableOutOfBounds => "table_out_of_bounds",
            Trap::IndirectCallToNull => "indirect_call_to_null",
            Trap::BadSignature => "bad_signature",
            Trap::IntegerOverflow => "integer_overflow",
            Trap::IntegerDivisionByZero => "integer_division_by_zero",
            Trap::BadConversion => "bad_conversion",
            Trap::StackOverflow => "stack_overflow",
            Trap::SyscallRefused => "syscall_refused",
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Trap::Unreachable => "the guest ran `unreachable`",
            Trap::MemoryOutOfBounds => "memory access out of bounds",
            Trap::TableOutOfBounds => "table access out of bounds",
            Trap::IndirectCallToNull => "indirect call to an empty table element",
            Trap::BadSignature => "indirect call to a function of another type",
            Trap::IntegerOverflow => "integer overflow",
            Trap::IntegerDivisionByZero => "integer division by zero",
            Trap::BadConversion => "conversion of a NaN to an integer",
            Trap::StackOverflow => "stack overflow",
            Trap::SyscallRefused => "a syscall that this run may not make",
        })
    }
}
