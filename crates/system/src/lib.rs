//! System programs: trusted programs whose instance stays alive between calls.
//!
//! An embedder registers them with [`SystemPrograms`], a pool that it owns. A [`Transaction`] calls them: the call's
//! context is swapped into the live instance and out again, and how the call ended is a [`Step`]. A program that needs
//! something of its caller returns and is [`Interrupted`](Step::Interrupted); it goes on in the same instance, which other calls may have
//! entered meanwhile. So its frames live in the guest's memory, and when the instance is lost, all of them fail.
//!
//! The same interface serves programs that nobody trusts, each call in a fresh instance of its own: they are parked where
//! system programs return. Nothing but [`SystemPrograms::register`] makes a program a system program.
#![forbid(unsafe_code)]

mod call;
mod error;
mod exit_code;
mod host;
mod instances;
mod programs;
mod root;
pub mod syscalls;
mod transaction;
pub mod wire;

pub use call::{Answer, Call, End, Interruption, State, Step};
pub use error::SystemError;
pub use exit_code::ExitCode;
pub use programs::{
    Billing, Lifetime, SystemLimits, SystemProgram, SystemPrograms, contract_rules, system_rules,
};
pub use transaction::Transaction;

/// How many units of fuel, as the interface counts, are one unit of gas of the chain's that it comes from. What the interface calls
/// fuel is our gas, one to one.
pub const FUEL_DENOM_RATE: u64 = 20;
