//! Contracts: code at an address, with its own key-value space.
//!
//! [`Contracts::execute`] runs a [`Transaction`] on a version of the state. The result is either
//! [`Included`], with a [`Receipt`], the changes and the read set, or an [`InvalidTransaction`],
//! which no block can include. [`Contracts::query`] runs a method in read-only mode. Neither writes
//! to the state: the caller commits the changes.
//!
//! The result depends only on the state, the transaction and the rules. It does not depend on the
//! engine or on caches. The changes of a failed frame are reverted, but its gas is not refunded.
//! Calls between contracts do not consume native stack.
#![forbid(unsafe_code)]

mod account;
mod address;
mod call_result;
mod call_stack;
mod changes;
mod contracts;
mod encoding;
mod entry;
mod error;
mod execution;
mod frame;
mod invalid;
pub mod keys;
mod query;
mod receipt;
mod rules;
mod syscalls;
mod transaction;

pub use account::{Account, AccountCode, genesis};
pub use address::{Address, AddressError};
pub use contracts::Contracts;
pub use encoding::{ENCODING_VERSION, EncodingError};
pub use error::{AccountField, ContractError};
pub use execution::{ExecutionResult, Included, Progress, Waiting};
pub use invalid::InvalidTransaction;
pub use receipt::{Event, Receipt, Rejection, Status};
pub use rules::{ContractChildren, ContractLimits, ContractPrices, ContractRules, ContractRulesId};
pub use transaction::{Action, Query, Transaction};
