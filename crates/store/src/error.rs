//! Errors of the store, each with the path concerned.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::folder::Failure;

/// The store cannot be opened, read or written. Always a fault of the host.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another handle, possibly of this process, has the store open.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// The path has something other than a store. It was not modified.
    #[error("{} is {found}, not a store", path.display())]
    Foreign {
        /// The path that was inspected.
        path: PathBuf,
        /// The kind of the foreign file or directory.
        found: Foreign,
    },
    /// The store has the format of another version of this program.
    #[error(
        "{} has store format {found}, this program reads only format {expected}: {}",
        path.display(),
        format_advice(*found, *expected)
    )]
    Format {
        /// The store's file.
        path: PathBuf,
        /// The format of the store.
        found: u32,
        /// The only format that this version reads.
        expected: u32,
    },
    /// The disk is full.
    #[error("no space left for {}", path.display())]
    Full {
        /// The store's file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system failed to read or write.
    #[error("reading or writing {} failed", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The store is damaged.
    #[error("{} is damaged", path.display())]
    Corrupt {
        /// The store's file.
        path: PathBuf,
        /// The kind of damage.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The write was refused because an earlier write failed. Reopen the store.
    #[error("{} refuses writes because an earlier write failed", path.display())]
    Failed {
        /// The store's file.
        path: PathBuf,
    },
    /// The commit is not based on the latest version of the state.
    #[error("{} is at transaction {expected}, the commit is transaction {found}", path.display())]
    Stale {
        /// The store's file.
        path: PathBuf,
        /// The sequence number of the commit.
        found: u64,
        /// The sequence number that the next commit must have.
        expected: u64,
    },
    /// The database failed for another reason.
    #[error("the database in {} failed", path.display())]
    Database {
        /// The store's file.
        path: PathBuf,
        /// The error of the database.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The kind of a foreign file or directory.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Foreign {
    /// A directory with other files, and without a store.
    #[error("a directory with other files")]
    OtherFiles,
    /// The database file is a directory, a device or another special file.
    #[error("a directory or special file")]
    NoFile,
    /// The database file is empty or not a database.
    #[error("a file of another format")]
    OtherKind,
    /// The database file is a database of another program.
    #[error("a database of another program")]
    OtherDatabase,
}

/// Describes why a store has another format, and the remedy.
fn format_advice(found: u32, expected: u32) -> &'static str {
    if found < expected {
        "the formats of keys and values have changed since it was written; use the version that \
         wrote it, or begin a new store in another directory"
    } else {
        "a newer version wrote it; use that version, or begin a new store in another directory"
    }
}

impl StoreError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { path, source }
            }
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn corrupt(path: &Path, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Corrupt {
            path: path.to_path_buf(),
            source: source.into(),
        }
    }

    fn database(path: &Path, error: redb::Error) -> Self {
        use redb::Error as E;
        match error {
            E::DatabaseAlreadyOpen => Self::Locked {
                path: path.to_path_buf(),
            },
            E::PreviousIo => Self::Failed {
                path: path.to_path_buf(),
            },
            // The file is truncated, or its pages are invalid.
            E::Io(source)
                if matches!(
                    source.kind(),
                    io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::InvalidData
                        | io::ErrorKind::InvalidInput
                ) =>
            {
                Self::corrupt(path, source)
            }
            E::Io(source) => Self::io(path, source),
            E::Corrupted(_)
            | E::UpgradeRequired(_)
            | E::TableTypeMismatch { .. }
            | E::TableIsMultimap(_)
            | E::TypeDefinitionChanged { .. }
            | E::TableDoesNotExist(_) => Self::corrupt(path, error),
            _ => Self::Database {
                path: path.to_path_buf(),
                source: error.into(),
            },
        }
    }
}

impl From<Failure> for StoreError {
    fn from(Failure { path, source }: Failure) -> Self {
        match source.kind() {
            io::ErrorKind::WouldBlock => Self::Locked { path },
            _ => Self::io(&path, source),
        }
    }
}

/// Adds the path to the error of an operation.
pub(crate) trait At<T> {
    fn at(self, path: &Path) -> Result<T, StoreError>;
}

impl<T, E: Into<redb::Error>> At<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::database(path, error.into()))
    }
}
