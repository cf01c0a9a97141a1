//! Metered programs and their description.

use std::{fmt, io};

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use crate::{Exports, Format, Gas, MAX_REGISTER_ARGS, Rate, Value, ValueType};

/// The elements that every engine has room for in a table that grows. No rules admit the growth of
/// larger ones.
pub const MAX_TABLE_ELEMENTS: u32 = 16_384;

/// Bytes in a page of wasm memory.
pub const PAGE_BYTES: u64 = 65_536;

macro_rules! digest_type {
    ($(#[doc = $doc:literal])* $name:ident) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshDeserialize, BorshSerialize)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The SHA-256 digest of the bytes.
            #[must_use]
            pub fn of(bytes: &[u8]) -> Self {
                Self(Sha256::digest(bytes).into())
            }

            /// A known digest.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }
    };
}

digest_type! {
    /// Identifies a program: the SHA-256 digest of the original bytes, before metering.
    CodeHash
}

digest_type! {
    /// Identifies a set of rules: the SHA-256 digest of its contents.
    RulesId
}

/// An imported function: a syscall.
#[derive(Clone, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct Import {
    /// The import's module name.
    pub module: String,
    /// The import's field name.
    pub name: String,
    /// The syscall's number.
    pub number: u32,
    /// The parameters that the guest declares, at most six.
    pub params: Vec<ValueType>,
    /// The result that the guest declares.
    pub result: Option<ValueType>,
    /// Whether the host may suspend the guest at this syscall.
    pub may_suspend: bool,
}

/// An exported function.
///
/// PolkaVM programs contain no function types, so the parameters and results are empty: see
/// [`Program::takes`].
#[derive(Clone, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<ValueType>,
    /// Its results.
    pub results: Vec<ValueType>,
}

/// The limits of a program's memory, in pages of [`PAGE_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct MemoryLimits {
    /// The initial size.
    pub initial: u32,
    /// The maximum size: the smaller of the program's and the rules' maximum.
    pub maximum: u32,
}

/// The stack frames of a metered wasm program, as its rules count them.
///
/// A compiler compares them with the native frames of its code. The functions of the metered code
/// are the guest's, and those that metering added before and behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct Frames {
    /// The limit of all frames that are open at once, in bytes.
    pub limit: u32,
    /// Number of functions that metering added before the guest's: one for each of its imports.
    pub added_before: u32,
    /// The frame of each of the guest's functions, in bytes. Zero for a function that contains no
    /// call, and thus never has another guest function above it on the stack.
    pub counted: Vec<u32>,
    /// The most parameters of a function, if a function calls another in place of a return, and
    /// else zero. The parameters of the callee are then in place of those of its caller, which may
    /// be fewer.
    pub tail_params: u32,
}

/// A program that was validated and metered by a set of rules.
///
/// Engines must only be given programs from `instrument::prepare`, since engines do not meter wasm
/// themselves. An engine that counts gas by its own cost model converts it by the program's
/// [`Rate`].
#[derive(Clone, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct Program {
    /// The format.
    pub format: Format,
    /// The digest of the original bytes, before metering.
    pub code_hash: CodeHash,
    /// The rules that validated and metered the program.
    pub rules: RulesId,
    /// The metered bytes.
    // First in `encode`, so that decoding does not copy them.
    #[borsh(skip)]
    pub code: Vec<u8>,
    /// The syscalls, in the order of the imports in `code`.
    pub imports: Vec<Import>,
    /// The exported functions, which a caller can enter.
    pub exports: Exports,
    /// The stack frames of the functions in `code`. Empty for formats other than wasm.
    pub frames: Frames,
    /// The memory, if the program has one.
    pub memory: Option<MemoryLimits>,
    /// Whether the program contains `memory.grow`.
    pub grows_memory: bool,
    /// Whether the program has a start function, which runs before the first entry.
    pub has_start: bool,
    /// The gas of an instantiation.
    pub instantiation_gas: Gas,
    /// The price of the engine's own gas units. [`Rate::ONE`] for metered wasm.
    pub rate: Rate,
    /// What compiling the program may take. Zero for PolkaVM programs.
    pub compile_work: CompileWork,
}

/// What compiling a program may take, estimated from its operators, in units of 250 nanoseconds.
///
/// Compilers choose their effort by it, and executors which programs they compile and for how long.
/// No outcome depends on it. Real programs take a tenth to a half of it, and the worst programs
/// that a search found take twice as long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct CompileWork {
    /// Without optimisation.
    pub plain: u64,
    /// With optimisation: at least as much.
    pub optimized: u64,
}

impl CompileWork {
    /// The work of two programs, or parts of one.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            plain: self.plain.saturating_add(other.plain),
            optimized: self.optimized.saturating_add(other.optimized),
        }
    }
}

impl Program {
    /// Encodes the program for another process of the same build.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&*self.code, &self.description()].concat()
    }

    /// What [`encode`](Self::encode) has after the metered bytes: all else, and their number.
    pub(crate) fn description(&self) -> Vec<u8> {
        let code_bytes = u64::try_from(self.code.len()).unwrap_or(u64::MAX);
        borsh::to_vec(&(self, code_bytes)).expect("a vector takes whatever is written into it")
    }

    /// Decodes the bytes of [`encode`](Self::encode).
    ///
    /// # Errors
    ///
    /// If the bytes are not exactly one encoded program.
    pub fn decode(mut bytes: Vec<u8>) -> io::Result<Self> {
        let described = bytes.split_last_chunk().and_then(|(rest, code_bytes)| {
            let code_bytes = usize::try_from(u64::from_le_bytes(*code_bytes)).ok()?;
            Some((code_bytes, rest.get(code_bytes..)?))
        });
        let (code_bytes, description) = described.ok_or(io::ErrorKind::InvalidData)?;
        let mut program = Self::try_from_slice(description)?;
        bytes.truncate(code_bytes);
        program.code = bytes;
        Ok(program)
    }

    /// The exported function with this name.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.get(self.exports.position(name)?)
    }

    /// Whether an exported function can be called with these arguments.
    ///
    /// In wasm the types of the arguments must match the parameters. A PolkaVM function takes up to
    /// six 64-bit integers in the registers a0 to a5, where missing arguments are zero, and returns
    /// one in a0.
    #[must_use]
    #[inline]
    pub fn takes(&self, export: &Export, args: &[Value]) -> bool {
        match self.format {
            Format::Wasm => {
                let given = args.iter().map(|value| value.value_type());
                given.eq(export.params.iter().copied())
            }
            Format::PolkaVm => {
                let is_register = |value: &Value| value.value_type() == ValueType::I64;
                args.len() <= MAX_REGISTER_ARGS && args.iter().all(is_register)
            }
        }
    }

    /// Whether the program imports a syscall that may suspend.
    #[must_use]
    pub fn may_suspend(&self) -> bool {
        self.imports.iter().any(|import| import.may_suspend)
    }

    /// The maximum memory of an instance, in pages.
    #[must_use]
    pub fn maximum_memory_pages(&self) -> u32 {
        self.memory.map_or(0, |memory| memory.maximum)
    }

    /// The maximum memory of an instance, in bytes.
    #[must_use]
    pub fn maximum_memory_bytes(&self) -> u64 {
        u64::from(self.maximum_memory_pages()).saturating_mul(PAGE_BYTES)
    }
}

#[cfg(test)]
mod tests;
