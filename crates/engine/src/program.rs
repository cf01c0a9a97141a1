//! Programs: what an engine compiles, and what is known of it beforehand.

use std::{fmt, io};

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use crate::{Gas, MAX_SYSCALL_ARGS, Rate, Value, ValueType};

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

            /// A digest that was taken before.
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
    /// Names a program by the SHA-256 digest of its bytes as its author made them.
    CodeHash
}

digest_type! {
    /// Names a set of rules by the SHA-256 digest of everything in it.
    RulesId
}

/// A function that the program imports and the host answers.
#[derive(Clone, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct Import {
    /// The module that the guest imports it from.
    pub module: String,
    /// Its name in that module.
    pub name: String,
    /// The number by which the host knows it.
    pub number: u32,
    /// Its parameters as the guest declares them; six at most.
    pub params: Vec<ValueType>,
    /// Its result as the guest declares it.
    pub result: Option<ValueType>,
    /// Whether the host may park the guest before it answers.
    pub may_suspend: bool,
}

/// A function that the program exports.
///
/// A PolkaVM program does not tell what its functions take and return, so that both are empty: see [`Program::takes`].
#[derive(Clone, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<ValueType>,
    /// Its results.
    pub results: Vec<ValueType>,
}

/// How much memory a program may have, in pages of [`PAGE_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct MemoryLimits {
    /// Pages that are there from the start.
    pub initial: u32,
    /// Pages that it can grow to: what it declares, or what the rules allow if that is less.
    pub maximum: u32,
}

/// What a program is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub enum Format {
    /// WebAssembly. Whatever else a program is, its bytes are taken for this, too.
    Wasm,
    /// A PolkaVM program, as its linker writes it.
    PolkaVm,
}

impl Format {
    /// The format of a program, told by its first bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"PVM\0") {
            Format::PolkaVm
        } else {
            Format::Wasm
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Wasm => "wasm",
            Format::PolkaVm => "polkavm",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A program that was checked against rules and metered by them.
///
/// Only `instrument::prepare` makes one that an engine should be given: an engine meters nothing
/// by itself, but for programs that bring their cost model with them, which has a [`Rate`].
#[derive(Clone, Debug, PartialEq, Eq, BorshDeserialize, BorshSerialize)]
pub struct Program {
    /// What it is written in.
    pub format: Format,
    /// The digest of the bytes before they were metered.
    pub code_hash: CodeHash,
    /// The rules that checked and metered it.
    pub rules: RulesId,
    /// The metered bytes.
    pub code: Vec<u8>,
    /// What it imports, in the order of the syscall imports in `code`.
    pub imports: Vec<Import>,
    /// The functions that it exports and a caller may enter.
    pub exports: Vec<Export>,
    /// Its memory, if it has one.
    pub memory: Option<MemoryLimits>,
    /// Whether it has an operator that grows its memory.
    pub grows_memory: bool,
    /// Whether it has a start function, which runs before the first entry.
    pub has_start: bool,
    /// What making an instance costs.
    pub instantiation_gas: Gas,
    /// What the units cost that the engine counts by the program's own cost model. Metered code has none, and is paid for one for one.
    pub rate: Rate,
}

impl Program {
    /// The program as bytes, for another process of the same build.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).expect("a vector takes whatever is written into it")
    }

    /// A program from [`encode`](Self::encode).
    ///
    /// # Errors
    ///
    /// If the bytes are none, or more than one.
    pub fn decode(bytes: &[u8]) -> io::Result<Self> {
        Self::try_from_slice(bytes)
    }

    /// The exported function of this name.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.iter().find(|export| export.name == name)
    }

    /// Whether an exported function can be entered with these arguments.
    ///
    /// In wasm they have to be of the types of its parameters. A PolkaVM program takes up to six 64-bit integers, in its registers a0 to a5, where those
    /// that are not given are zero; and it returns one, which is what it left in a0.
    #[must_use]
    pub fn takes(&self, export: &Export, args: &[Value]) -> bool {
        match self.format {
            Format::Wasm => {
                let given = args.iter().map(|value| value.value_type());
                given.eq(export.params.iter().copied())
            }
            Format::PolkaVm => {
                let is_register = |value: &Value| value.value_type() == ValueType::I64;
                args.len() <= MAX_SYSCALL_ARGS && args.iter().all(is_register)
            }
        }
    }

    /// Whether it imports a function at which the host may park it.
    #[must_use]
    pub fn may_suspend(&self) -> bool {
        self.imports.iter().any(|import| import.may_suspend)
    }

    /// The pages of memory that an instance can come to hold.
    #[must_use]
    pub fn maximum_memory_pages(&self) -> u32 {
        self.memory.map_or(0, |memory| memory.maximum)
    }

    /// The bytes of memory that an instance can come to hold.
    #[must_use]
    pub fn maximum_memory_bytes(&self) -> u64 {
        u64::from(self.maximum_memory_pages()).saturating_mul(PAGE_BYTES)
    }
}
