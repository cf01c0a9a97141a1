//! What can go wrong, and with which path.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A store that cannot be opened, read or written. Always a fault of the host.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else, perhaps this same process, has the store open.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// What is there is not ours. It was left as it was.
    #[error("{} is {found}, not a store", path.display())]
    Foreign {
        /// What was looked at.
        path: PathBuf,
        /// What it is.
        found: Foreign,
    },
    /// The store was written by another version of this program.
    #[error(
        "{} has store format {found}, this program reads format {expected} alone: {}",
        path.display(),
        format_advice(*found, *expected)
    )]
    Format {
        /// The store's file.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The only format that this version reads.
        expected: u32,
    },
    /// The disk has no room.
    #[error("no space left for {}", path.display())]
    Full {
        /// The store's file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system failed to read or write.
    #[error("reading or writing {} failed", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is a store, but damaged.
    #[error("{} is damaged", path.display())]
    Corrupt {
        /// The store's file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An earlier write failed, so that this one was not tried. Open the store again.
    #[error("{} takes no writes since one failed", path.display())]
    Failed {
        /// The store's file.
        path: PathBuf,
    },
    /// A commit was made from another version of the state than the latest.
    #[error("{} is at transaction {expected}, the commit is transaction {found}", path.display())]
    Stale {
        /// The store's file.
        path: PathBuf,
        /// The sequence number that the commit has.
        found: u64,
        /// The sequence number that the next commit must have.
        expected: u64,
    },
    /// The database refused something else.
    #[error("the database in {} refused", path.display())]
    Database {
        /// The store's file.
        path: PathBuf,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What was found in place of a store.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Foreign {
    /// A directory without a store but with something else in it.
    #[error("a directory of other files")]
    OtherFiles,
    /// The store's file is a directory, a device or the like.
    #[error("no regular file")]
    NoFile,
    /// The store's file is empty or of another kind.
    #[error("a file of another kind")]
    OtherKind,
    /// The store's file is a database that another program made.
    #[error("a database of another program")]
    OtherDatabase,
}

/// What happened to a store of another format, and what to do.
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
            // A file cut short, or one whose pages are not what they should be.
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

/// Says which file a failed operation was about.
pub(crate) trait At<T> {
    fn at(self, path: &Path) -> Result<T, StoreError>;
}

impl<T, E: Into<redb::Error>> At<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::database(path, error.into()))
    }
}
