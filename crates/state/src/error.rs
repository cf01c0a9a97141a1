//! Errors: failures of the host's storage, and malformed diffs.

use std::error::Error;

use thiserror::Error;

/// The state cannot be read. Always a fault of the host. The cause is the source.
#[derive(Debug, Error)]
#[error("state cannot be read")]
pub struct StateError {
    source: Box<dyn Error + Send + Sync>,
}

impl StateError {
    /// Wraps an error of a [`StateReader`](crate::StateReader).
    pub fn new(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            source: Box::new(source),
        }
    }
}

/// The error of decoding a [`Diff`](crate::Diff).
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DiffError {
    /// The encoding has another version.
    #[error("diff has encoding version {found}, this program reads version {expected}")]
    Version {
        /// The version of the encoding.
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
    /// The keys are not in ascending order.
    #[error("diff has keys out of order")]
    Order,
}
