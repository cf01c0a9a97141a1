//! Errors: faults of the host. What a transaction can cause is in its receipt.

use fusee_executor::{PrepareError, RunError};
use fusee_state::StateError;
use fusee_virtualization::VirtualizationError;
use thiserror::Error;

use crate::{AccountField, Address, EncodingError};

/// A fault of the host: no receipt comes of it, and nothing changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ContractError {
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state holds something else under a key of an account.
    #[error("the state holds no valid {} of {address}", field.name())]
    CorruptAccount {
        /// The account's address.
        address: Address,
        /// What should be there.
        field: AccountField,
        /// What is wrong with it.
        source: EncodingError,
    },
    /// The state names code that it does not hold.
    #[error("the state holds no code for the contract at {address}")]
    MissingCode {
        /// The contract.
        address: Address,
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

impl From<VirtualizationError> for ContractError {
    fn from(error: VirtualizationError) -> Self {
        match error {
            VirtualizationError::Prepare(error) => error.into(),
            VirtualizationError::Run(error) => error.into(),
            error => Self::Child(error),
        }
    }
}
