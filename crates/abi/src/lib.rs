//! The interface between a guest and its host: syscall table, status codes and sizes.
//!
//! The table in `syscalls.rs` is the only definition of the syscalls. The table in `virtualization`
//! is the only definition of the functions by which a guest runs nested VMs, and that in `wasi` of
//! those of WASI preview 1. They generate:
//!
//! - the stubs that a guest links: the module `guest` on wasm targets, the macro [`stubs`]
//!   elsewhere
//! - the numbers and signatures by which a host dispatches: [`SYSCALLS`]
//! - the page `docs/book/src/syscalls.md`
//! - the declarations for contracts in C, AssemblyScript and Zig, in `guests/`
//!
//! Prices are part of the rules, not of this crate.
//!
//! Conventions of all syscalls:
//!
//! - A range of guest memory is a pointer and a length. A range outside the memory traps.
//! - A syscall that returns bytes takes a buffer and its capacity, writes at most that many bytes,
//!   and returns the full length. If the buffer was too small, the caller repeats the syscall with
//!   a larger one.
//! - A negative result is a status of the module [`status`]. Any other result is a length or a
//!   flag.
//! - An address has 32 bytes. An amount is a `u128` in 16 bytes, little-endian.
#![no_std]
#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]

#[macro_use]
mod table;

pub mod status;
mod syscalls;
pub mod virtualization;
pub mod wasi;

#[cfg(target_family = "wasm")]
pub use syscalls::guest;
pub use syscalls::*;
pub use table::{Param, ReplyMode, Syscall, Wire};

/// The wasm module from which contracts import the syscalls.
pub const IMPORT_MODULE: &str = "fusee";

/// The exported function that runs once, at deployment.
pub const DEPLOY_METHOD: &str = "deploy";

/// The method that an upgrade calls in the new code, and nothing else calls. Since version 2 of the
/// rules.
pub const MIGRATE_METHOD: &str = "migrate";

/// Which calls may enter a contract while one of its frames waits (`set_reentrancy`).
pub mod reentrancy {
    /// Those that it makes to itself.
    pub const SELF: u32 = 1;
    /// Read-only ones.
    pub const READ_ONLY: u32 = 2;
    /// All.
    pub const ANY: u32 = 4;
    /// Every bit that has a meaning.
    pub const ALL: u32 = SELF | READ_ONLY | ANY;
}

/// The method that a transfer to a contract calls. Since version 2 of the rules.
pub const RECEIVE_METHOD: &str = "receive";

/// Size of an address in bytes.
pub const ADDRESS_BYTES: u32 = 32;

/// Size of an amount in bytes (`u128`, little-endian).
pub const AMOUNT_BYTES: u32 = 16;

/// Size of the options of [`CALL`] in bytes: the gas limit (`u64`), then the value (`u128`), both
/// little-endian.
pub const CALL_OPTIONS_BYTES: u32 = 24;

/// The gas limit in the options of [`CALL`] that forwards as much gas as possible.
pub const ALL_GAS: u64 = u64::MAX;
