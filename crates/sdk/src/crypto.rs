//! Hashes and signatures. The chain's documentation says which signatures are valid.

use crate::{buffer::Buffer, syscalls};

/// The SHA-256 digest of a message.
#[must_use]
pub fn sha256(message: &[u8]) -> [u8; 32] {
    Buffer::<32>::array(|room| syscalls::sha256(message, room))
}

/// The Keccak-256 digest of a message, with the padding of Ethereum.
#[must_use]
pub fn keccak256(message: &[u8]) -> [u8; 32] {
    Buffer::<32>::array(|room| syscalls::keccak256(message, room))
}

/// The BLAKE3 digest of a message.
#[must_use]
pub fn blake3(message: &[u8]) -> [u8; 32] {
    Buffer::<32>::array(|room| syscalls::blake3(message, room))
}

/// Whether an Ed25519 signature is one of the message by the key.
#[must_use]
pub fn ed25519_verify(key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
    syscalls::ed25519_verify(key, signature, message) == 1
}

/// Whether an ECDSA signature over secp256k1 is one of the digest by the key (33 or 65 bytes).
#[must_use]
pub fn secp256k1_verify(key: &[u8], signature: &[u8; 64], digest: &[u8; 32]) -> bool {
    syscalls::secp256k1_verify(key, signature, digest) == 1
}

/// Whether an ECDSA signature over secp256r1, as passkeys make it, is one of the digest by the key
/// (33 or 65 bytes).
#[must_use]
pub fn secp256r1_verify(key: &[u8], signature: &[u8; 64], digest: &[u8; 32]) -> bool {
    syscalls::secp256r1_verify(key, signature, digest) == 1
}

/// The public key (`x` and `y`, big-endian) that made an ECDSA signature over secp256k1 of the
/// digest: `r`, `s` and the recovery id, from 0 to 3. `None` if no key made it.
#[must_use]
pub fn secp256k1_recover(signature: &[u8; 65], digest: &[u8; 32]) -> Option<[u8; 64]> {
    Buffer::<64>::array_if(|room| syscalls::secp256k1_recover(signature, digest, room))
}

/// Whether a BLS signature over BLS12-381 is the sum of the signatures of the message by all keys.
/// The contract makes sure that each owner of a key has proved to know its secret.
#[must_use]
pub fn bls12_381_verify(keys: &[[u8; 48]], message: &[u8], signature: &[u8; 96]) -> bool {
    syscalls::bls12_381_verify(keys.as_flattened(), message, signature) == 1
}

/// Whether a BLS signature over BLS12-381 is the sum of signatures of the first message by the
/// first key, of the second message by the second key, and so on. The messages are one after
/// another, as many as keys, and equally long.
#[must_use]
pub fn bls12_381_aggregate_verify(
    keys: &[[u8; 48]],
    messages: &[u8],
    signature: &[u8; 96],
) -> bool {
    syscalls::bls12_381_aggregate_verify(keys.as_flattened(), messages, signature) == 1
}
