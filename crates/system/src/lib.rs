//! System programs: trusted programs whose instance stays alive between calls.
//!
//! An embedder registers programs in [`SystemPrograms`], and calls them in a [`Transaction`]. The
//! context of a call moves into the live instance and out again. The result is a [`Step`]. A
//! program that requests something from its caller returns, and is
//! [`Interrupted`](Step::Interrupted). It is resumed in the same instance, which other calls may
//! have entered meanwhile. Its frames therefore live in the guest's memory: if the instance is
//! lost, all of them fail.
//!
//! The same interface runs untrusted programs, with a fresh instance for each call. They are
//! suspended where system programs return. Only [`SystemPrograms::register`] makes a program a
//! system program.
#![forbid(unsafe_code)]

mod call;
mod crypto;
mod ending;
mod error;
mod exit_code;
mod host;
mod instances;
mod interruption;
mod numbered;
mod programs;
mod root;
mod supervisor;
pub mod syscalls;
mod transaction;
pub mod wire;

pub use call::{Answer, Call, CallResult, State};
pub use error::SystemError;
pub use exit_code::ExitCode;
pub use host::CallContext;
pub use interruption::{Interruption, Step};
pub use programs::{
    Billing, Lifetime, SystemLimits, SystemPrices, SystemProgram, SystemPrograms, contract_rules,
    contract_rules_v1_5, system_rules, system_rules_v1_5,
};
pub use transaction::Transaction;

/// Units of fuel in one unit of the chain's gas. The interface calls Fusee's gas fuel, in the same
/// unit.
pub const FUEL_DENOM_RATE: u64 = 20;
