//! BLS signatures over BLS12-381 (draft-irtf-cfrg-bls-signature), with public keys in G1 and
//! signatures in G2, as Ethereum's validators sign: the ciphersuite
//! `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_`.
//!
//! Points are compressed and canonical. Keys and signatures outside the subgroup of prime order,
//! and the point at infinity as a key or as the sum of all keys, make a signature invalid.
//!
//! The scheme is that of proofs of possession: signatures of one message by many keys say something
//! only if each owner of a key has proved to know its secret. The caller sees to that.

use blst::{
    BLST_ERROR,
    min_pk::{PublicKey, Signature},
};

use crate::{BLS12_381_KEY_BYTES, BLS12_381_SIGNATURE_BYTES};

const CIPHERSUITE: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

/// Whether `signature` is the sum of the signatures of `message` by all of `public_keys`
/// (`FastAggregateVerify`). With one key, it is a plain verification. Without a key, no signature
/// is valid.
#[must_use]
pub fn verify_bls12_381(
    public_keys: &[[u8; BLS12_381_KEY_BYTES]],
    message: &[u8],
    signature: &[u8; BLS12_381_SIGNATURE_BYTES],
) -> bool {
    let Some((keys, signature)) = decode(public_keys, signature) else {
        return false;
    };
    let keys: Vec<&PublicKey> = keys.iter().collect();
    let result = signature.fast_aggregate_verify(false, message, CIPHERSUITE, &keys);
    result == BLST_ERROR::BLST_SUCCESS
}

/// Whether `signature` is the sum of signatures, of the first message by the first key, of the
/// second message by the second key, and so on (`AggregateVerify`). No signature is valid without a
/// key, or if there are more keys than messages or fewer.
#[must_use]
pub fn verify_aggregate_bls12_381(
    public_keys: &[[u8; BLS12_381_KEY_BYTES]],
    messages: &[&[u8]],
    signature: &[u8; BLS12_381_SIGNATURE_BYTES],
) -> bool {
    let Some((keys, signature)) = decode(public_keys, signature) else {
        return false;
    };
    let keys: Vec<&PublicKey> = keys.iter().collect();
    let result = signature.aggregate_verify(false, messages, CIPHERSUITE, &keys, false);
    result == BLST_ERROR::BLST_SUCCESS
}

/// The points, if all of them are in the subgroup and no key is the point at infinity.
fn decode(
    public_keys: &[[u8; BLS12_381_KEY_BYTES]],
    signature: &[u8; BLS12_381_SIGNATURE_BYTES],
) -> Option<(Vec<PublicKey>, Signature)> {
    let keys = public_keys.iter().map(|key| PublicKey::key_validate(key));
    let keys = keys.collect::<Result<_, _>>().ok()?;
    // The point at infinity is a sum of signatures, of keys whose sum is not valid.
    let signature = Signature::sig_validate(signature, false).ok()?;
    Some((keys, signature))
}
