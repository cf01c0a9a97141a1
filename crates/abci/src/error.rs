//! Errors: faults of the host, and an engine that is not the one of the chain. All of them end the
//! process.

use std::io;
use std::path::PathBuf;

use fusee_chain::ChainError;
use fusee_ledger::{GenesisError, HeaderHash, LedgerError};
use fusee_store::chain::ChainStoreError;
use fusee_store::chain::snapshot::SnapshotError;
use thiserror::Error;

use crate::{AddressError, ListenAddress};

/// Why a server has stopped, other than by its [`Stopper`](crate::Stopper).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The text is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The operating system does not let the server listen.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: ListenAddress,
        /// Why.
        source: io::Error,
    },
    /// The operating system hands out no connection.
    #[error("cannot accept a connection: {0}")]
    Accept(#[source] io::Error),
    /// The application cannot go on.
    #[error("the application cannot go on: {0}")]
    App(#[from] AppError),
    /// The application has a fault, which was printed.
    #[error("a request has panicked, so the application is in an unknown state")]
    Panicked,
}

/// Why an application cannot go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AppError {
    /// The chain cannot be opened, executed or committed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The state cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A snapshot cannot be written or imported.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A file of the application cannot be read or written.
    #[error("cannot read or write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system has no thread.
    #[error("no thread: {0}")]
    Thread(#[source] io::Error),
    /// The genesis of the engine has no genesis of a chain.
    #[error("`app_state` of the engine's genesis is not a genesis file: {0}")]
    AppState(#[from] GenesisError),
    /// The genesis of the engine is that of another chain.
    #[error(
        "`app_state` of the engine's genesis is the genesis {found}, this chain has {expected}"
    )]
    OtherGenesis {
        /// The identity of the engine's.
        found: HeaderHash,
        /// The identity of this one.
        expected: HeaderHash,
    },
    /// A field of the engine's genesis does not fit the chain.
    #[error("`{field}` of the engine's genesis is {found}, it has to be {expected}")]
    EngineGenesis {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What it has to be.
        expected: String,
    },
    /// The engine begins a chain that has blocks.
    #[error(
        "the engine begins a chain whose height is {height} here: roll both back, or remove both \
         of their folders"
    )]
    Begun {
        /// The height of the last block.
        height: u64,
    },
    /// The engine commits before a block is finalized.
    #[error("the engine commits, and no block was finalized: {protocol}")]
    NothingToCommit {
        /// What the protocol says.
        protocol: &'static str,
    },
    /// A number of a request cannot be that of a block.
    #[error("the engine's {field} is {value}, which no block has")]
    Number {
        /// The field.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// A report of misbehaviour names no validator.
    #[error("the engine's report of misbehaviour has an address of {found} bytes, and not of 20")]
    Address {
        /// Its length.
        found: usize,
    },
    /// A request has no time.
    #[error("the engine's block or report of misbehaviour has no time")]
    NoTime,
    /// The chain was given up by a restore that failed.
    #[error("the restore of a snapshot has failed before: start the application again")]
    Closed,
}

impl From<ChainStoreError> for AppError {
    fn from(error: ChainStoreError) -> Self {
        Self::Chain(error.into())
    }
}

impl AppError {
    /// Makes the error of a file.
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}
