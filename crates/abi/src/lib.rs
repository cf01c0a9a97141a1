//! What a guest and its host agree on: the syscall table, the status codes, the sizes.
//!
//! The table in `syscalls.rs` is the only description of the syscalls, and that in `virtualization` of the functions by which a guest runs others. From them come the stubs that
//! a guest links (the module `guest` on wasm targets, the macro [`stubs`] elsewhere), the numbers and signatures by which a host
//! dispatches ([`SYSCALLS`]), and the page `docs/syscalls.md`. Prices are not here: rules have them.
//!
//! Conventions that every syscall follows:
//!
//! - A region of guest memory is a pointer and a length. A region outside the memory traps.
//! - A syscall that yields bytes takes a buffer and its capacity, writes at most that many bytes,
//!   and returns the full length; a caller whose buffer was too small asks again with a larger one.
//! - A negative result is a status of the module [`status`]; what is not negative is a length or a flag.
//! - Addresses are 32 bytes, amounts are `u128` in 16 bytes, little-endian.
#![no_std]
#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]

#[macro_use]
mod table;

pub mod status;
mod syscalls;
pub mod virtualization;

#[cfg(target_family = "wasm")]
pub use syscalls::guest;
pub use syscalls::*;
pub use table::{Answer, Param, Syscall, Wire};

/// The wasm module from which contracts import the syscalls.
pub const IMPORT_MODULE: &str = "fusee";

/// The exported function that runs once, when a contract is deployed.
pub const DEPLOY_METHOD: &str = "deploy";

/// Bytes in an address.
pub const ADDRESS_BYTES: u32 = 32;

/// Bytes in an amount (`u128`, little-endian).
pub const AMOUNT_BYTES: u32 = 16;

/// Bytes in the options of [`CALL`]: the gas limit (`u64`), then the value (`u128`), both little-endian.
pub const CALL_OPTIONS_BYTES: u32 = 24;

/// The gas limit in [`CALL`]'s options that asks for all the gas that may be forwarded.
pub const ALL_GAS: u64 = u64::MAX;
