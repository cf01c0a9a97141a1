//! Batches of Ed25519 signatures: the verdict of each is that of a single verification.
//!
//! A random linear combination of the equations of a batch holds if each of them holds. If one does
//! not, the combination fails but for a chance of 2^-128, provided that nobody who makes signatures
//! can predict its coefficients. They are derived from a digest of the batch: of every key, every
//! signature and every message. So two errors that would cancel each other have to be chosen before
//! the coefficients are known, and no source of randomness is needed.
//!
//! Where a combination fails, each of its signatures is verified alone. So a forged signature costs
//! its sender's neighbours at most [`CHUNK`] single verifications, and a batch of forgeries takes
//! half as long again as without batches.

use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::ED25519_BASEPOINT_POINT,
    edwards::CompressedEdwardsY,
    traits::{IsIdentity, VartimeMultiscalarMul},
};
use sha2::{Digest, Sha512};

use super::verify_ed25519;
use crate::{ED25519_KEY_BYTES, SIGNATURE_BYTES};

/// Maximum number of signatures in a combination.
const CHUNK: usize = 256;

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
#[must_use]
pub fn verify_ed25519_batch(items: &[Ed25519Item<'_>]) -> Vec<bool> {
    let mut verdicts = Vec::with_capacity(items.len());
    for chunk in items.chunks(CHUNK) {
        if chunk.len() > 1 && all_are_valid(chunk) {
            verdicts.resize(verdicts.len().saturating_add(chunk.len()), true);
        } else {
            verdicts.extend(chunk.iter().map(Ed25519Item::verify));
        }
    }
    verdicts
}

/// One signature's equation, `8 (R + k A - s B) = 0`.
struct Equation {
    key: EdwardsPoint,
    point: EdwardsPoint,
    scalar: Scalar,
    challenge: Scalar,
}

/// Whether all signatures are valid, by one combination of their equations.
fn all_are_valid(items: &[Ed25519Item<'_>]) -> bool {
    let mut transcript = blake3::Hasher::new_derive_key(CONTEXT);
    let equations: Option<Vec<Equation>> = items
        .iter()
        .map(|item| equation(item, &mut transcript))
        .collect();
    let Some(equations) = equations else {
        return false;
    };
    let mut coefficients = transcript.finalize_xof();
    let mut base = Scalar::ZERO;
    let mut scalars = Vec::new();
    let mut points = Vec::new();
    for equation in equations {
        let mut bytes = [0; COEFFICIENT_BYTES];
        coefficients.fill(&mut bytes);
        let coefficient = Scalar::from(u128::from_le_bytes(bytes));
        base -= coefficient * equation.scalar;
        scalars.extend([coefficient, coefficient * equation.challenge]);
        points.extend([equation.point, equation.key]);
    }
    scalars.push(base);
    points.push(ED25519_BASEPOINT_POINT);
    let sum = EdwardsPoint::vartime_multiscalar_mul(scalars, points);
    sum.mul_by_cofactor().is_identity()
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
        key: CompressedEdwardsY(*item.public_key).decompress()?,
        point: CompressedEdwardsY(*point).decompress()?,
        scalar: Option::from(Scalar::from_canonical_bytes(*scalar))?,
        challenge: Scalar::from_bytes_mod_order_wide(&digest.into()),
    })
}
