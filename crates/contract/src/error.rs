//! Errors: faults of the host. What a transaction can cause is in its receipt.

use fusee_engine::CodeHash;
use fusee_executor::{PrepareError, RunError};
use fusee_state::StateError;
use fusee_virtualization::VirtualizationError;
use thiserror::Error;

use crate::{Address, EncodingError};

/// A fault of the host. The transaction has no receipt, and nothing has changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ContractError {
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state has an invalid value under a key of an account.
    #[error("the state holds no valid {} of {address}", field.name())]
    CorruptAccount {
        /// The account's address.
        address: Address,
        /// The field with the invalid value.
        field: AccountField,
        /// The error of decoding the value.
        source: EncodingError,
    },
    /// An account has a code hash, but the state has no code with this hash.
    #[error("the state holds no code for the contract at {address}")]
    MissingCode {
        /// The contract.
        address: Address,
    },
    /// The state has an invalid value under the key of a code's use.
    #[error("the state holds no valid use of the code {hash}")]
    CorruptCodeUse {
        /// The hash of the code.
        hash: CodeHash,
        /// The error of decoding the value.
        source: EncodingError,
    },
    /// A program could not be prepared.
    #[error("the contract's code could not be prepared")]
    Prepare(#[from] PrepareError),
    /// A program could not be run.
    #[error("the contract could not be run")]
    Run(#[from] RunError),
    /// A nested VM of a contract could not be run.
    #[error("a nested VM of the contract could not be run")]
    Child(#[source] VirtualizationError),
}

/// A field of an account, as errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountField {
    /// The balance.
    Balance,
    /// The nonce.
    Nonce,
    /// The code hash.
    CodeHash,
    /// The bytes of storage under a deposit.
    StoredBytes,
    /// The admin of a contract.
    Admin,
    /// The re-entrancy policy of a contract.
    Reentrancy,
}

impl AccountField {
    /// The name of the field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AccountField::Balance => "balance",
            AccountField::Nonce => "nonce",
            AccountField::CodeHash => "code hash",
            AccountField::StoredBytes => "size of storage",
            AccountField::Admin => "admin",
            AccountField::Reentrancy => "re-entrancy policy",
        }
    }
}

impl From<VirtualizationError> for ContractError {
    fn from(error: VirtualizationError) -> Self {
        match error {
            VirtualizationError::Prepare(error) => error.into(),
            VirtualizationError::Run(error) => error.into(),
            error => Self::Child(error),
        }
    }
}
