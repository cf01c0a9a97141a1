//! Validates and meters untrusted programs.
//!
//! [`prepare`] is a pure function of the program's bytes and the [`Rules`]: it returns the same
//! result on every machine. It fails closed. A program that it cannot meter completely is refused,
//! and the [`Refusal`] names the rule. [`refusals`] lists all that a program breaks, for its
//! author.
//!
//! A wasm program is prepared in two passes. The survey validates the program, checks the limits
//! and plans the gas charges of each function. The rewrite encodes the program again and injects
//! the charges. `docs/book/src/gas.md` defines gas and describes the injected code. Of the metered
//! program, everything but the bodies of functions is validated here; the bodies are left to the
//! engines.
//!
//! A PolkaVM program is checked and left unchanged, because its engine meters it.
#![forbid(unsafe_code)]

pub mod byte_names;
mod constant;
mod edits;
pub mod encoding;
mod extensions;
mod features;
mod floats;
pub mod inspection;
mod length;
mod limits;
mod plan;
mod polkavm;
mod polkavm_rules;
mod prepare;
mod refusal;
mod refusals;
mod rewrite;
mod rules;
mod schedule;
mod suggestion;
mod survey;
mod syscalls;
mod work;

pub use extensions::Extensions;
pub use inspection::{Inspection, function_at, inspect};
pub use length::MAX_PAGES;
pub use limits::{Floats, Limits};
pub use polkavm_rules::{InstructionSets, POLKAVM_PAGE_BYTES, PolkaVmChecks, PolkaVmRules};
pub use prepare::{prepare, prepare_hashed};
pub use refusal::{Refusal, Rule};
pub use refusals::{Refusals, refusals};
pub use rules::Rules;
pub use schedule::{
    Dynamic, FrameSize, InstanceCost, InstancePart, InstancePrices, OPERATORS, PartCost,
    STACK_UNIT_BYTES, Schedule,
};
pub use syscalls::{LengthUnit, SyscallPrice, SyscallPrices, SyscallRule};
