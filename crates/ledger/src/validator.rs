//! Validators: who agrees on the blocks of a chain that a consensus engine drives.
//!
//! They are a list in the [parameters](crate::Parameters), so genesis names the first ones, and the
//! call that updates parameters changes them: a list of authorities, or a contract with stake. The
//! checks are those without which an engine would halt: CometBFT's.

use std::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::Address;
use thiserror::Error;

/// The greatest number of entries.
pub const MAX_VALIDATORS: usize = 1_000;

/// The greatest voting power of all validators together: 2^60 - 1, as in CometBFT.
pub const MAX_VOTING_POWER: u64 = (1 << 60) - 1;

/// An entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// The Ed25519 key that votes.
    pub key: [u8; 32],
    /// The voting power. 0: it does not vote (any more), and is listed for its account, since an
    /// engine may let it propose for two more blocks.
    pub power: u64,
    /// The account that is the proposer of its blocks.
    pub account: Address,
}

/// A list that no chain can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ValidatorsError {
    /// There are too many entries.
    #[error("there are {count} entries, at most {MAX_VALIDATORS} are admitted")]
    TooMany {
        /// Their number.
        count: usize,
    },
    /// Two entries have the same key.
    #[error("the key of entry {index} is that of an entry before it")]
    Duplicate {
        /// The index of the later one.
        index: usize,
    },
    /// Nobody could decide about a block.
    #[error("no entry has voting power")]
    NoPower,
    /// The powers are too large together.
    #[error("the voting powers up to entry {index} exceed 2^60 - 1 together")]
    TooMuchPower {
        /// The index of the entry that is too much.
        index: usize,
    },
}

/// Checks that a chain can have a list of validators, which may be empty.
pub(crate) fn check(validators: &[Validator]) -> Result<(), ValidatorsError> {
    let count = validators.len();
    if count > MAX_VALIDATORS {
        return Err(ValidatorsError::TooMany { count });
    }
    let mut keys = BTreeSet::new();
    let mut total = 0_u64;
    for (index, validator) in validators.iter().enumerate() {
        if !keys.insert(validator.key) {
            return Err(ValidatorsError::Duplicate { index });
        }
        total = total.saturating_add(validator.power);
        if total > MAX_VOTING_POWER {
            return Err(ValidatorsError::TooMuchPower { index });
        }
    }
    match total == 0 && count > 0 {
        true => Err(ValidatorsError::NoPower),
        false => Ok(()),
    }
}
