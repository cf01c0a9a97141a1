//! Encodings: bytes that begin with the version of their encoding.
//!
//! Values have one encoding each. Another version, or bytes that are no value of this version, are
//! an error and never a default.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

/// The version of every encoding of this crate: receipts, balances, nonces and code hashes.
pub const ENCODING_VERSION: u8 = 1;

/// Bytes that are not the encoding of a value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// The encoding has another version.
    #[error("the encoding has version {found}, this program reads version {expected}")]
    Version {
        /// The version that it has.
        found: u8,
        /// The only version that this program reads.
        expected: u8,
    },
    /// There are no bytes, not even a version.
    #[error("the encoding has no bytes")]
    Empty,
    /// The bytes after the version are no value.
    #[error("the encoding holds no valid value")]
    Malformed(#[from] io::Error),
}

/// The version, and canonical bytes of a value that lives in memory.
pub(crate) fn encode(value: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(&(ENCODING_VERSION, value))
        .expect("a vector takes any bytes, and no length here exceeds a u32")
}

pub(crate) fn decode<T: BorshDeserialize>(bytes: &[u8]) -> Result<T, EncodingError> {
    match bytes.split_first() {
        Some((&ENCODING_VERSION, value)) => Ok(borsh::from_slice(value)?),
        Some((&found, _)) => Err(EncodingError::Version {
            found,
            expected: ENCODING_VERSION,
        }),
        None => Err(EncodingError::Empty),
    }
}
