//! Contracts: code at an address, with its own key-value space.
//!
//! [`Contracts::execute`] runs a [`Transaction`] on a version of the state and gives back a
//! [`Receipt`] and the changes; [`Contracts::query`] runs a method that may not change anything.
//! Neither writes: the caller commits the changes.
//!
//! Guarantees: the receipt and the changes depend on the state, the transaction and the rules, and on
//! nothing else. What a failed frame changed is undone; the gas that it used is not. A chain of calls
//! takes no native stack.
#![forbid(unsafe_code)]

mod account;
mod address;
mod attempt;
mod changes;
mod contracts;
mod ending;
mod error;
mod frame;
pub mod keys;
mod receipt;
mod rules;
mod session;
mod syscalls;
mod transaction;

pub use account::{Account, genesis};
pub use address::{Address, AddressError};
pub use attempt::{Applied, Progress, Waiting};
pub use contracts::Contracts;
pub use error::ContractError;
pub use receipt::{Event, Receipt, ReceiptError, Rejection, Status};
pub use rules::{ContractChildren, ContractLimits, ContractPrices, ContractRules, ContractRulesId};
pub use transaction::{Action, Query, Transaction};
