//! Errors of the chain store: what happened, where, and the next step. Always a fault of the host.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use fusee_proof::Hash;
use thiserror::Error;

use crate::folder::Failure;
use crate::log::LogError;
use crate::text::{Hex, is_full};

/// The chain store cannot be opened, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChainStoreError {
    /// Another handle, possibly of this process, has the store open.
    #[error("{} is in use by another process: end that process first", path.display())]
    Locked {
        /// The store's folder.
        path: PathBuf,
    },
    /// The folder has a file that is not one of a chain store. Nothing was modified.
    #[error(
        "{} is not a file of a chain store: move it away, or use another folder",
        path.display()
    )]
    Foreign {
        /// The foreign file.
        path: PathBuf,
    },
    /// The flat state has the format of another version of this program.
    #[error(
        "{} has state format {found}, this program reads only format {expected}: use the version \
         that wrote it",
        path.display()
    )]
    Version {
        /// The folder of the flat state, or the file with the version of its database.
        path: PathBuf,
        /// The format of the flat state, or of its database.
        found: u32,
        /// The only format that this version reads.
        expected: u32,
    },
    /// The flat state belongs to another chain.
    #[error(
        "{} belongs to {}, this store to {}: use the folder of this chain",
        path.display(), Hex(found), Hex(expected)
    )]
    OtherIdentity {
        /// The folder of the flat state.
        path: PathBuf,
        /// The identity of the flat state.
        found: [u8; 32],
        /// The identity that the caller gave.
        expected: [u8; 32],
    },
    /// The block log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The flat state is there, but the block log is not.
    #[error("{} is missing, but there is a state: restore it from a backup", path.display())]
    NoLog {
        /// The folder of the log.
        path: PathBuf,
    },
    /// There is no flat state, and the log does not begin with the genesis.
    #[error(
        "the log in {} begins at height {first}, the genesis is height {initial}, and there is no \
         state before: open it with its own initial height, or restore the state from a backup",
        path.display()
    )]
    NoState {
        /// The store's folder.
        path: PathBuf,
        /// The first height of the log.
        first: u64,
        /// The height of the genesis, as the caller gave it.
        initial: u64,
    },
    /// The flat state does not reach the first record of the log, so the blocks between them are
    /// lost.
    #[error(
        "{} is at height {height}, but the log begins at height {first}: restore it from a backup",
        path.display()
    )]
    Gap {
        /// The folder of the flat state.
        path: PathBuf,
        /// The height of the flat state.
        height: u64,
        /// The first height of the log.
        first: u64,
    },
    /// The flat state is of a later block than the last of the log. It never is, unless
    /// acknowledged records were lost.
    #[error(
        "{} is at height {height}, but the log ends before height {next}: restore the log from a \
         backup",
        path.display()
    )]
    Ahead {
        /// The folder of the flat state.
        path: PathBuf,
        /// The height of the flat state.
        height: u64,
        /// The height after the last of the log.
        next: u64,
    },
    /// The flat state does not verify. If the log has all blocks, the state can be made anew.
    #[error(
        "{} is damaged: {reason}; restore it from a backup, or, if the log has all blocks, remove \
         this folder, and opening the store makes it anew",
        path.display()
    )]
    Damaged {
        /// The folder of the flat state.
        path: PathBuf,
        /// What does not verify.
        reason: String,
    },
    /// A state has another root than was committed.
    #[error(
        "in {}, the state at height {height} has root {}, but {} was committed: the flat state or \
         the program that wrote it is at fault; restore a backup",
        path.display(),
        Hex(found),
        Hex(expected)
    )]
    Root {
        /// The store's folder.
        path: PathBuf,
        /// The height.
        height: u64,
        /// The root of the state.
        found: Hash,
        /// The root of the record.
        expected: Hash,
    },
    /// A record of the log has a good checksum, and is not that of a block.
    #[error(
        "the record at height {height} is not that of a block: {reason}; use the version that \
         wrote it, or restore a backup"
    )]
    Record {
        /// The height.
        height: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk is full. What was acknowledged is durable.
    #[error("no space left for {}: make space and open the store anew", path.display())]
    Full {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system failed to read or write. What was acknowledged is durable.
    #[error("reading or writing {} failed: check the disk, then open the store anew", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The flat state failed for another reason.
    #[error("the state in {} failed: open the store anew", path.display())]
    State {
        /// The folder of the flat state.
        path: PathBuf,
        /// The error of the database.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An earlier commit failed, so what the disk has is not known.
    #[error(
        "the store in {} refuses blocks because an earlier one failed ({cause}): open it anew",
        path.display()
    )]
    Poisoned {
        /// The store's folder.
        path: PathBuf,
        /// The message of the first error.
        cause: String,
    },
    /// A checkpoint in the background has failed. No block is lost: the log has all of them.
    #[error(
        "a checkpoint of {} failed ({cause}), and no block is lost: make sure that the disk has \
         space, and open the store anew",
        path.display()
    )]
    Checkpoint {
        /// The folder of the flat state.
        path: PathBuf,
        /// The message of the error.
        cause: String,
    },
    /// The block does not follow the head. Nothing was written.
    #[error(
        "the block is staged as height {found} on another head; the next is height {expected}: stage it \
         on the head"
    )]
    Stale {
        /// The height of the staged block.
        found: u64,
        /// The height of the next block.
        expected: u64,
    },
    /// The store has no block yet, and so no state.
    #[error("the store is empty: commit the genesis first, as height {initial}")]
    NoGenesis {
        /// The height of the genesis.
        initial: u64,
    },
    /// The version is not served: it is too old, or there is no such block yet.
    #[error("height {height} is not served: heights {oldest} to {head} are")]
    NotServed {
        /// The height that was asked for.
        height: u64,
        /// The lowest height that is served.
        oldest: u64,
        /// The height of the head.
        head: u64,
    },
    /// The state before the block is not kept, so a rollback cannot go there. Nothing was modified.
    #[error(
        "cannot go back to height {height}: the state is at height {checkpoint} already, and the \
         blocks before height {first}, from which it could be made anew, are deleted; use a backup \
         or snapshot"
    )]
    RollbackTooFar {
        /// The height that was asked for.
        height: u64,
        /// The height of the flat state, the lowest to which a rollback can go.
        checkpoint: u64,
        /// The first height of the log.
        first: u64,
    },
    /// There is something at the path where a new folder is to be made. It was not modified.
    #[error("{} exists: name a folder that does not", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A new folder is to be made inside of the store's own. Nothing was modified.
    #[error("{} is inside of the chain store: name a folder outside of it", path.display())]
    InsideStore {
        /// The path.
        path: PathBuf,
    },
    /// There is no store at the path.
    #[error("{} has no chain store: name the folder of one", path.display())]
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// A key is longer than the flat state can store. Nothing was written.
    #[error("a key of {found} bytes is longer than the limit of {limit} bytes")]
    KeyLength {
        /// The length in bytes.
        found: usize,
        /// The maximum in bytes.
        limit: usize,
    },
}

impl ChainStoreError {
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| {
            let path = path.to_path_buf();
            match is_full(&source) {
                true => Self::Full { path, source },
                false => Self::Io { path, source },
            }
        }
    }

    pub(super) fn damaged(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Damaged {
            path: path.to_path_buf(),
            reason: reason.to_string(),
        }
    }

    /// An error of the flat state's database.
    pub(super) fn state(path: &Path) -> impl Fn(fjall::Error) -> Self {
        move |error| match error {
            fjall::Error::Locked => Self::Locked {
                path: path.to_path_buf(),
            },
            error => match io_kind(&error) {
                Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) => {
                    Self::damaged(path, error)
                }
                Some(kind) => Self::io(path)(io::Error::new(kind, error)),
                None if matches!(error, fjall::Error::Poisoned) => Self::State {
                    path: path.to_path_buf(),
                    source: Box::new(error),
                },
                None => Self::damaged(path, error),
            },
        }
    }
}

/// The kind of the error of the operating system behind another error.
fn io_kind(error: &fjall::Error) -> Option<io::ErrorKind> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

impl From<Failure> for ChainStoreError {
    fn from(Failure { path, source }: Failure) -> Self {
        match source.kind() {
            io::ErrorKind::WouldBlock => Self::Locked { path },
            io::ErrorKind::NotADirectory => Self::Exists { path },
            _ => Self::io(&path)(source),
        }
    }
}
