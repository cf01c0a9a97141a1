//! Public keys by scheme, and the addresses of their accounts.

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::Address;
use fusee_crypto::{ED25519_KEY_BYTES, is_small_order_ed25519, sha256};
use thiserror::Error;

/// Bytes of a compressed point of SEC 1.
pub(crate) const SEC1_KEY_BYTES: usize = 33;

/// A signature scheme. Its number is part of encodings and addresses, and is never used again for
/// another one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Scheme {
    /// A development account: its Ed25519 key follows from its name, so everybody can sign for it.
    /// Only rules of development chains admit it ([`LedgerRules::with_development_accounts`]).
    ///
    /// [`LedgerRules::with_development_accounts`]: crate::LedgerRules::with_development_accounts
    Development = 0,
    /// Ed25519 by the rules of ZIP-215.
    Ed25519 = 1,
    /// ECDSA over secp256k1, with the lower `s`.
    Secp256k1 = 2,
    /// A WebAuthn assertion (passkey) by ECDSA over secp256r1, with the lower `s`.
    WebAuthn = 3,
}

impl Scheme {
    /// All schemes, in the order of their numbers.
    pub const ALL: [Self; 4] = [
        Self::Development,
        Self::Ed25519,
        Self::Secp256k1,
        Self::WebAuthn,
    ];

    /// The number of the scheme in encodings and addresses.
    #[must_use]
    pub const fn tag(self) -> u8 {
        match self {
            Scheme::Development => 0,
            Scheme::Ed25519 => 1,
            Scheme::Secp256k1 => 2,
            Scheme::WebAuthn => 3,
        }
    }

    /// The name of the scheme in texts and in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::Development => "development",
            Scheme::Ed25519 => "ed25519",
            Scheme::Secp256k1 => "secp256k1",
            Scheme::WebAuthn => "webauthn",
        }
    }
}

/// A public key. Its bytes are not checked unless [`PublicKey::check`] is called: whether a
/// signature is valid does not depend on that check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// The name of a development account.
    Development(String),
    /// An Ed25519 key: a point of Curve25519.
    Ed25519([u8; ED25519_KEY_BYTES]),
    /// A compressed point of secp256k1.
    Secp256k1([u8; SEC1_KEY_BYTES]),
    /// A compressed point of secp256r1.
    WebAuthn([u8; SEC1_KEY_BYTES]),
}

/// Why a public key cannot be the key of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Anybody can make valid signatures by this key.
    #[error("the key is a point of small order: anybody can make signatures by it")]
    SmallOrder,
    /// The secret is 0, or not below the order of the curve.
    #[error("the secret key is 0, or not below the order of the curve")]
    OutOfRange,
}

impl PublicKey {
    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        match self {
            PublicKey::Development(_) => Scheme::Development,
            PublicKey::Ed25519(_) => Scheme::Ed25519,
            PublicKey::Secp256k1(_) => Scheme::Secp256k1,
            PublicKey::WebAuthn(_) => Scheme::WebAuthn,
        }
    }

    /// The bytes: of the point, or of the name of a development account.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            PublicKey::Development(name) => name.as_bytes(),
            PublicKey::Ed25519(key) => key,
            PublicKey::Secp256k1(key) | PublicKey::WebAuthn(key) => key,
        }
    }

    /// The address of the key's account: SHA-256 of a tag, the number of the scheme (`u8`) and the
    /// bytes of the key. A development account has the address that follows from its name
    /// ([`Address::of_development_account`]).
    #[must_use]
    pub fn address(&self) -> Address {
        if let PublicKey::Development(name) = self {
            return Address::of_development_account(name);
        }
        let mut bytes = b"fusee account address".to_vec();
        bytes.push(self.scheme().tag());
        bytes.extend(self.as_bytes());
        Address::new(sha256(&bytes))
    }

    /// Checks a key before an account is made of it. It is apart from the verdict of a signature,
    /// so that single and batch verification agree.
    ///
    /// # Errors
    ///
    /// [`KeyError::SmallOrder`] if anybody could sign for the account.
    pub fn check(&self) -> Result<(), KeyError> {
        match self {
            PublicKey::Ed25519(key) if is_small_order_ed25519(key) => Err(KeyError::SmallOrder),
            // The groups of the other curves have a prime order.
            _ => Ok(()),
        }
    }
}
