//! What methods answer: the types of the server, of the client and of the OpenRPC document.
//!
//! Names are snake case. Byte strings are hexadecimal digits after `0x` ([`Bytes`]). Addresses,
//! hashes and ids are 64 digits ([`Hex32`]). Heights, times in milliseconds since the Unix epoch
//! and gas are numbers; amounts of the smallest unit of balances are decimal text ([`Amount`]),
//! because JSON readers round large numbers.

mod account;
mod amount;
mod block;
mod bytes;
mod chain;
mod receipt;
mod simulation;
mod storage;
mod trace;
mod transaction;

pub use account::{Account, Code, Contract, QuotaUsed};
pub use amount::Amount;
pub use block::{
    Block, BlockPage, BlockSummary, CallResult, Misbehaviour, Position, TransactionDetail,
};
pub use bytes::{Bytes, Hex32};
pub use chain::{
    Activation, BackedUp, BlockGas, BlockLimits, ChainFacts, FeeStatistics, Health, HealthStatus,
    Mempool, Parameters, Payment, Percentiles, ScheduledCall,
};
pub use receipt::{Event, EventEntry, EventPage, EventPlace, Receipt};
pub use simulation::{Change, Invalid, QueryAnswer, Simulation};
pub use storage::{Proof, StateEntries, StateEntry, Storage, StorageEntry};
pub use trace::{CallStatus, DroppedParts, FailedCall, Frame, Step, StorageAccess, Syscall, Trace};
pub use transaction::{
    BlockTransaction, Body, Operation, Sent, Transaction, TransactionResult, TransactionState,
};
