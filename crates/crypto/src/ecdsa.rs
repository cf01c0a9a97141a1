//! ECDSA over secp256k1 and secp256r1 (P-256), on digests that the caller computes.
//!
//! A signature is `r` and `s`, 32 bytes each, big-endian, both from 1 to the order of the curve
//! minus 1. A public key is a point in the encoding of SEC 1: compressed (33 bytes, the first one 2
//! or 3) or uncompressed (65 bytes, the first one 4).
//!
//! secp256k1 signatures must have the lower of the two possible `s`, as in Bitcoin and Ethereum
//! transactions, so that nobody can change a valid signature into another one without the key.
//! secp256r1 signatures may have either, because the authenticators that make passkeys choose any.

use k256::ecdsa::{RecoveryId, signature::hazmat::PrehashVerifier};

use crate::{DIGEST_BYTES, RECOVERED_KEY_BYTES, SIGNATURE_BYTES};

/// Whether `signature` is a signature of `digest` by `public_key` over secp256k1, with the lower
/// `s`.
#[must_use]
pub fn verify_secp256k1(
    public_key: &[u8],
    signature: &[u8; SIGNATURE_BYTES],
    digest: &[u8; DIGEST_BYTES],
) -> bool {
    if !is_encoded(public_key) {
        return false;
    }
    let Ok(key) = k256::ecdsa::VerifyingKey::from_sec1_bytes(public_key) else {
        return false;
    };
    low_s(signature).is_some_and(|signature| key.verify_prehash(digest, &signature).is_ok())
}

/// The public key over secp256k1 that made `signature` of `digest`: its coordinates `x` and `y`, 32
/// bytes each, big-endian. `None` if there is none, or if the signature has the higher `s`.
///
/// Bit 0 of `recovery` is the parity of the `y` of the signature's point. Bit 1 says whether its
/// `x` is at least the order of the curve. A number above 3 has no key.
#[must_use]
pub fn recover_secp256k1(
    signature: &[u8; SIGNATURE_BYTES],
    recovery: u32,
    digest: &[u8; DIGEST_BYTES],
) -> Option<[u8; RECOVERED_KEY_BYTES]> {
    let recovery = RecoveryId::from_byte(u8::try_from(recovery).ok()?)?;
    let signature = low_s(signature)?;
    let key = k256::ecdsa::VerifyingKey::recover_from_prehash(digest, &signature, recovery).ok()?;
    // The first byte is the tag of the encoding.
    let point = key.to_sec1_point(false);
    point.as_bytes().get(1..)?.try_into().ok()
}

/// Whether `signature` is a signature of `digest` by `public_key` over secp256r1.
#[must_use]
pub fn verify_secp256r1(
    public_key: &[u8],
    signature: &[u8; SIGNATURE_BYTES],
    digest: &[u8; DIGEST_BYTES],
) -> bool {
    if !is_encoded(public_key) {
        return false;
    }
    let Ok(key) = p256::ecdsa::VerifyingKey::from_sec1_bytes(public_key) else {
        return false;
    };
    let Ok(signature) = p256::ecdsa::Signature::from_slice(signature) else {
        return false;
    };
    key.verify_prehash(digest, &signature).is_ok()
}

/// Whether `signature` is a signature of `digest` by `public_key` over secp256r1, with the lower
/// `s`: for uses where nobody may be able to change a valid signature into another one.
#[must_use]
pub fn verify_low_s_secp256r1(
    public_key: &[u8],
    signature: &[u8; SIGNATURE_BYTES],
    digest: &[u8; DIGEST_BYTES],
) -> bool {
    let lower = p256::ecdsa::Signature::from_slice(signature)
        .is_ok_and(|signature| signature.normalize_s() == signature);
    lower && verify_secp256r1(public_key, signature, digest)
}

/// The signature, if both numbers are in range and `s` is the lower one.
fn low_s(signature: &[u8; SIGNATURE_BYTES]) -> Option<k256::ecdsa::Signature> {
    let signature = k256::ecdsa::Signature::from_slice(signature).ok()?;
    (signature.normalize_s() == signature).then_some(signature)
}

/// Whether the bytes have one of the two admitted encodings. The libraries also read others.
fn is_encoded(public_key: &[u8]) -> bool {
    matches!(
        (public_key.first(), public_key.len()),
        (Some(2 | 3), 33) | (Some(4), 65)
    )
}
