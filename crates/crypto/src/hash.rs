//! Hash functions of 256 bits.

use sha2::Digest;

use crate::DIGEST_BYTES;

/// SHA-256 (FIPS 180-4).
#[must_use]
pub fn sha256(message: &[u8]) -> [u8; DIGEST_BYTES] {
    sha2::Sha256::digest(message).into()
}

/// Keccak-256 with the padding of Ethereum, which is that before FIPS 202. Not SHA3-256.
#[must_use]
pub fn keccak256(message: &[u8]) -> [u8; DIGEST_BYTES] {
    sha3::Keccak256::digest(message).into()
}

/// BLAKE3, without a key, with an output of 32 bytes. Runs on the caller's thread.
#[must_use]
pub fn blake3(message: &[u8]) -> [u8; DIGEST_BYTES] {
    *blake3::hash(message).as_bytes()
}
