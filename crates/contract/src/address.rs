//! Addresses: 32 bytes that name an account or a contract.

use std::{fmt, str::FromStr};

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_engine::CodeHash;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The address of an account or a contract. Displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Address([u8; 32]);

/// The error of parsing an address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not an address, which is 64 hexadecimal digits")]
pub struct AddressError {
    text: String,
}

impl Address {
    /// The caller that contracts see in a [`SystemCall`](crate::SystemCall): the text
    /// `fusee system`, then zeros. It has no private key, and no contract can have it: addresses of
    /// keys and contracts are SHA-256 digests.
    pub const SYSTEM: Self = Self(*b"fusee system\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

    /// Creates an address from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The address of the contract that `creator` deploys with its transaction number `nonce`:
    /// SHA-256 of a tag, the creator, the nonce (little-endian) and the code's hash.
    #[must_use]
    pub fn of_contract(creator: Address, nonce: u64, code: CodeHash) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"fusee contract address");
        digest.update(creator.0);
        digest.update(nonce.to_le_bytes());
        digest.update(code.as_bytes());
        Self(digest.finalize().into())
    }

    /// The address of the contract that `creator` deploys by the operation with this index of its
    /// transaction number `nonce`: that [of a contract](Self::of_contract) for the first operation,
    /// otherwise SHA-256 of a tag, the creator, the nonce and the index (little-endian, 8 bytes
    /// each) and the code's hash. So operations that deploy the same code make two contracts.
    #[must_use]
    pub fn of_contract_in_batch(
        creator: Address,
        nonce: u64,
        operation: u64,
        code: CodeHash,
    ) -> Self {
        if operation == 0 {
            return Self::of_contract(creator, nonce, code);
        }
        let mut digest = Sha256::new();
        digest.update(b"fusee batch contract address");
        digest.update(creator.0);
        digest.update(nonce.to_le_bytes());
        digest.update(operation.to_le_bytes());
        digest.update(code.as_bytes());
        Self(digest.finalize().into())
    }

    /// The address of the contract that `creator` deploys with this salt: SHA-256 of a tag, the
    /// creator and the salt. It does not depend on the code, so that it is known before the code
    /// is.
    #[must_use]
    pub fn of_salted_contract(creator: Address, salt: &[u8; 32]) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"fusee salted contract address");
        digest.update(creator.0);
        digest.update(salt);
        Self(digest.finalize().into())
    }

    /// The address of a development account: SHA-256 of a tag and its name. It has no private key.
    #[must_use]
    pub fn of_development_account(name: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"fusee development account");
        digest.update(name.as_bytes());
        Self(digest.finalize().into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let mut bytes = [0; 32];
        match hex::decode_to_slice(digits, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(AddressError {
                text: text.to_owned(),
            }),
        }
    }
}
