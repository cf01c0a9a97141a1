//! Secret keys: they sign, and are erased from memory when they are dropped.

use std::fmt;

use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use fusee_crypto::{ED25519_KEY_BYTES, sha256};
use k256::ecdsa::signature::hazmat::PrehashSigner;
use zeroize::Zeroizing;

use crate::{Authorization, KeyError, PublicKey, TransactionId};

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// The secret key of an account. Passkeys have none here: it never leaves their authenticator.
///
/// `Debug` does not print the secret.
#[derive(Clone)]
pub struct SecretKey(Kind);

#[derive(Clone)]
enum Kind {
    Development(String, Zeroizing<[u8; SECRET_BYTES]>),
    Ed25519(Zeroizing<[u8; SECRET_BYTES]>),
    // It erases itself.
    Secp256k1(Box<k256::ecdsa::SigningKey>),
}

impl SecretKey {
    /// An Ed25519 key of any 32 bytes, by RFC 8032.
    #[must_use]
    pub fn ed25519(secret: [u8; SECRET_BYTES]) -> Self {
        Self(Kind::Ed25519(Zeroizing::new(secret)))
    }

    /// A secp256k1 key of a number, big-endian.
    ///
    /// # Errors
    ///
    /// [`KeyError::OutOfRange`] if the number is 0, or not below the order of the curve.
    pub fn secp256k1(secret: [u8; SECRET_BYTES]) -> Result<Self, KeyError> {
        let secret = Zeroizing::new(secret);
        let key = k256::ecdsa::SigningKey::from_slice(secret.as_slice());
        let key = key.map_err(|_| KeyError::OutOfRange)?;
        Ok(Self(Kind::Secp256k1(Box::new(key))))
    }

    /// The key of a development account: its secret is SHA-256 of a tag and the name, so everybody
    /// has it.
    #[must_use]
    pub fn development(name: &str) -> Self {
        let bytes = [b"fusee development key".as_slice(), name.as_bytes()].concat();
        let secret = Zeroizing::new(sha256(&bytes));
        Self(Kind::Development(name.to_owned(), secret))
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        match &self.0 {
            Kind::Development(name, _) => PublicKey::Development(name.clone()),
            Kind::Ed25519(secret) => PublicKey::Ed25519(ed25519_key(secret)),
            Kind::Secp256k1(key) => PublicKey::Secp256k1(secp256k1_key(key)),
        }
    }

    /// The secret, to keep it somewhere else. `None` for a development account, whose name is all
    /// there is to keep.
    #[must_use]
    pub fn to_bytes(&self) -> Option<Zeroizing<[u8; SECRET_BYTES]>> {
        match &self.0 {
            Kind::Development(..) => None,
            Kind::Ed25519(secret) => Some(secret.clone()),
            Kind::Secp256k1(key) => Some(Zeroizing::new(key.to_bytes().into())),
        }
    }

    /// Signs a transaction. Signatures are deterministic: the same key and id have the same one.
    #[must_use]
    pub fn sign(&self, id: &TransactionId) -> Authorization {
        let ed25519 = |secret: &Zeroizing<_>| signing_key(secret).sign(id.as_bytes()).to_bytes();
        match &self.0 {
            Kind::Development(name, secret) => Authorization::Development {
                name: name.clone(),
                signature: ed25519(secret),
            },
            Kind::Ed25519(secret) => Authorization::Ed25519 {
                public_key: ed25519_key(secret),
                signature: ed25519(secret),
            },
            Kind::Secp256k1(key) => {
                let signature: k256::ecdsa::Signature = key
                    .sign_prehash(id.as_bytes())
                    .expect("a digest of 32 bytes is long enough for the curve");
                Authorization::Secp256k1 {
                    public_key: secp256k1_key(key),
                    signature: signature.normalize_s().to_bytes().into(),
                }
            }
        }
    }

    /// The Ed25519 key, if the scheme signs by one.
    pub(crate) fn ed25519_key(&self) -> Option<[u8; ED25519_KEY_BYTES]> {
        match &self.0 {
            Kind::Development(_, secret) | Kind::Ed25519(secret) => Some(ed25519_key(secret)),
            Kind::Secp256k1(_) => None,
        }
    }
}

fn signing_key(secret: &Zeroizing<[u8; SECRET_BYTES]>) -> SigningKey {
    SigningKey::from(**secret)
}

fn ed25519_key(secret: &Zeroizing<[u8; SECRET_BYTES]>) -> [u8; ED25519_KEY_BYTES] {
    VerificationKeyBytes::from(&signing_key(secret)).into()
}

fn secp256k1_key(key: &k256::ecdsa::SigningKey) -> [u8; crate::key::SEC1_KEY_BYTES] {
    let point = key.verifying_key().to_sec1_point(true);
    point
        .as_bytes()
        .try_into()
        .expect("a compressed point has 33 bytes")
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("SecretKey")
            .field(&self.public_key())
            .finish()
    }
}
