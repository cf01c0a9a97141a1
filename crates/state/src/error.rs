//! What can go wrong: a host that cannot read, bytes that are not a diff.

use std::error::Error;

use thiserror::Error;

/// Reading the state failed. A fault of the host, never of a guest; the cause is the source.
#[derive(Debug, Error)]
#[error("state cannot be read")]
pub struct StateError {
    source: Box<dyn Error + Send + Sync>,
}

impl StateError {
    /// Wraps the failure of a [`StateReader`](crate::StateReader).
    pub fn new(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            source: Box::new(source),
        }
    }
}

/// Bytes are not the encoding of a [`Diff`](crate::Diff).
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DiffError {
    /// The encoding has another version.
    #[error("diff has encoding version {found}, this program reads version {expected}")]
    Version {
        /// The version that it has.
        found: u8,
        /// The only version that this program reads.
        expected: u8,
    },
    /// The bytes end inside an entry.
    #[error("diff ends early")]
    Truncated,
    /// Bytes follow the last entry.
    #[error("diff is followed by {0} more bytes")]
    Trailing(usize),
    /// An entry is neither a removal nor a value.
    #[error("diff has an entry of unknown kind {0}")]
    Kind(u8),
    /// A key does not come after the key before it.
    #[error("diff has keys out of order")]
    Order,
}
