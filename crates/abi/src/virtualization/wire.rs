//! The wire format of nested VMs: error numbers, results in an `i64`, and the buffer that a run
//! fills.
//!
//! A result is an `i64`. Numbers from 0 to the maximum of its type are values, numbers from -1 down
//! are errors, and all others are malformed. Bytes are little-endian. Guest and host share this
//! code.

use core::fmt;

/// Maximum size of a symbol in bytes.
pub const SYMBOL_BYTES: usize = 32;

/// Size of a [`SyscallSymbol`] and its length in bytes.
pub const SYSCALL_SYMBOL_BYTES: usize = 40;

/// Size of an [`ExecBuffer`] in bytes.
pub const EXEC_BUFFER_BYTES: usize = 96;

/// A successful result that can be encoded as a number.
pub trait WireValue: Sized + sealed::Sealed {
    /// The largest number.
    const MAX: i64;

    /// Encodes the value as a number.
    fn number(self) -> i64;

    /// Decodes a number from 0 to [`MAX`](Self::MAX). Returns `None` if no value has this number.
    fn from_number(number: i64) -> Option<Self>;
}

/// An error that can be encoded as a number.
pub trait WireError: Copy + sealed::Sealed + 'static {
    /// All errors. The error at position `n` has the number `-1 - n`.
    const ALL: &'static [Self];

    /// Encodes the error as a number.
    fn number(self) -> i64;
}

mod sealed {
    pub trait Sealed {}
}

/// Encodes a result as a number.
pub fn encode<T: WireValue, E: WireError>(result: Result<T, E>) -> i64 {
    match result {
        Ok(value) => value.number(),
        Err(error) => error.number(),
    }
}

/// Decodes a result. Returns `None` if the number is malformed.
#[must_use]
pub fn decode<T: WireValue, E: WireError>(number: i64) -> Option<Result<T, E>> {
    if (0..=T::MAX).contains(&number) {
        return T::from_number(number).map(Ok);
    }
    let position = usize::try_from(number.checked_add(1)?.checked_neg()?).ok()?;
    E::ALL.get(position).copied().map(Err)
}

macro_rules! errors {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident { $($(#[doc = $variant_doc:literal])* $variant:ident = $number:literal $message:literal,)* }
    )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $variant_doc])* $variant,)*
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self {
                    $($name::$variant => $message,)*
                })
            }
        }

        impl core::error::Error for $name {}

        impl sealed::Sealed for $name {}

        impl WireError for $name {
            const ALL: &'static [Self] = &[$($name::$variant),*];

            fn number(self) -> i64 {
                match self {
                    $($name::$variant => $number,)*
                }
            }
        }
    )*};
}

errors! {
    /// Errors of compilations and lookups.
    ModuleError {
        /// The rules refuse the program.
        InvalidImage = -1 "the rules refuse the program",
        /// No module is cached under the identifier.
        NotCached = -2 "no module is cached under the identifier",
        /// The storage has no code under the key.
        NotFound = -3 "there is no code under the key",
    }
    /// Errors of instantiations.
    InstantiateError {
        /// The limit of instances or of their memory is reached.
        InvalidImage = -1 "the limit of instances or of their memory is reached",
        /// No module has this number.
        InvalidModule = -2 "no module has this number",
    }
    /// Errors of preparations and runs.
    ExecError {
        /// No instance has this number, or the instance is in the wrong state.
        InvalidInstance = -1 "no instance has this number, or the instance is in the wrong state",
        /// The program has no such function, or its parameters are not integers.
        InvalidImage = -2 "the program has no such function",
        /// The run is out of gas.
        OutOfGas = -3 "the run is out of gas",
        /// The run trapped.
        Trap = -4 "the run trapped",
    }
    /// Errors of memory accesses.
    MemoryError {
        /// No instance has this number, or the instance is not prepared.
        InvalidInstance = -1 "no instance has this number, or the instance is not prepared",
        /// The access is out of range.
        OutOfBounds = -2 "memory access out of range",
    }
    /// Errors of destruction.
    DestroyError {
        /// No instance has this number.
        InvalidInstance = -1 "no instance has this number",
    }
}

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $name:ident)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl sealed::Sealed for $name {}

        impl WireValue for $name {
            // The largest `u32`. `i64::from` is not const.
            const MAX: i64 = 0xffff_ffff;

            fn number(self) -> i64 {
                i64::from(self.0)
            }

            fn from_number(number: i64) -> Option<Self> {
                u32::try_from(number).ok().map(Self)
            }
        }
    )*};
}

ids! {
    /// The number of a module.
    ModuleId
    /// The number of an instance.
    InstanceId
}

impl sealed::Sealed for () {}

impl WireValue for () {
    const MAX: i64 = 0;

    fn number(self) -> i64 {
        0
    }

    fn from_number(number: i64) -> Option<Self> {
        (number == 0).then_some(())
    }
}

/// Where a module came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompileStatus {
    /// The module was cached.
    Cached,
    /// The module was compiled by this call.
    Compiled,
}

impl CompileStatus {
    /// Encodes the status as a number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            CompileStatus::Cached => 0,
            CompileStatus::Compiled => 1,
        }
    }

    /// Decodes a status.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(CompileStatus::Cached),
            1 => Some(CompileStatus::Compiled),
            _ => None,
        }
    }
}

/// A module, and where it came from. The id is in bits 0 to 31, the status in bits 32 to 39.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompiledModule {
    /// The module.
    pub id: ModuleId,
    /// Where it came from.
    pub status: CompileStatus,
}

impl sealed::Sealed for CompiledModule {}

impl WireValue for CompiledModule {
    const MAX: i64 = (1 << 40) - 1;

    fn number(self) -> i64 {
        i64::from(self.status.number()) << 32 | self.id.number()
    }

    fn from_number(number: i64) -> Option<Self> {
        let status = u8::try_from(number >> 32).ok()?;
        Some(Self {
            id: ModuleId::from_number(number & ModuleId::MAX)?,
            status: CompileStatus::from_number(status)?,
        })
    }
}

/// The status of an instance after a run without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecStatus {
    /// The function returned.
    Finished,
    /// The guest is suspended at a syscall.
    Syscall,
}

impl sealed::Sealed for ExecStatus {}

impl WireValue for ExecStatus {
    const MAX: i64 = 1;

    fn number(self) -> i64 {
        match self {
            ExecStatus::Finished => 0,
            ExecStatus::Syscall => 1,
        }
    }

    fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(ExecStatus::Finished),
            1 => Some(ExecStatus::Syscall),
            _ => None,
        }
    }
}

/// The name of a syscall: at most 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyscallSymbol {
    /// The bytes after `length` are zero.
    bytes: [u8; SYMBOL_BYTES],
    length: usize,
}

impl SyscallSymbol {
    /// Creates a symbol. Returns `None` if it is longer than 32 bytes.
    #[must_use]
    pub fn new(symbol: &[u8]) -> Option<Self> {
        let mut bytes = [0; SYMBOL_BYTES];
        bytes.get_mut(..symbol.len())?.copy_from_slice(symbol);
        Some(Self {
            bytes,
            length: symbol.len(),
        })
    }

    /// The bytes of the symbol.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    /// Encodes the symbol: 32 bytes, then the length as a `u64`.
    #[must_use]
    pub fn encode(&self) -> [u8; SYSCALL_SYMBOL_BYTES] {
        let mut out = [0; SYSCALL_SYMBOL_BYTES];
        let (bytes, length) = out.split_at_mut(SYMBOL_BYTES);
        bytes.copy_from_slice(&self.bytes);
        // The length is at most 32.
        length.copy_from_slice(&u64::try_from(self.length).unwrap_or(0).to_le_bytes());
        out
    }

    /// Decodes a symbol. Returns `None` if the length exceeds 32. The bytes after the length are
    /// ignored.
    #[must_use]
    pub fn decode(bytes: &[u8; SYSCALL_SYMBOL_BYTES]) -> Option<Self> {
        let (symbol, length) = bytes.split_first_chunk::<SYMBOL_BYTES>()?;
        let length = u64::from_le_bytes(length.try_into().ok()?);
        Self::new(symbol.get(..usize::try_from(length).ok()?)?)
    }
}

/// The details of a run, in 96 bytes. Symbol and arguments are zero unless the guest is suspended
/// at a syscall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecBuffer {
    /// The remaining gas, at offset 0.
    pub gas_left: i64,
    /// The symbol of the syscall: bytes at offset 8, length at offset 40.
    pub symbol: SyscallSymbol,
    /// The arguments a0 to a5, at offset 48.
    pub args: [u64; 6],
}

impl ExecBuffer {
    /// Encodes the buffer.
    #[must_use]
    pub fn encode(&self) -> [u8; EXEC_BUFFER_BYTES] {
        let mut out = [0; EXEC_BUFFER_BYTES];
        let (gas, rest) = out.split_at_mut(8);
        let (symbol, args) = rest.split_at_mut(SYSCALL_SYMBOL_BYTES);
        gas.copy_from_slice(&self.gas_left.to_le_bytes());
        symbol.copy_from_slice(&self.symbol.encode());
        for (place, arg) in args.chunks_exact_mut(8).zip(self.args) {
            place.copy_from_slice(&arg.to_le_bytes());
        }
        out
    }

    /// Decodes a buffer. Returns `None` if the symbol is too long.
    #[must_use]
    pub fn decode(bytes: &[u8; EXEC_BUFFER_BYTES]) -> Option<Self> {
        let (gas, rest) = bytes.split_first_chunk()?;
        let (symbol, rest) = rest.split_first_chunk()?;
        let mut args = [0; 6];
        for (arg, place) in args.iter_mut().zip(rest.chunks_exact(8)) {
            *arg = u64::from_le_bytes(place.try_into().ok()?);
        }
        Some(Self {
            gas_left: i64::from_le_bytes(*gas),
            symbol: SyscallSymbol::decode(symbol)?,
            args,
        })
    }
}

#[cfg(test)]
mod tests;
