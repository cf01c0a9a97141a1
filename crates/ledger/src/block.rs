//! Blocks: an ordered list of transactions with a height, a time and a proposer.

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::Address;
use fusee_state::StateReader;
use thiserror::Error;

use crate::{DecodeError, LedgerError, ListRoot, Misbehaviour, keys, list_root, versioned};

/// A block, as its proposer made it. Its transactions are any bytes: whether a block may have them
/// is for [`Ledger::process`](crate::Ledger::process).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// The number of the block.
    pub height: u64,
    /// The time, in milliseconds since the Unix epoch. The driver gives it; nothing here reads a
    /// clock.
    pub time: u64,
    /// The account of the proposer.
    pub proposer: Address,
    /// The encodings of the transactions, in the order of their execution.
    pub transactions: Vec<Vec<u8>>,
    /// What the consensus engine reports of its validators. Empty without one.
    pub misbehaviour: Vec<Misbehaviour>,
}

/// The place of a chain's last block, which is part of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Position {
    /// The height of the last block. After genesis, the one before the initial height.
    pub height: u64,
    /// The time of the last block, or of genesis, in milliseconds since the Unix epoch.
    pub time: u64,
}

/// Why a block is not the one after the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Misplaced {
    /// It has another height.
    #[error("the block has height {found}, the next one has height {expected}")]
    Height {
        /// Its height.
        found: u64,
        /// The height that it has to have.
        expected: u64,
    },
    /// It is earlier than the last one.
    #[error("the block has time {found} ms, the one before has {last} ms: a clock went back")]
    Time {
        /// Its time in milliseconds.
        found: u64,
        /// The time of the last block in milliseconds.
        last: u64,
    },
}

impl Block {
    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(self)
    }

    /// Decodes a block from its canonical encoding.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are malformed or have another version of the encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        versioned::decode(bytes)
    }

    /// The root of the transactions, in the header.
    #[must_use]
    pub fn transactions_root(&self) -> ListRoot {
        list_root(self.transactions.iter().map(Vec::as_slice))
    }
}

impl Position {
    /// Reads the position of a chain.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the state cannot be read, or is not that of a chain.
    pub fn read(state: &dyn StateReader) -> Result<Self, LedgerError> {
        versioned::read(state, "position", &keys::position())?.ok_or(LedgerError::NoChain)
    }

    /// Checks that a block is the next one.
    ///
    /// # Errors
    ///
    /// [`Misplaced`] if it has another height, or is earlier than the last one.
    pub const fn check(&self, height: u64, time: u64) -> Result<(), Misplaced> {
        let expected = self.height.saturating_add(1);
        if height != expected {
            let found = height;
            return Err(Misplaced::Height { found, expected });
        }
        if time < self.time {
            return Err(Misplaced::Time {
                found: time,
                last: self.time,
            });
        }
        Ok(())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        versioned::encode(self)
    }
}
