//! Tests of contracts: a chain in memory, which runs the real machine on every engine, and the same
//! contract natively.
//!
//! A test is a closure that gets a [`Chain`]. [`on_every_machine`] runs it natively, on both
//! engines for WebAssembly, and on PolkaVM, and holds what became of each against the others: the
//! same receipts, events and storage. Only gas is each machine's own.
//!
//! ```no_run
//! # use fusee_sdk::prelude::*;
//! # #[contract]
//! # pub struct Counter { count: Value<u64> }
//! # #[methods]
//! # impl Counter {
//! #     pub fn add(&mut self, number: u64) -> u64 { number }
//! # }
//! use fusee_testkit::{Program, on_every_machine, program};
//!
//! const COUNTER: Program = program!(Counter);
//!
//! on_every_machine(|chain| {
//!     let alice = chain.account("alice", 1_000);
//!     let counter = CounterClient::at(chain.deploy(alice, &COUNTER, &[]));
//!     assert_eq!(chain.call(alice, counter.add(2)), 2);
//! });
//! ```
//!
//! - [`Chain`]: accounts, blocks and time, transactions and queries, storage, snapshots.
//! - [`Chain::fuzz_methods`] and [`Chain::fuzz`]: calls of all methods with random arguments, and
//!   what holds after each.
//! - [`Program`]: a contract, and how it is built. A missing toolchain is told, and the machine
//!   skipped.
//! - [`GasSnapshot`]: the gas of named calls in a file, which a test holds them against.
#![forbid(unsafe_code)]

mod build;
mod chain;
mod every;
mod failure;
mod fuzz;
mod gas;
mod machine;
mod native;
mod program;

/// The examples of the documents are compiled with the tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../docs/book/src/profile-gas.md")]
    struct _ProfileGas;
    #[doc = include_str!("../../../docs/book/src/sdk.md")]
    struct _Sdk;
    #[doc = include_str!("../../../docs/book/src/test-contracts.md")]
    struct _TestContracts;
    #[doc = include_str!("../../../docs/book/src/upgrade-contracts.md")]
    struct _UpgradeContracts;
}

pub use chain::{Chain, Snapshot};
pub use every::{on_every_machine, on_machine};
pub use failure::Failure;
pub use fusee::chain::{Event, Receipt, Status};
pub use fusee_build::BuildError;
pub use fuzz::{Fuzz, FuzzCall};
pub use gas::{GasDifference, GasSnapshot};
pub use machine::Machine;
pub use program::Program;
