//! The PolkaVM backend: an interpreter, and optionally a recompiler.
//!
//! Implements the traits of `fusee_engine` for programs that are metered by PolkaVM's full cost
//! model. Gas is charged at the start of each basic block, identically on the interpreter and in
//! both sandboxes, and converted by the program's rate. A syscall returns from the guest, so a
//! suspended guest needs no native stack. PolkaVM's interpreter translates a program for each
//! instance and cannot share the translation. So instances whose run returned are reused, with
//! their memory reset, within a limit in bytes.
#![forbid(unsafe_code)]

mod engine;
mod instance;
mod link;
mod memory;
mod module;
mod trap;

pub use engine::{Backend, PolkaVmEngine};

/// The name of this backend in errors and listings.
pub const NAME: &str = "polkavm";
