//! Outcomes, as replays compare them.

use std::error::Error;

use fusee_engine::Gas;
use fusee_state::Diff;
use sha2::{Digest, Sha256};

use crate::{BatchResult, ContractError, Included, IncludedBatch, InvalidBatch, Receipt};

/// The outcome of a capsule's batch or system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapsuleOutcome {
    /// A block can include it.
    Included(CapsuleResult),
    /// No block can include it.
    Invalid(InvalidBatch),
    /// The host failed, for this reason: among others because what is not in the capsule was read.
    Failed(String),
}

/// What a batch or a system call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapsuleResult {
    /// A receipt of each operation that began, in order. A system call has one.
    pub receipts: Vec<Receipt>,
    /// The gas that was used: the overhead, and that of all receipts.
    pub gas_used: Gas,
    /// The fee that the payer has paid, in the smallest unit of balances.
    pub fee: u128,
    /// The digest of the changes.
    pub changes: ChangesDigest,
}

/// The SHA-256 digest of the [encoding](Diff::encode) of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangesDigest([u8; 32]);

impl ChangesDigest {
    /// The digest of changes.
    #[must_use]
    pub fn of(changes: &Diff) -> Self {
        Self(Sha256::digest(changes.encode()).into())
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<&IncludedBatch> for CapsuleResult {
    fn from(included: &IncludedBatch) -> Self {
        Self {
            receipts: included.receipts.clone(),
            gas_used: included.gas_used,
            fee: included.fee,
            changes: ChangesDigest::of(&included.changes),
        }
    }
}

impl From<&Included> for CapsuleResult {
    /// That of a transaction or system call, which has neither overhead nor fee.
    fn from(included: &Included) -> Self {
        Self {
            receipts: vec![included.receipt.clone()],
            gas_used: included.receipt.gas_used,
            fee: 0,
            changes: ChangesDigest::of(&included.changes),
        }
    }
}

impl CapsuleOutcome {
    pub(super) fn of(result: &BatchResult) -> Self {
        match result {
            BatchResult::Included(included) => Self::Included(included.into()),
            BatchResult::Invalid(invalid) => Self::Invalid(*invalid),
        }
    }

    /// The outcome of a run that failed, with the error's causes.
    pub(super) fn failed(error: &ContractError) -> Self {
        let mut messages = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(error) = cause {
            messages.push(error.to_string());
            cause = error.source();
        }
        // An error that is transparent has the message of its cause.
        messages.dedup();
        Self::Failed(messages.join(": "))
    }
}
