//! Verifications: one signature against a message that comes piece by piece.
//!
//! The rule is that of `VerifyingKey::verify_strict` of the crate `ed25519-dalek`: the scalar of
//! the signature is reduced, neither the key nor the point of the signature has a small order, and
//! [S]B - [k]A encodes to the very bytes of the signature's point. That rule wants the whole
//! message at once; a test holds this one against it.

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signature, StreamVerifier, VerifyingKey};

/// How many keys are remembered.
const KEYS: usize = 8;

/// The keys that were decompressed last.
pub(crate) struct Keys {
    known: [Option<VerifyingKey>; KEYS],
    /// The place of the next key.
    oldest: usize,
}

/// A signature that may be valid, and a part of the message.
pub(crate) struct Verification(StreamVerifier);

impl Keys {
    /// No key is known.
    pub(crate) const fn new() -> Self {
        Self {
            known: [const { None }; KEYS],
            oldest: 0,
        }
    }

    /// The key of these bytes, which is known from then on. Nothing if that is no point, or one of
    /// small order.
    fn find(&mut self, bytes: &[u8; 32]) -> Option<VerifyingKey> {
        let mut known = self.known.iter().flatten();
        if let Some(key) = known.find(|key| key.as_bytes() == bytes) {
            return Some(*key);
        }
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        if key.is_weak() {
            return None;
        }
        *self.known.get_mut(self.oldest)? = Some(key);
        self.oldest = (self.oldest + 1) % KEYS;
        Some(key)
    }
}

impl Verification {
    /// Begins with a key and a signature. Nothing if the signature is valid for no message.
    pub(crate) fn begin(keys: &mut Keys, key_and_signature: &[u8; 96]) -> Option<Self> {
        let (key, signature) = key_and_signature.split_first_chunk::<32>()?;
        let signature = Signature::from_bytes(signature.first_chunk()?);
        let point = CompressedEdwardsY(*signature.r_bytes()).decompress()?;
        if point.is_small_order() {
            return None;
        }
        let key = keys.find(key)?;
        key.verify_stream(&signature).ok().map(Self)
    }

    /// Goes on with more of the message.
    pub(crate) fn absorb(&mut self, message: &[u8]) {
        self.0.update(message);
    }

    /// Ends: whether the signature is one of the whole message.
    pub(crate) fn finish(self) -> bool {
        self.0.finalize_and_verify().is_ok()
    }
}

#[cfg(test)]
mod tests;
