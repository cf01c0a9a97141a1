//! Contracts in Rust: a struct for storage, and an impl block for methods.
//!
//! ```
//! use fusee_sdk::prelude::*;
//!
//! /// Counts.
//! #[contract]
//! pub struct Counter {
//!     count: Value<u64>,
//! }
//!
//! #[methods]
//! impl Counter {
//!     /// Adds to the number, and returns the new one.
//!     pub fn add(&mut self, number: u64) -> u64 {
//!         let count = self.count.get_or_default() + number;
//!         self.count.set(&count);
//!         count
//!     }
//! }
//! ```
//!
//! The same source is a WebAssembly contract, a PolkaVM program, and a Rust library whose methods
//! run natively in tests. A contract has no runtime: what it does not use is not in it, the
//! allocator included.
//!
//! - [`Value`](storage::Value), [`Map`](storage::Map), [`Set`](storage::Set) and
//!   [`Vector`](storage::Vector): storage. Nothing is read before it is asked for.
//! - [`env`](mod@env): the caller, the block, and what else surrounds a call.
//! - [`call::Call`]: calls of other contracts, by the client that `#[methods]` generates.
//! - [`crypto`]: hashes and signatures.
//! - [`governance`]: what a contract that governs its chain receives and decides.
//! - [`virtualization`]: nested VMs, for a contract that hosts programs of its users.
//!
//! The interface of the contract is a constant, computed at compile time, and the section
//! `fusee.interface` of the wasm module.
#![no_std]
#![cfg_attr(not(target_os = "none"), forbid(unsafe_code))]

#[cfg(all(target_family = "wasm", not(target_os = "none")))]
compile_error!(
    "contracts are built for the target wasm32v1-none: `rustup target add wasm32v1-none`, and \
     `cargo build --target wasm32v1-none`"
);

extern crate alloc;
// Names of the macros are absolute, also in this crate.
extern crate self as fusee_sdk;
#[cfg(not(target_os = "none"))]
extern crate std;

mod address;
mod buffer;
pub mod call;
pub mod codec;
pub mod contract;
pub mod crypto;
pub mod env;
pub mod governance;
#[cfg(target_os = "none")]
mod guest;
pub mod interface;
pub mod key;
pub mod message;
#[cfg(not(target_os = "none"))]
pub mod native;
pub mod storage;
#[macro_use]
mod syscalls;
pub mod virtualization;

pub use address::Address;
pub use fusee_abi as abi;
pub use fusee_sdk_macros::{contract, error, event, methods};

#[cfg(all(target_os = "none", target_arch = "riscv64"))]
#[doc(hidden)]
pub use polkavm_derive;

/// What a contract needs: `use fusee_sdk::prelude::*`.
pub mod prelude {
    pub use alloc::{string::String, vec::Vec};

    pub use fusee_sdk_macros::{contract, error, event, methods};

    pub use crate::{
        Address,
        call::{self, Call, CallFailure},
        codec::{Bytes, Codec},
        contract::{Emit, revert},
        env,
        storage::{Map, Set, Value, Vector},
    };
}
