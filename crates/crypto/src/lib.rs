//! Hashes and signature schemes that a chain offers to its contracts.
//!
//! Each function is pure: the same bytes have the same result on every machine. Input that is not
//! of the scheme, such as bytes that are not a point of the curve, makes a signature invalid. It is
//! not an error, so a caller cannot confuse one with the other. No function panics, whatever the
//! bytes are, and none has a state, a thread or a random number.
//!
//! Verification takes public input, so no function runs in constant time.
#![forbid(unsafe_code)]

mod bls12_381;
mod ecdsa;
mod ed25519;
mod hash;

pub use bls12_381::{verify_aggregate_bls12_381, verify_bls12_381};
pub use ecdsa::{recover_secp256k1, verify_low_s_secp256r1, verify_secp256k1, verify_secp256r1};
pub use ed25519::{
    Ed25519Item, Ed25519Keys, is_small_order_ed25519, verify_ed25519, verify_ed25519_batch,
};
pub use hash::{blake3, keccak256, sha256};

/// Size of a digest in bytes.
pub const DIGEST_BYTES: usize = 32;
/// Size of an Ed25519 public key in bytes.
pub const ED25519_KEY_BYTES: usize = 32;
/// Size of an Ed25519 or ECDSA signature in bytes.
pub const SIGNATURE_BYTES: usize = 64;
/// Size of a recovered secp256k1 public key in bytes: both coordinates, big-endian.
pub const RECOVERED_KEY_BYTES: usize = 64;
/// Size of a BLS12-381 public key in bytes: a compressed point of G1.
pub const BLS12_381_KEY_BYTES: usize = 48;
/// Size of a BLS12-381 signature in bytes: a compressed point of G2.
pub const BLS12_381_SIGNATURE_BYTES: usize = 96;
