//! What crosses the border: numbers of errors, results in one `i64`, and the buffer that a run fills.
//!
//! A result is an `i64`: from 0 to the greatest value it is one, from -1 down to minus the number of errors it is an error, and
//! anything else is malformed. Bytes are little-endian. A guest decodes what its host encodes, with the same code.

use core::fmt;

/// Bytes of a symbol, at most.
pub const SYMBOL_BYTES: usize = 32;

/// Bytes of a [`SyscallSymbol`] with its length.
pub const SYSCALL_SYMBOL_BYTES: usize = 40;

/// Bytes of an [`ExecBuffer`].
pub const EXEC_BUFFER_BYTES: usize = 96;

/// What a result can be that is no error.
pub trait WireValue: Sized + sealed::Sealed {
    /// The greatest number of one.
    const MAX: i64;

    /// Its number.
    fn number(self) -> i64;

    /// From a number that is at least 0 and at most [`MAX`](Self::MAX); `None` if no value has it.
    fn from_number(number: i64) -> Option<Self>;
}

/// An error that has a number.
pub trait WireError: Copy + sealed::Sealed + 'static {
    /// All of them: the one at position `n` has the number `-1 - n`.
    const ALL: &'static [Self];

    /// Its number.
    fn number(self) -> i64;
}

mod sealed {
    pub trait Sealed {}
}

/// A result as its number.
pub fn encode<T: WireValue, E: WireError>(result: Result<T, E>) -> i64 {
    match result {
        Ok(value) => value.number(),
        Err(error) => error.number(),
    }
}

/// A result from its number; `None` if it is malformed.
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
    /// Why there is no module.
    ModuleError {
        /// The program is refused.
        InvalidImage = -1 "the program is refused",
        /// Nothing is kept under the identifier.
        NotCached = -2 "no module is kept under the identifier",
        /// There is no code under the key.
        NotFound = -3 "there is no code under the key",
    }
    /// Why there is no instance.
    InstantiateError {
        /// There is no room for another instance of this module.
        InvalidImage = -1 "there is no room for another instance of the module",
        /// No module has this number.
        InvalidModule = -2 "no module has this number",
    }
    /// Why an instance is not entered, or how a run ended that did not end well.
    ExecError {
        /// No instance has this number, or it is not in the state for this.
        InvalidInstance = -1 "no instance has this number, or it is not in the state for this",
        /// The program has no such function.
        InvalidImage = -2 "the program has no such function",
        /// The run used all its gas.
        OutOfGas = -3 "the run used all its gas",
        /// The run failed.
        Trap = -4 "the run trapped",
    }
    /// Why memory is not read or written.
    MemoryError {
        /// No instance has this number, or it is not ready.
        InvalidInstance = -1 "no instance has this number, or it is not ready",
        /// The memory is not there.
        OutOfBounds = -2 "the memory is not there",
    }
    /// Why nothing is destroyed.
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
            // It fits: as `i64::from` would have it, which is not const.
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
    /// It was there.
    Cached,
    /// It was compiled now.
    Compiled,
}

impl CompileStatus {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            CompileStatus::Cached => 0,
            CompileStatus::Compiled => 1,
        }
    }

    /// From its number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(CompileStatus::Cached),
            1 => Some(CompileStatus::Compiled),
            _ => None,
        }
    }
}

/// A module, and where it came from: the id in bits 0 to 31, the status in bits 32 to 39.
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

/// How a run came back that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecStatus {
    /// The function returned.
    Finished,
    /// The guest waits for the answer to a syscall.
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
    /// What is behind the length is zero.
    bytes: [u8; SYMBOL_BYTES],
    length: usize,
}

impl SyscallSymbol {
    /// A symbol; `None` if it is longer than 32 bytes.
    #[must_use]
    pub fn new(symbol: &[u8]) -> Option<Self> {
        let mut bytes = [0; SYMBOL_BYTES];
        bytes.get_mut(..symbol.len())?.copy_from_slice(symbol);
        Some(Self {
            bytes,
            length: symbol.len(),
        })
    }

    /// The symbol.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    /// The 32 bytes, and then the length as a `u64`.
    #[must_use]
    pub fn encode(&self) -> [u8; SYSCALL_SYMBOL_BYTES] {
        let mut out = [0; SYSCALL_SYMBOL_BYTES];
        let (bytes, length) = out.split_at_mut(SYMBOL_BYTES);
        bytes.copy_from_slice(&self.bytes);
        // A length of at most 32.
        length.copy_from_slice(&u64::try_from(self.length).unwrap_or(0).to_le_bytes());
        out
    }

    /// From its bytes; `None` if the length is more than 32. What is behind it is not looked at.
    #[must_use]
    pub fn decode(bytes: &[u8; SYSCALL_SYMBOL_BYTES]) -> Option<Self> {
        let (symbol, length) = bytes.split_first_chunk::<SYMBOL_BYTES>()?;
        let length = u64::from_le_bytes(length.try_into().ok()?);
        Self::new(symbol.get(..usize::try_from(length).ok()?)?)
    }
}

/// What a run leaves beside its status: 96 bytes, of which all but the gas mean something at a syscall only, and are zero otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecBuffer {
    /// The gas left: at 0.
    pub gas_left: i64,
    /// What the guest asks: at 8, and the length at 40.
    pub symbol: SyscallSymbol,
    /// The arguments, a0 to a5: from 48 on.
    pub args: [u64; 6],
}

impl ExecBuffer {
    /// The bytes.
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

    /// From the bytes; `None` if the symbol is too long.
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
