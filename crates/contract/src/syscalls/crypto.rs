//! Hashes and signatures. What is not a signature of its scheme is one that is not valid.
//!
//! The whole work of a call is paid for before it begins.

use fusee_crypto::{
    BLS12_381_KEY_BYTES, BLS12_381_SIGNATURE_BYTES, DIGEST_BYTES, SIGNATURE_BYTES,
    recover_secp256k1, verify_aggregate_bls12_381, verify_bls12_381, verify_ed25519,
};
use fusee_engine::{Stop, Trap};

use super::{PricedSyscall, arg, give, take_array, take_region};
use crate::frame::Frame;

/// The bytes of a signature with the recovery id behind it.
const RECOVERABLE_BYTES: usize = SIGNATURE_BYTES + 1;

pub(super) fn hash(
    frame: &Frame,
    call: &mut PricedSyscall<'_, '_>,
    hash: fn(&[u8]) -> [u8; DIGEST_BYTES],
) -> Result<u64, Stop> {
    let message = take_region(call, 0, frame.limits.data_bytes)?;
    give(call, 2, &hash(&message)).map(|()| 0)
}

pub(super) fn ed25519(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let key = take_array(call, 0)?;
    let signature = take_array(call, 1)?;
    let message = take_region(call, 2, frame.limits.data_bytes)?;
    Ok(verify_ed25519(&key, &signature, &message).into())
}

pub(super) fn ecdsa(
    frame: &Frame,
    call: &mut PricedSyscall<'_, '_>,
    verify: fn(&[u8], &[u8; SIGNATURE_BYTES], &[u8; DIGEST_BYTES]) -> bool,
) -> Result<u64, Stop> {
    let key = take_region(call, 0, frame.limits.key_bytes)?;
    let signature = take_array(call, 2)?;
    let digest = take_array(call, 3)?;
    Ok(verify(&key, &signature, &digest).into())
}

pub(super) fn recover(call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let signature: [u8; RECOVERABLE_BYTES] = take_array(call, 0)?;
    let digest = take_array(call, 1)?;
    let [signature @ .., recovery] = signature;
    match recover_secp256k1(&signature, recovery.into(), &digest) {
        Some(key) => give(call, 2, &key).map(|()| 1),
        None => Ok(0),
    }
}

/// Verifies a sum of signatures of one message.
pub(super) fn bls(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let (keys, message, signature) = bls_arguments(frame, call)?;
    let (keys, rest) = keys.as_chunks();
    Ok((rest.is_empty() && verify_bls12_381(keys, &message, &signature)).into())
}

/// Verifies a sum of signatures of a message each.
pub(super) fn bls_aggregate(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let (keys, messages, signature) = bls_arguments(frame, call)?;
    let (keys, rest) = keys.as_chunks();
    let each = messages.len().checked_div(keys.len()).unwrap_or(0);
    let is_whole = rest.is_empty() && each.checked_mul(keys.len()) == Some(messages.len());
    let messages: Vec<&[u8]> = match each {
        0 => vec![&[]; keys.len()],
        each => messages.chunks(each).collect(),
    };
    Ok((is_whole && verify_aggregate_bls12_381(keys, &messages, &signature)).into())
}

type BlsArguments = (Vec<u8>, Vec<u8>, [u8; BLS12_381_SIGNATURE_BYTES]);

/// Keys, message or messages, and signature. Charges for the keys: the base price covers the
/// longest message.
fn bls_arguments(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<BlsArguments, Stop> {
    let most = frame.extensions()?.bls_keys;
    let key_bytes = u32::try_from(BLS12_381_KEY_BYTES).unwrap_or(u32::MAX);
    let (start, length, signature) = (arg(call, 2)?, arg(call, 3)?, arg(call, 4)?);
    if length > frame.limits.value_bytes.into() {
        return Err(Stop::Trap(Trap::DataLimit));
    }
    let keys = take_region(call, 0, most.saturating_mul(key_bytes))?;
    let message = call.read(start, length)?.into_owned();
    let signature = call.read_array(signature)?;
    Ok((keys, message, signature))
}
