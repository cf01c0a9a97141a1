//! The relay: hands transactions to the consensus engine that makes the blocks, and why one was not
//! taken.

use std::sync::Arc;

use fusee_ledger::{Invalid, TransactionId};
use thiserror::Error;

use crate::error::{ErrorKind, RpcError};

/// Hands an encoded transaction to whatever makes the blocks. That it has it already is no error.
pub type Relay = Arc<dyn Fn(&[u8]) -> Result<(), RelayError> + Send + Sync>;

/// Why a transaction was not taken. The texts are those of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The engine, or the application that it asked, has refused it.
    #[error("the consensus engine has refused the transaction: {message}")]
    Refused {
        /// The number of the reason ([`Invalid::code`]), if the ledger is what refused it.
        code: Option<u32>,
        /// The reason.
        message: String,
    },
    /// Another transaction of the sender with this nonce waits. An engine replaces none.
    #[error("another transaction with this nonce waits in the consensus engine: {message}")]
    NonceTaken {
        /// Which one.
        message: String,
    },
    /// The mempool of the engine is full. CometBFT says so also of a transaction that it has.
    #[error("the consensus engine takes no more transactions for now: {message}")]
    Full {
        /// How full it is.
        message: String,
    },
    /// The engine takes no transactions of this size.
    #[error("the consensus engine takes no transaction of {bytes} bytes: {message}")]
    TooLarge {
        /// The size of the transaction.
        bytes: usize,
        /// The most bytes, if the engine says so.
        limit: Option<u64>,
        /// What the engine says.
        message: String,
    },
    /// The engine has not answered in time. It may have the transaction.
    #[error("the consensus engine has not answered in time: {message}")]
    TimedOut {
        /// Where it is, and what happened.
        message: String,
    },
    /// The engine cannot be reached, or is none.
    #[error("the consensus engine cannot be asked: {message}")]
    Unreachable {
        /// Where it is, and what happened.
        message: String,
    },
}

impl RelayError {
    /// As clients see it, for this transaction.
    pub(super) fn into_rpc(self, id: &TransactionId) -> RpcError {
        let (kind, next) = match &self {
            Self::Refused { .. } => (
                ErrorKind::InvalidTransaction,
                "correct it, or send it again later",
            ),
            Self::NonceTaken { .. } => (
                ErrorKind::ReplacementTooCheap,
                "wait for the other one, and sign it anew with the next nonce",
            ),
            Self::Full { .. } => (
                ErrorKind::MempoolFull,
                "send it again after the next block, or to another node",
            ),
            Self::TooLarge { .. } => (
                ErrorKind::LimitExceeded,
                "make it smaller, or ask the operator to raise `mempool.max_tx_bytes` and \
                 `rpc.max_body_bytes` of the engine",
            ),
            Self::TimedOut { .. } => (
                ErrorKind::Timeout,
                "look it up with getTransaction, and send the same transaction again",
            ),
            Self::Unreachable { .. } => (
                ErrorKind::NodeFailed,
                "send it to another node, and tell the operator of this one to start the engine",
            ),
        };
        let error = RpcError::new(kind, &self, next).with("id", id.to_string());
        match self {
            Self::Refused {
                code: Some(code), ..
            } => {
                let error = error.with("reason_code", code);
                match Invalid::name_of(code) {
                    Some(name) => error.with("reason", name),
                    None => error,
                }
            }
            Self::TooLarge { bytes, limit, .. } => {
                let error = error.with("found", bytes);
                match limit {
                    Some(limit) => error.with("limit", limit),
                    None => error,
                }
            }
            _ => error,
        }
    }
}
