//! Encodings of values. The first byte is the version of the encoding.
//!
//! Each value has exactly one encoding. Bytes of another version, and malformed bytes, are errors
//! and never decode to a default.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

/// The version of the encodings of this crate: balances, nonces, code hashes, and receipts whose
/// events have one topic each. Other receipts have version 2.
pub const ENCODING_VERSION: u8 = 1;

/// The error of decoding a value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// The encoding has another version.
    #[error("the encoding has version {found}, this program reads version {expected}")]
    Version {
        /// The version that it has.
        found: u8,
        /// The newest version that this program reads.
        expected: u8,
    },
    /// The input is empty.
    #[error("the encoding has no bytes")]
    Empty,
    /// The bytes after the version are malformed.
    #[error("the bytes after the version are malformed")]
    Malformed(#[from] io::Error),
}

/// The bytes that are allocated for an encoding at first.
const SMALL: usize = 32;

/// Encodes a value: the version, then its canonical bytes.
///
/// # Panics
///
/// If a length in the value exceeds a `u32`.
#[must_use]
pub fn encode(value: &impl BorshSerialize) -> Vec<u8> {
    // Nearly all are balances and nonces. `borsh::to_vec` begins with a kilobyte.
    let mut bytes = Vec::with_capacity(SMALL);
    (ENCODING_VERSION, value)
        .serialize(&mut bytes)
        .expect("a vector takes any bytes, and no length here exceeds a u32");
    bytes
}

/// Decodes a value.
///
/// # Errors
///
/// [`EncodingError`] if the bytes are malformed or have another version of the encoding.
pub fn decode<T: BorshDeserialize>(bytes: &[u8]) -> Result<T, EncodingError> {
    match bytes.split_first() {
        Some((&ENCODING_VERSION, value)) => Ok(borsh::from_slice(value)?),
        Some((&found, _)) => Err(EncodingError::Version {
            found,
            expected: ENCODING_VERSION,
        }),
        None => Err(EncodingError::Empty),
    }
}
