//! Traps: the faults of guests.

use std::fmt;

/// A fault of a guest. The same program, input and gas cause the same trap on every engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trap {
    /// The guest executed `unreachable`, for example in a panic.
    Unreachable,
    /// A load, store, bulk operation or syscall accessed memory out of bounds.
    MemoryOutOfBounds,
    /// A table operation or indirect call accessed a table element out of bounds.
    TableOutOfBounds,
    /// An indirect call to a null table element.
    IndirectCallToNull,
    /// An indirect call to a function of another type.
    BadSignature,
    /// An overflow in a division or in a conversion to an integer.
    IntegerOverflow,
    /// A division by zero.
    IntegerDivisionByZero,
    /// A conversion of a NaN to an integer.
    BadConversion,
    /// The guest exceeded the stack height that the rules allow.
    StackOverflow,
    /// A syscall that this run must not make, such as a write in a read-only run.
    SyscallRefused,
    /// A syscall was passed more data than the rules allow, such as a value that is too long.
    DataLimit,
}

impl Trap {
    /// Every trap.
    pub const ALL: [Trap; 11] = [
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
        Trap::DataLimit,
    ];

    /// A stable, unique number of this trap, from 1 to 255.
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
            Trap::DataLimit => 33,
        }
    }

    /// A stable name of this trap, for APIs and logs.
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
            Trap::DataLimit => "data_limit",
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
            Trap::DataLimit => "a syscall was passed more bytes than the rules allow",
        })
    }
}
