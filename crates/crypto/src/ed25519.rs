//! Ed25519 by the rules of ZIP-215.
//!
//! Implementations of RFC 8032 disagree on signatures that an attacker can make: with points of
//! small order, points encoded in more than one way, and equations with or without the cofactor.
//! ZIP-215 defines each of these cases, so that all nodes agree, and batches agree with single
//! signatures:
//!
//! - The key and the first half of the signature are points in any encoding, the non-canonical
//!   included, and of any order, small orders included.
//! - The second half is a canonical scalar. So nobody can change a valid signature into another
//!   one without the key, if key and first half are of the prime order.
//! - The equation has the cofactor 8.

mod batch;
mod keys;
mod small_order;

use ed25519_zebra::{Signature, VerificationKey};

use crate::{ED25519_KEY_BYTES, SIGNATURE_BYTES};

pub use batch::{Ed25519Item, verify_ed25519_batch};
pub use keys::Ed25519Keys;
pub use small_order::is_small_order_ed25519;

/// Whether `signature` is a signature of `message` by `public_key`, by the rules of ZIP-215.
#[must_use]
pub fn verify_ed25519(
    public_key: &[u8; ED25519_KEY_BYTES],
    signature: &[u8; SIGNATURE_BYTES],
    message: &[u8],
) -> bool {
    let Ok(key) = VerificationKey::try_from(*public_key) else {
        return false;
    };
    key.verify(&Signature::from(*signature), message).is_ok()
}
