//! Errors of a node: faults of the host, and requests that it cannot answer.

use std::{io, path::PathBuf, sync::Arc};

use fusee_chain::ChainError;
use fusee_contract::ContractError;
use fusee_engine::Gas;
use fusee_ledger::{DecodeError, LedgerError};
use fusee_state::StateError;
use thiserror::Error;

/// Why a node cannot do something.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The chain failed, or does not have the block or the state.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A transaction or block could not be executed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A query could not be run, or was cancelled.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The index failed. It is rebuilt when the node starts again.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Another program makes the blocks of this chain.
    #[error("this node makes no blocks: the consensus engine does")]
    ProducedElsewhere,
    /// The node is being shut down.
    #[error("the node is shutting down: ask again when it is back")]
    ShuttingDown,
    /// An error has ended the production of blocks. Everything committed is safe.
    #[error("the node has stopped making blocks, restart it when this is resolved: {0}")]
    Failed(Arc<NodeError>),
    /// A query asks for more gas than this node gives.
    #[error("the query has a gas limit of {found}, this node admits {limit}")]
    QueryGas {
        /// The gas limit of the query.
        found: Gas,
        /// The limit of the node.
        limit: Gas,
    },
    /// Too many callers wait for their transactions.
    #[error("{limit} callers wait for transactions, which is all that may: ask again later")]
    TooManyWatches {
        /// The limit.
        limit: usize,
    },
    /// There are as many subscriptions as may be.
    #[error("there are {limit} subscriptions, which is all that may be: ask again later")]
    TooManySubscriptions {
        /// The limit.
        limit: usize,
    },
    /// The file of the transactions that waited when the node was shut down cannot be read or
    /// written.
    #[error("{} cannot be read or written; without it, what waited has to be sent again", path.display())]
    Waiting {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system has no thread for the node.
    #[error("no thread for the node: {0}")]
    Thread(#[source] io::Error),
}

/// Why the index cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The database failed.
    #[error("the index in {} failed: if that lasts, stop the node and delete the folder", path.display())]
    Database {
        /// The folder.
        path: PathBuf,
        /// The error of the database.
        source: Box<fjall::Error>,
    },
    /// Another index is open in the folder.
    #[error("the index in {} is open already: stop the other node", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system failed to remove a damaged index.
    #[error("the index in {} is damaged, and cannot be removed", path.display())]
    Remove {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The index has a value that it did not write.
    #[error("the index in {} is damaged: stop the node and delete the folder", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
    },
    /// A stored result is not what a chain writes.
    #[error("the stored result {index} of the block of height {height} is malformed")]
    Result {
        /// The height.
        height: u64,
        /// The index of the result.
        index: usize,
        /// Why.
        source: DecodeError,
    },
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] Box<ChainError>),
    /// The program does not have the rules of a height.
    #[error(transparent)]
    Ledger(#[from] Box<LedgerError>),
}
