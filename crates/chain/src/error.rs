//! Errors of a chain on disk.

use std::io;
use std::path::{Path, PathBuf};

use fusee_ledger::{DecodeError, GenesisError, LedgerError};
use fusee_state::StateError;
use fusee_store::chain::ChainStoreError;
use thiserror::Error;

/// A fault of the host, or a folder that is not that of the chain.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The store failed, or is not that of the chain.
    #[error(transparent)]
    Store(#[from] ChainStoreError),
    /// A block could not be executed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// No chain can have this genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A stored block is not what the chain writes.
    #[error("the stored block of height {height} is malformed")]
    Body {
        /// The height.
        height: u64,
        /// Why.
        source: io::Error,
    },
    /// The header of a stored block belongs to another block or state.
    #[error("the header of the stored block of height {height} has another {what}")]
    Header {
        /// The height.
        height: u64,
        /// What differs.
        what: &'static str,
    },
    /// The store has no block of this height.
    #[error("the chain has no block of height {height}; it has {first} to {last}")]
    NoBlock {
        /// The height.
        height: u64,
        /// The first height that is kept.
        first: u64,
        /// The last height.
        last: u64,
    },
    /// The folder was made of a snapshot, and has no block yet.
    #[error("the chain begins after height {height}: open it with the header of that block")]
    NoBase {
        /// The height of the snapshot.
        height: u64,
    },
    /// A block was executed on another one than the last.
    #[error("a block of height {found} does not follow the tip, whose next height is {expected}")]
    OtherTip {
        /// The height of the block.
        found: u64,
        /// The height after the tip.
        expected: u64,
    },
    /// The data folder has something else than a chain. Nothing was modified.
    #[error("{} is not a file of a chain: choose another folder", path.display())]
    ForeignFolder {
        /// What is in it.
        path: PathBuf,
    },
    /// The data folder is of a version before there were blocks. Nothing was modified.
    #[error(
        "{} is a store of an older version, which had no blocks: choose another folder",
        path.display()
    )]
    OldFolder {
        /// Its file.
        path: PathBuf,
    },
    /// The data folder has the chain of another genesis. Nothing was modified.
    #[error("{} has the chain of another genesis: choose another folder", path.display())]
    OtherGenesis {
        /// The folder.
        path: PathBuf,
    },
    /// The file of the genesis is damaged.
    #[error("{} is damaged: restore it from a backup", path.display())]
    GenesisFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// There is a chain, but not its genesis.
    #[error("{} is missing, but there is a chain: restore it from a backup", path.display())]
    NoGenesis {
        /// The file.
        path: PathBuf,
    },
    /// The data folder has had a chain, and its store is missing. Nothing was modified.
    #[error(
        "{} is missing, but there was a chain: restore it from a backup, or remove the data folder to \
         begin anew",
        path.display()
    )]
    NoChain {
        /// The folder of the store.
        path: PathBuf,
    },
    /// A snapshot is being imported. Nothing was modified.
    #[error(
        "{} has an import that is not finished: import the snapshot again to finish it, or remove \
         the data folder",
        path.display()
    )]
    UnfinishedImport {
        /// The folder of the import.
        path: PathBuf,
    },
    /// The file of a header, for example of the one that the chain goes on from, is damaged.
    #[error("{} is damaged: restore it from a backup, or import the snapshot anew", path.display())]
    BaseFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// A newer version of this program wrote the file.
    #[error(
        "{} has format version {found}, this program reads version {expected}: use a newer version \
         of this program",
        path.display()
    )]
    NewerFile {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: u8,
        /// The newest version that this program reads.
        expected: u8,
    },
    /// The operating system failed to read or write.
    #[error("reading or writing {} failed", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system has no thread for the pipeline.
    #[error("the operating system has no thread for the pipeline")]
    Thread(#[source] io::Error),
    /// An error has ended the pipeline.
    #[error("the pipeline has stopped, and tells why with the last committed block")]
    Stopped,
}

impl ChainError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}
