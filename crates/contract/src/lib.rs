//! Contracts: code at an address, with its own key-value space.
//!
//! [`Contracts::execute`] runs a [`Transaction`] on a version of the state. A transaction is
//! [`Included`], with a [`Receipt`], the changes and what it read; or it is an
//! [`InvalidTransaction`], which no block can hold. [`Contracts::query`] runs a method that may not
//! change anything. Neither writes: the caller commits the changes.
//!
//! Guarantees: the result depends on the state, the transaction and the rules, and on nothing else:
//! not on the engine, and not on what is cached. What a failed frame changed is undone; the gas that it used is not. A chain of calls
//! takes no native stack.
#![forbid(unsafe_code)]

mod account;
mod address;
mod call_result;
mod call_stack;
mod changes;
mod contracts;
mod encoding;
mod error;
mod execution;
mod frame;
mod invalid;
pub mod keys;
mod receipt;
mod rules;
mod syscalls;
mod transaction;

pub use account::{Account, AccountField, genesis};
pub use address::{Address, AddressError};
pub use contracts::Contracts;
pub use encoding::{ENCODING_VERSION, EncodingError};
pub use error::ContractError;
pub use execution::{ExecutionResult, Included, Progress, Waiting};
pub use invalid::InvalidTransaction;
pub use receipt::{Event, Receipt, Rejection, Status};
pub use rules::{ContractChildren, ContractLimits, ContractPrices, ContractRules, ContractRulesId};
pub use transaction::{Action, Query, Transaction};
