//! Errors of the log: what happened, in which file, and the next step. Always a fault of the host.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::folder::Failure;
use crate::text::{Hex, is_full};

/// The log cannot be opened, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// Another handle, possibly of this process, has the log open.
    #[error("{} is in use by another process: end that process first", path.display())]
    Locked {
        /// The log's folder.
        path: PathBuf,
    },
    /// The folder has a file that is not one of a log.
    #[error(
        "{} is not a file of a block log: move it away, or use another folder",
        path.display()
    )]
    Foreign {
        /// The foreign file.
        path: PathBuf,
    },
    /// The file has the format of another version of this program.
    #[error(
        "{} has log format {found}, this program reads only format {expected}: use the version \
         that wrote it",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u32,
        /// The only format that this version reads.
        expected: u32,
    },
    /// The file belongs to the log of another chain or store.
    #[error(
        "{} belongs to {}, this log to {}: use the folder of this chain",
        path.display(), Hex(found), Hex(expected)
    )]
    OtherIdentity {
        /// The file.
        path: PathBuf,
        /// The identity in the file.
        found: [u8; 32],
        /// The identity that the caller gave.
        expected: [u8; 32],
    },
    /// A file of the log is not there.
    #[error("{} is missing: restore it from a backup", path.display())]
    Missing {
        /// The missing file.
        path: PathBuf,
    },
    /// Bytes that were durable have changed or are gone. The file was not modified.
    #[error(
        "{} is damaged at byte {offset}, height {height}: {damage}; restore the file from a backup",
        path.display()
    )]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// The offset in bytes of the damaged record or header.
        offset: u64,
        /// The height of the damaged record, or of the first one that depends on the header.
        height: u64,
        /// The kind of damage.
        damage: Damage,
    },
    /// The disk is full. What was acknowledged is durable. Make space and open the log anew.
    #[error("no space left for {}: make space and open the log anew", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system failed to read or write. What was acknowledged is durable.
    #[error("reading or writing {} failed: check the disk, then open the log anew", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// An earlier write or sync failed, so what the disk has is not known. Open the log anew.
    #[error(
        "the log in {} refuses writes because an earlier one failed ({cause}): open it anew",
        path.display()
    )]
    Poisoned {
        /// The log's folder.
        path: PathBuf,
        /// The message of the first error.
        cause: String,
    },
    /// The record was deleted by retention, or is of a height before the log's first.
    #[error("height {height} is not in the log, which begins at height {first}")]
    NotKept {
        /// The height that was asked for.
        height: u64,
        /// The lowest height of the log.
        first: u64,
    },
    /// The payload is larger than a record can be. Nothing was written.
    #[error("a payload of {found} bytes is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The length of the payload in bytes.
        found: u64,
        /// The maximum in bytes.
        limit: u64,
    },
}

/// The kind of damage.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Damage {
    /// The file ends within a header.
    #[error("the file ends within a header")]
    HeaderCut,
    /// The file does not begin with the magic number of its kind.
    #[error("the magic number is wrong")]
    Magic,
    /// The checksum of a header does not match.
    #[error("the checksum of the header does not match")]
    Header,
    /// The header is that of a segment with another first height than the file's name.
    #[error("the header is that of height {found}")]
    Name {
        /// The first height that the header names.
        found: u64,
    },
    /// The segment does not follow the one before it.
    #[error("the segment follows the one of height {found}, not the one before it")]
    Order {
        /// The first height of the segment that should be before it.
        found: u64,
    },
    /// The file has another length than it had when its last record was acknowledged.
    #[error("the file has {found} bytes instead of {expected}")]
    Length {
        /// The length in bytes.
        found: u64,
        /// The length in bytes that it had.
        expected: u64,
    },
    /// The file ends within a payload.
    #[error("the file ends within the payload")]
    PayloadCut,
    /// The checksum of a record does not match.
    #[error("the checksum of the record does not match")]
    Record,
    /// The record is of another height.
    #[error("the record is that of height {found}")]
    Height {
        /// The height of the record.
        found: u64,
    },
    /// The record or segment does not follow the record before it.
    #[error("it does not contain the checksum of the record before it")]
    Chain,
    /// Acknowledged records are not there.
    #[error("the log ends here, but all heights below {acknowledged} were acknowledged")]
    Ends {
        /// The height after the last acknowledged one, as far as it was noted.
        acknowledged: u64,
    },
}

impl LogError {
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| {
            let path = path.to_path_buf();
            match is_full(&source) {
                true => Self::Full { path, source },
                false => Self::Io { path, source },
            }
        }
    }
}

impl From<Failure> for LogError {
    fn from(Failure { path, source }: Failure) -> Self {
        match source.kind() {
            io::ErrorKind::WouldBlock => Self::Locked { path },
            _ => Self::io(&path)(source),
        }
    }
}
