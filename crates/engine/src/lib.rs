//! The seam between programs and the engines that run them.
//!
//! A backend implements [`Engine`], [`Module`] and [`Instance`]; a caller brings a
//! [`Host`] that answers syscalls. All of them are used through `dyn`. A [`Program`] is what an
//! engine compiles: bytes that are checked and metered already. Nothing here says which engine it
//! is, and nothing here decides what gas costs.
//!
//! What a guest can cause is a value (a [`Step`]); what the host broke is an [`EngineError`].
#![forbid(unsafe_code)]

mod artifact;
mod backend;
mod error;
mod fingerprint;
mod gas;
mod host;
mod memory;
mod meter;
pub mod profile;
mod program;
mod rate;
pub mod reserved;
mod run;
mod trap;
mod value;

pub use artifact::{Artifact, ArtifactKey, Code, Mismatch};
pub use backend::{Compiler, Engine, Entry, Instance, Mode, Module, Pause, Step};
pub use error::{EngineError, Resource, Source};
pub use fingerprint::Fingerprint;
pub use gas::Gas;
pub use host::{Host, MAX_SYSCALL_ARGS, Stop, Syscall, SyscallRequest};
pub use memory::{GuestMemory, SparseMemory};
pub use meter::{Interrupt, MAX_SLICE, Meter, OutOfGas, OutOfGasPolicy};
pub use profile::Profiler;
pub use program::{CodeHash, Export, Format, Import, MemoryLimits, PAGE_BYTES, Program, RulesId};
pub use rate::{Rate, Tally};
pub use run::{Low, Run};
pub use trap::Trap;
pub use value::{Value, ValueType};
