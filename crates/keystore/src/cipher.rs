//! The encryption of a secret by a password.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::KeystoreError;

pub(crate) const SALT_BYTES: usize = 16;
pub(crate) const NONCE_BYTES: usize = 24;

/// Bytes of a secret, and of the key that encrypts it.
const KEY_BYTES: usize = 32;

/// The cost of deriving a key of a password by Argon2id, with one lane. It is what a guess costs
/// somebody who has the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDerivation {
    /// Memory in KiB (default: 64 MiB; from 8 KiB to 1 GiB).
    pub memory_kib: u32,
    /// Passes over the memory (default: 3; from 1 to 64).
    pub passes: u32,
}

impl Default for KeyDerivation {
    fn default() -> Self {
        Self {
            memory_kib: 64 << 10,
            passes: 3,
        }
    }
}

impl KeyDerivation {
    /// The key of a password. The bounds keep a file of somebody else from taking all memory.
    fn derive(
        self,
        password: &[u8],
        salt: &[u8; SALT_BYTES],
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeystoreError> {
        let Self { memory_kib, passes } = self;
        if !(8..=1 << 20).contains(&memory_kib) || !(1..=64).contains(&passes) {
            return Err(KeystoreError::Cost);
        }
        let params = Params::new(memory_kib, passes, 1, Some(KEY_BYTES));
        let params = params.map_err(|_| KeystoreError::Cost)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password, salt, key.as_mut())
            .map_err(|_| KeystoreError::Cost)?;
        Ok(key)
    }
}

/// What encrypts a secret, but for the password.
#[derive(Debug)]
pub(crate) struct Sealing<'a> {
    pub(crate) derivation: KeyDerivation,
    pub(crate) salt: [u8; SALT_BYTES],
    pub(crate) nonce: [u8; NONCE_BYTES],
    /// What is authenticated with the secret, and not encrypted.
    pub(crate) public: &'a [u8],
}

impl Sealing<'_> {
    fn cipher(&self, password: &[u8]) -> Result<XChaCha20Poly1305, KeystoreError> {
        let key = self.derivation.derive(password, &self.salt)?;
        Ok(XChaCha20Poly1305::new(&(*key).into()))
    }

    pub(crate) fn encrypt(
        &self,
        secret: &[u8; KEY_BYTES],
        password: &[u8],
    ) -> Result<Vec<u8>, KeystoreError> {
        let payload = Payload {
            msg: secret,
            aad: self.public,
        };
        let encrypted = self.cipher(password)?.encrypt(&self.nonce.into(), payload);
        Ok(encrypted.expect("32 bytes are not too many to encrypt"))
    }

    /// The secret, or `None` if the password is another one.
    pub(crate) fn decrypt(
        &self,
        encrypted: &[u8],
        password: &[u8],
    ) -> Result<Option<Zeroizing<[u8; KEY_BYTES]>>, KeystoreError> {
        let payload = Payload {
            msg: encrypted,
            aad: self.public,
        };
        let decrypted = self.cipher(password)?.decrypt(&self.nonce.into(), payload);
        let decrypted = decrypted.ok().map(Zeroizing::new);
        Ok(decrypted.and_then(|secret| secret.as_slice().try_into().ok().map(Zeroizing::new)))
    }
}
