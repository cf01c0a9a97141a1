//! Authorizations: a public key and a signature of a transaction's id, by scheme.

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_crypto::{
    ED25519_KEY_BYTES, SIGNATURE_BYTES, verify_ed25519, verify_low_s_secp256r1, verify_secp256k1,
};

use crate::{
    Invalid, PublicKey, Role, Scheme, SecretKey, TransactionId, key::SEC1_KEY_BYTES, webauthn,
};

/// How an account authorizes a transaction. The numbers of the encoding are those of [`Scheme`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum Authorization {
    /// By the Ed25519 key of a development account, which follows from its name.
    Development {
        /// The name of the account.
        name: String,
        /// The signature of the id.
        signature: [u8; SIGNATURE_BYTES],
    } = 0,
    /// By an Ed25519 key.
    Ed25519 {
        /// The public key.
        public_key: [u8; ED25519_KEY_BYTES],
        /// The signature of the id.
        signature: [u8; SIGNATURE_BYTES],
    } = 1,
    /// By a secp256k1 key.
    Secp256k1 {
        /// The public key: a compressed point.
        public_key: [u8; SEC1_KEY_BYTES],
        /// The signature of the id as a digest: `r`, then the lower `s`, big-endian.
        signature: [u8; SIGNATURE_BYTES],
    } = 2,
    /// By a passkey: a WebAuthn assertion whose challenge is the id.
    WebAuthn {
        /// The public key: a compressed point of secp256r1.
        public_key: [u8; SEC1_KEY_BYTES],
        /// The signature of authenticator data and client data: `r`, then the lower `s`.
        signature: [u8; SIGNATURE_BYTES],
        /// The authenticator data.
        authenticator_data: Vec<u8>,
        /// The client data: JSON.
        client_data: Vec<u8>,
    } = 3,
}

/// The sizes of the parts of a passkey signature that browsers make.
const WEBAUTHN_BYTES: (usize, usize) = (37, 134);

impl Authorization {
    /// An authorization by a key whose signature is not valid, and has the size of a valid one: to
    /// [simulate](crate::Ledger::simulating) a transaction before it is signed.
    #[must_use]
    pub fn unsigned(key: &PublicKey) -> Self {
        let signature = [0; SIGNATURE_BYTES];
        match key {
            PublicKey::Development(name) => Self::Development {
                name: name.clone(),
                signature,
            },
            PublicKey::Ed25519(public_key) => Self::Ed25519 {
                public_key: *public_key,
                signature,
            },
            PublicKey::Secp256k1(public_key) => Self::Secp256k1 {
                public_key: *public_key,
                signature,
            },
            PublicKey::WebAuthn(public_key) => Self::WebAuthn {
                public_key: *public_key,
                signature,
                authenticator_data: vec![0; WEBAUTHN_BYTES.0],
                client_data: vec![0; WEBAUTHN_BYTES.1],
            },
        }
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        match self {
            Authorization::Development { .. } => Scheme::Development,
            Authorization::Ed25519 { .. } => Scheme::Ed25519,
            Authorization::Secp256k1 { .. } => Scheme::Secp256k1,
            Authorization::WebAuthn { .. } => Scheme::WebAuthn,
        }
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        match self {
            Authorization::Development { name, .. } => PublicKey::Development(name.clone()),
            Authorization::Ed25519 { public_key, .. } => PublicKey::Ed25519(*public_key),
            Authorization::Secp256k1 { public_key, .. } => PublicKey::Secp256k1(*public_key),
            Authorization::WebAuthn { public_key, .. } => PublicKey::WebAuthn(*public_key),
        }
    }

    /// What of it is verified as an Ed25519 signature, alone or in a batch. `None` if the scheme is
    /// another one.
    pub(crate) fn ed25519(&self) -> Option<([u8; ED25519_KEY_BYTES], &[u8; SIGNATURE_BYTES])> {
        match self {
            Authorization::Development { name, signature } => {
                let key = SecretKey::development(name).ed25519_key()?;
                Some((key, signature))
            }
            Authorization::Ed25519 {
                public_key,
                signature,
            } => Some((*public_key, signature)),
            Authorization::Secp256k1 { .. } | Authorization::WebAuthn { .. } => None,
        }
    }

    /// Verifies the signature alone.
    pub(crate) fn verify_alone(&self, role: Role, id: &TransactionId) -> Result<(), Invalid> {
        let is_valid = match self {
            Authorization::Development { .. } | Authorization::Ed25519 { .. } => {
                self.ed25519().is_some_and(|(public_key, signature)| {
                    verify_ed25519(&public_key, signature, id.as_bytes())
                })
            }
            Authorization::Secp256k1 {
                public_key,
                signature,
            } => verify_secp256k1(public_key, signature, id.as_bytes()),
            Authorization::WebAuthn {
                public_key,
                signature,
                authenticator_data,
                client_data,
            } => {
                let digest = webauthn::signed_digest(authenticator_data, client_data, id)
                    .map_err(|fault| Invalid::WebAuthn { role, fault })?;
                verify_low_s_secp256r1(public_key, signature, &digest)
            }
        };
        match is_valid {
            true => Ok(()),
            false => Err(Invalid::WrongSignature {
                role,
                scheme: self.scheme(),
            }),
        }
    }
}
