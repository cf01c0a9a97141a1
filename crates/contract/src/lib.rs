//! Contracts: code at an address, with its own key-value space.
//!
//! [`Contracts::execute`] runs a [`Transaction`] on a version of the state. The result is either
//! [`Included`], with a [`Receipt`], the changes and the read set, or an [`InvalidTransaction`],
//! which no block can include. [`Contracts::execute_batch`] runs several operations of one sender
//! as one transaction, [`Contracts::execute_system`] a call that the chain makes by itself, and
//! [`Contracts::query`] a method in read-only mode. None of them writes to the state: the caller
//! commits the changes.
//!
//! The result depends only on the state, the transaction, its block and the rules. It does not
//! depend on the engine or on caches. The changes of a failed frame are reverted, but its gas is
//! not refunded. Calls between contracts do not consume native stack.
#![forbid(unsafe_code)]

mod account;
mod address;
mod batch;
mod block;
mod call_result;
mod call_stack;
mod capsule;
mod changes;
mod contracts;
mod debug_log;
mod deployment;
mod deposit;
pub mod encoding;
mod entry;
mod error;
mod events;
mod execution;
mod fee;
mod frame;
mod inspector;
mod invalid;
pub mod keys;
mod lone_call;
mod observers;
mod open_batch;
mod operation;
mod query;
mod receipt;
mod rules;
mod steps;
mod syscalls;
mod system_call;
mod trace;
mod transaction;
mod transient;
mod validity;

pub use account::{Account, AccountCode, CodeUse, set_balances};
pub use address::{Address, AddressError};
pub use batch::{Batch, BatchOperation, BatchResult, GasFee, IncludedBatch};
pub use block::BlockContext;
pub use capsule::{
    Capsule, CapsuleError, CapsuleOutcome, CapsuleResult, CapsuleRun, CapsuleSubject,
    ChangesDigest, StepDifference,
};
pub use contracts::Contracts;
pub use debug_log::{DebugLog, LogLine};
pub use encoding::{ENCODING_VERSION, EncodingError};
pub use error::{AccountField, ContractError};
pub use execution::{ExecutionResult, Included, Progress, Waiting};
pub use inspector::Inspector;
pub use invalid::{InvalidBatch, InvalidTransaction};
pub use receipt::{Event, Receipt, Rejection, Status};
pub use rules::{
    ContractChildren, ContractLimits, ContractPrices, ContractRules, ContractRulesId, Extensions,
};
pub use steps::{RunStep, StepFrame, StepKind};
pub use system_call::SystemCall;
pub use trace::{
    Dropped, FailedFrame, FrameEnd, FrameKind, FrameTrace, Resource, StorageAccess, StorageKind,
    SyscallTrace, Trace, TraceStep,
};
pub use transaction::{Action, Query, Transaction};
