//! The PolkaVM backend: an interpreter, and a recompiler for whoever chooses it.
//!
//! Guarantees what `fusee_engine` asks of a backend, for programs that count their gas by the full cost model. It is charged where a
//! basic block begins, the same on the interpreter and in both sandboxes, and becomes ours by the program's rate. A guest stops by itself
//! where it makes a syscall, so that parking it takes no stack. PolkaVM's interpreter translates a program for each instance, and does not let the translation be shared: so
//! instances whose run returned are used again, behind a memory that is put back, within a bound in bytes (`idle.rs`).
#![forbid(unsafe_code)]

mod engine;
mod idle;
mod instance;
mod link;
mod memory;
mod module;
mod trap;

pub use engine::{Backend, PolkaVmEngine};

/// The name of this backend in errors and listings.
pub const NAME: &str = "polkavm";
