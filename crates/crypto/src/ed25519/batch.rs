//! Batches of Ed25519 signatures: the verdict of each is that of a single verification.
//!
//! A random linear combination of the equations of a batch holds if each of them holds. If one does
//! not, the combination fails but for a chance of 2^-128, provided that nobody who makes signatures
//! can predict its coefficients. They are derived from a digest of the batch: of every key, every
//! signature and every message. So two errors that would cancel each other have to be chosen before
//! the coefficients are known, and no source of randomness is needed.
//!
//! Where a combination fails, smaller ones of its signatures are tried, and where these fail, each
//! signature is verified alone. So a forged signature costs its neighbours a second combination and
//! less than 64 single verifications, and a batch of forgeries takes less than twice as long as
//! without batches.

use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::ED25519_BASEPOINT_POINT,
    edwards::CompressedEdwardsY,
    traits::{IsIdentity, VartimeMultiscalarMul},
};
use sha2::{Digest, Sha512};

use super::{Ed25519Keys, verify_ed25519};
use crate::{ED25519_KEY_BYTES, SIGNATURE_BYTES};

/// The most signatures in a combination, and in those that are tried after one that fails. Larger
/// ones take less time for each signature: 12 us with 1,024, and 14 with 256.
const COMBINED: [usize; 2] = [1_024, 64];

/// Bytes of a coefficient.
const COEFFICIENT_BYTES: usize = 16;

/// The use of the digest, which separates it from those of other uses.
const CONTEXT: &str = "fusee 2026 coefficients of an ed25519 batch v1";

/// A signature to verify in a batch.
#[derive(Clone, Copy, Debug)]
pub struct Ed25519Item<'a> {
    /// The public key.
    pub public_key: &'a [u8; ED25519_KEY_BYTES],
    /// The signature.
    pub signature: &'a [u8; SIGNATURE_BYTES],
    /// The message.
    pub message: &'a [u8],
}

impl Ed25519Item<'_> {
    fn verify(&self) -> bool {
        verify_ed25519(self.public_key, self.signature, self.message)
    }
}

/// Whether each of these is a valid signature, in their order: the verdicts of
/// [`verify_ed25519`](crate::verify_ed25519).
///
/// `keys` keeps the points of keys with valid signatures for later batches, and changes no verdict.
#[must_use]
pub fn verify_ed25519_batch(items: &[Ed25519Item<'_>], keys: &Ed25519Keys) -> Vec<bool> {
    let mut verdicts = Vec::with_capacity(items.len());
    verify(items, keys, &COMBINED, &mut verdicts);
    verdicts
}

/// Appends the verdicts, by combinations of at most so many signatures.
fn verify(
    items: &[Ed25519Item<'_>],
    keys: &Ed25519Keys,
    combined: &[usize],
    verdicts: &mut Vec<bool>,
) {
    let Some((most, smaller)) = combined.split_first() else {
        verdicts.extend(items.iter().map(Ed25519Item::verify));
        return;
    };
    for items in items.chunks(*most) {
        if items.len() > 1 && all_are_valid(items, keys) {
            verdicts.extend(items.iter().map(|_| true));
        } else {
            verify(items, keys, smaller, verdicts);
        }
    }
}

/// One signature's equation, `8 (R + k A - s B) = 0`, without the point `A` of its key.
struct Equation {
    point: EdwardsPoint,
    scalar: Scalar,
    challenge: Scalar,
}

/// Whether all signatures are valid, by one combination of their equations.
fn all_are_valid(items: &[Ed25519Item<'_>], keys: &Ed25519Keys) -> bool {
    let mut transcript = blake3::Hasher::new_derive_key(CONTEXT);
    let public_keys: Vec<_> = items.iter().map(|item| item.public_key).collect();
    let equations = equations(items, &mut transcript);
    let Some((equations, key_points)) = equations.zip(keys.points(&public_keys)) else {
        return false;
    };
    let mut coefficients = transcript.finalize_xof();
    let mut base = Scalar::ZERO;
    let terms = items.len().saturating_mul(2).saturating_add(1);
    let mut scalars = Vec::with_capacity(terms);
    let mut points = Vec::with_capacity(terms);
    for (equation, key) in equations.iter().zip(&key_points) {
        let mut bytes = [0; COEFFICIENT_BYTES];
        coefficients.fill(&mut bytes);
        let coefficient = Scalar::from(u128::from_le_bytes(bytes));
        base -= coefficient * equation.scalar;
        scalars.extend([coefficient, coefficient * equation.challenge]);
        points.extend([equation.point, *key]);
    }
    scalars.push(base);
    points.push(ED25519_BASEPOINT_POINT);
    let sum = EdwardsPoint::vartime_multiscalar_mul(scalars, points);
    let valid = sum.mul_by_cofactor().is_identity();
    if valid {
        keys.keep(&public_keys, &key_points);
    }
    valid
}

/// The equations of all signatures, which the transcript absorbs. `None` if one has none.
fn equations(items: &[Ed25519Item<'_>], transcript: &mut blake3::Hasher) -> Option<Vec<Equation>> {
    // An iterator of options does not say how many there are, and growing would copy them.
    let mut equations = Vec::with_capacity(items.len());
    for item in items {
        equations.push(equation(item, transcript)?);
    }
    Some(equations)
}

/// The equation of a signature, which the transcript absorbs. `None` if a part is not of the
/// scheme.
fn equation(item: &Ed25519Item<'_>, transcript: &mut blake3::Hasher) -> Option<Equation> {
    let (point, scalar) = item.signature.split_first_chunk::<32>()?;
    let scalar: &[u8; 32] = scalar.try_into().ok()?;
    // The digest stands for the message: it covers the first half, the key and the message.
    let digest = Sha512::new()
        .chain_update(point)
        .chain_update(item.public_key)
        .chain_update(item.message)
        .finalize();
    transcript.update(item.public_key);
    transcript.update(item.signature);
    transcript.update(&digest);
    Some(Equation {
        point: CompressedEdwardsY(*point).decompress()?,
        scalar: Option::from(Scalar::from_canonical_bytes(*scalar))?,
        challenge: Scalar::from_bytes_mod_order_wide(&digest.into()),
    })
}
