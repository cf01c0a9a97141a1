//! Exit codes: the results of calls, as numbers that programs exchange.

use std::fmt;

use fusee_engine::Trap;

macro_rules! exit_codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal,)*) => {
        /// How a call ended. The numbers never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        pub enum ExitCode {
            $($(#[doc = $doc])* $name = $code,)*
        }

        impl ExitCode {
            /// Every exit code.
            pub const ALL: &[ExitCode] = &[$(ExitCode::$name),*];

            /// The number.
            #[must_use]
            pub const fn code(self) -> i32 {
                match self {
                    $(ExitCode::$name => $code,)*
                }
            }

            /// Its name, as the interface spells it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(ExitCode::$name => stringify!($name),)*
                }
            }
        }
    };
}

exit_codes! {
    /// The call succeeded.
    Ok = 0,
    /// The program panicked; its output is the message.
    Panic = -1,
    /// The program waits for its caller. A call ends with this code only where the program calls
    /// `_exit` with it.
    InterruptionCalled = -3,
    /// The operation is available only at depth 0.
    RootCallOnly = -1002,
    /// The parameters of a syscall, or the result of a program, are malformed.
    MalformedBuiltinParams = -1003,
    /// The limit of nested calls is reached.
    CallDepthOverflow = -1004,
    /// The program returned a positive number, which is reserved for the numbers of calls.
    NonNegativeExitCode = -1005,
    /// The program ended with an unlisted number, or no call has this number.
    UnknownError = -1006,
    /// A range outside the input, the output or the return data.
    InputOutputOutOfBounds = -1007,
    /// A built-in program failed.
    PrecompileError = -1008,
    /// The code is not a program that the rules admit.
    NotSupportedBytecode = -1009,
    /// A read-only call tried to change state.
    StateChangeDuringStaticCall = -1010,
    /// A contract's code is too large.
    CreateContractSizeLimit = -1011,
    /// The address already has a contract.
    CreateContractCollision = -1012,
    /// The first byte of a contract's code is reserved.
    CreateContractStartingWithEF = -1013,
    /// The instances of the transaction reached the limit of memory.
    OutOfMemory = -1014,
    /// The balance is too small.
    InsufficientBalance = -1015,
    /// The program ran `unreachable`.
    UnreachableCodeReached = -2001,
    /// An access outside the memory.
    MemoryOutOfBounds = -2002,
    /// An access outside a table.
    TableOutOfBounds = -2003,
    /// An indirect call met an empty element.
    IndirectCallToNull = -2004,
    /// A division by zero.
    IntegerDivisionByZero = -2005,
    /// An integer overflowed.
    IntegerOverflow = -2006,
    /// A floating-point number without an integer value.
    BadConversionToInteger = -2007,
    /// Calls inside the program are nested too deep.
    StackOverflow = -2008,
    /// An indirect call met a function of another type.
    BadSignature = -2009,
    /// The call ran out of gas.
    OutOfFuel = -2010,
    /// The program has no such function.
    UnknownExternalFunction = -2011,
    /// A system program failed.
    UnexpectedFatalExecutionFailure = -3001,
    /// A storage slot is missing.
    MissingStorageSlot = -3002,
}

impl ExitCode {
    /// The exit code for the number with which a program called `_exit`. Positive numbers and
    /// unlisted ones are unknown.
    #[must_use]
    pub fn of_exit(code: i32) -> Self {
        Self::from_code(code).unwrap_or(ExitCode::UnknownError)
    }

    /// The exit code for the number that a program returned. Unlisted numbers are unknown, and so
    /// is [`InterruptionCalled`](Self::InterruptionCalled).
    #[must_use]
    pub fn of_program(code: i32) -> Self {
        if code > 0 {
            return ExitCode::NonNegativeExitCode;
        }
        match Self::from_code(code) {
            Some(ExitCode::InterruptionCalled) | None => ExitCode::UnknownError,
            Some(known) => known,
        }
    }

    /// The exit code of this number, if it is in the list.
    #[must_use]
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.code() == code)
    }

    /// Whether the code is that of a trap: above -3000, and not above -2000.
    #[must_use]
    pub const fn is_trap(self) -> bool {
        -3000 < self.code() && self.code() <= -2000
    }
}

impl From<Trap> for ExitCode {
    fn from(trap: Trap) -> Self {
        match trap {
            Trap::MemoryOutOfBounds => ExitCode::MemoryOutOfBounds,
            Trap::TableOutOfBounds => ExitCode::TableOutOfBounds,
            Trap::IndirectCallToNull => ExitCode::IndirectCallToNull,
            Trap::BadSignature => ExitCode::BadSignature,
            Trap::IntegerOverflow => ExitCode::IntegerOverflow,
            Trap::IntegerDivisionByZero => ExitCode::IntegerDivisionByZero,
            Trap::BadConversion => ExitCode::BadConversionToInteger,
            Trap::StackOverflow => ExitCode::StackOverflow,
            // The interface has no number for other traps.
            _ => ExitCode::UnreachableCodeReached,
        }
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.name(), self.code())
    }
}

#[cfg(test)]
mod tests;
