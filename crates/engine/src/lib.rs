//! The interface between programs and the engines that run them.
//!
//! A backend implements [`Engine`], [`Module`] and [`Instance`]; an embedder implements [`Host`],
//! which answers syscalls. All of them are used as trait objects. An engine compiles a [`Program`],
//! which is validated and metered already. This crate depends on no engine and sets no gas prices.
//!
//! Effects of a guest are values (a [`Step`]). Faults of the host are an [`EngineError`].
#![forbid(unsafe_code)]

mod artifact;
mod backend;
mod effort;
mod error;
mod exports;
mod fingerprint;
mod format;
mod gas;
mod host;
mod idle;
mod memory;
mod meter;
mod optimisation;
pub mod profile;
mod program;
mod rate;
pub mod reserved;
mod run;
mod trap;
mod value;

pub use artifact::{Artifact, ArtifactKey, Code, Mismatch};
pub use backend::{Compiler, Engine, Entry, Instance, Interpreter, Mode, Module, Pause, Step};
pub use effort::Effort;
pub use error::{EngineError, Resource, Source};
pub use exports::Exports;
pub use fingerprint::Fingerprint;
pub use format::Format;
pub use gas::Gas;
pub use host::{
    Host, MAX_REGISTER_ARGS, MAX_SYSCALL_ARGS, MoreArgs, Stop, Syscall, SyscallRequest,
};
pub use idle::{Idle, Lease, ModulePool};
pub use memory::{GuestMemory, SparseMemory};
pub use meter::{DEFAULT_SLICE, Interrupt, MAX_SLICE, Meter, OutOfGas, OutOfGasPolicy};
pub use optimisation::unoptimised;
pub use profile::Profiler;
pub use program::{
    CodeHash, CompileWork, Export, Frames, Import, MAX_TABLE_ELEMENTS, MemoryLimits, PAGE_BYTES,
    Program, RulesId,
};
pub use rate::{Rate, Tally};
pub use run::{Low, Run};
pub use trap::Trap;
pub use value::{Value, ValueType};
