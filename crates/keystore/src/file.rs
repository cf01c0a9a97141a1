//! The format of a key's file.

use std::path::Path;

use fusee_contract::Address;
use fusee_crypto::sha256;
use fusee_ledger::{PublicKey, Scheme, SecretKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    KeyDerivation, KeystoreError,
    cipher::{NONCE_BYTES, SALT_BYTES, Sealing},
};

/// The version of the format.
pub const FILE_VERSION: u64 = 1;

/// What is known of a key without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The name, which is that of its file.
    pub name: String,
    /// The public key.
    pub public_key: PublicKey,
    /// The address of its account.
    pub address: Address,
}

/// The members in their order, which the checksum covers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    version: u64,
    scheme: String,
    public_key: String,
    address: String,
    argon2id: KeyDerivation,
    salt: String,
    nonce: String,
    /// The secret by XChaCha20-Poly1305.
    encrypted: String,
    /// SHA-256 of the values above as a compact JSON array.
    checksum: String,
}

/// Only the version, which decides how the rest is read.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl KeyFile {
    pub(crate) fn seal(
        key: &SecretKey,
        password: &[u8],
        argon2id: KeyDerivation,
    ) -> Result<Self, KeystoreError> {
        let secret = key.to_bytes().ok_or(KeystoreError::Development)?;
        let public_key = key.public_key();
        let sealing = Sealing {
            derivation: argon2id,
            salt: random::<SALT_BYTES>()?,
            nonce: random::<NONCE_BYTES>()?,
            public: &public_part(&public_key),
        };
        let mut file = Self {
            version: FILE_VERSION,
            scheme: public_key.scheme().name().to_owned(),
            public_key: hex::encode(public_key.as_bytes()),
            address: public_key.address().to_string(),
            argon2id,
            salt: hex::encode(sealing.salt),
            nonce: hex::encode(sealing.nonce),
            encrypted: hex::encode(sealing.encrypt(&secret, password)?),
            checksum: String::new(),
        };
        file.checksum = file.computed_checksum();
        Ok(file)
    }

    pub(crate) fn encode(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("the members are plain");
        text.push('\n');
        text
    }

    pub(crate) fn decode(text: &[u8], path: &Path) -> Result<Self, KeystoreError> {
        let damaged = |what| KeystoreError::Damaged {
            path: path.to_owned(),
            what,
        };
        let Versioned { version } =
            serde_json::from_slice(text).map_err(|_| damaged("it is not the JSON of a key"))?;
        if version != FILE_VERSION {
            return Err(KeystoreError::Version {
                path: path.to_owned(),
                found: version,
                expected: FILE_VERSION,
            });
        }
        let file: Self = serde_json::from_slice(text)
            .map_err(|_| damaged("a member is missing, unknown or malformed"))?;
        match file.checksum == file.computed_checksum() {
            true => Ok(file),
            false => Err(damaged("its checksum is another one")),
        }
    }

    pub(crate) fn public_key(&self, path: &Path) -> Result<PublicKey, KeystoreError> {
        let damaged = |what| KeystoreError::Damaged {
            path: path.to_owned(),
            what,
        };
        let malformed = || damaged("its public key is malformed");
        let bytes = hex::decode(&self.public_key).map_err(|_| malformed())?;
        let mut schemes = Scheme::ALL.into_iter();
        let key = match schemes.find(|scheme| scheme.name() == self.scheme) {
            Some(Scheme::Ed25519) => PublicKey::Ed25519(bytes.try_into().map_err(|_| malformed())?),
            Some(Scheme::Secp256k1) => {
                PublicKey::Secp256k1(bytes.try_into().map_err(|_| malformed())?)
            }
            _ => return Err(damaged("it has no scheme of a key in a file")),
        };
        match key.address().to_string() == self.address {
            true => Ok(key),
            false => Err(damaged("its address is not the one of its public key")),
        }
    }

    pub(crate) fn unseal(&self, password: &[u8], path: &Path) -> Result<SecretKey, KeystoreError> {
        let damaged = |what| KeystoreError::Damaged {
            path: path.to_owned(),
            what,
        };
        let public_key = self.public_key(path)?;
        let sealing = Sealing {
            derivation: self.argon2id,
            salt: fixed(&self.salt).ok_or_else(|| damaged("its salt is malformed"))?,
            nonce: fixed(&self.nonce).ok_or_else(|| damaged("its nonce is malformed"))?,
            public: &public_part(&public_key),
        };
        let encrypted = hex::decode(&self.encrypted);
        let encrypted = encrypted.map_err(|_| damaged("its secret is malformed"))?;
        let wrong = || KeystoreError::WrongPassword {
            path: path.to_owned(),
        };
        let secret: Zeroizing<_> = sealing.decrypt(&encrypted, password)?.ok_or_else(wrong)?;
        let key = match public_key.scheme() {
            Scheme::Secp256k1 => SecretKey::secp256k1(*secret)
                .map_err(|_| damaged("its secret is not one of its scheme"))?,
            _ => SecretKey::ed25519(*secret),
        };
        match key.public_key() == public_key {
            true => Ok(key),
            false => Err(damaged("its secret is not the one of its public key")),
        }
    }

    fn computed_checksum(&self) -> String {
        let Self {
            version,
            scheme,
            public_key,
            address,
            argon2id,
            salt,
            nonce,
            encrypted,
            checksum: _,
        } = self;
        let members = (
            version, scheme, public_key, address, argon2id, salt, nonce, encrypted,
        );
        let text = serde_json::to_vec(&members).expect("the members are plain");
        hex::encode(sha256(&text))
    }
}

/// What is authenticated with a secret: format, scheme and public key.
fn public_part(key: &PublicKey) -> Vec<u8> {
    let mut bytes = b"fusee key 1".to_vec();
    bytes.push(key.scheme().tag());
    bytes.extend(key.as_bytes());
    bytes
}

fn fixed<const N: usize>(digits: &str) -> Option<[u8; N]> {
    hex::decode(digits).ok()?.try_into().ok()
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], KeystoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| KeystoreError::Randomness)?;
    Ok(bytes)
}
