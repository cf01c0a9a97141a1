//! The pending changes of a transaction: state and events, reverted together.

use std::sync::Arc;

use fusee_engine::CodeHash;
use fusee_state::{Checkpoint, Diff, Journal, ReadSet, StateReader, Value};

use crate::{
    Address, ContractError, Event,
    account::{self, AccountCode},
    keys,
};

/// The pending changes of a transaction. The running frame owns them.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) journal: Journal,
    pub(crate) events: Vec<Event>,
}

/// The final changes of a transaction.
pub(crate) struct Parts {
    pub(crate) diff: Diff,
    pub(crate) reads: ReadSet,
    pub(crate) events: Vec<Event>,
}

/// A checkpoint of state and events, committed or reverted together.
#[derive(Debug)]
pub(crate) struct ChangesCheckpoint {
    journal: Checkpoint,
    events: usize,
}

impl Changes {
    /// Creates an empty set of changes.
    pub(crate) fn new(state: Arc<dyn StateReader>) -> Self {
        Self {
            journal: Journal::new(state),
            events: Vec::new(),
        }
    }

    pub(crate) fn into_parts(self) -> Parts {
        let (diff, reads) = self.journal.into_parts();
        Parts {
            diff,
            reads,
            events: self.events,
        }
    }

    pub(crate) fn checkpoint(&mut self) -> ChangesCheckpoint {
        ChangesCheckpoint {
            journal: self.journal.checkpoint(),
            events: self.events.len(),
        }
    }

    pub(crate) fn commit(&mut self, checkpoint: ChangesCheckpoint) {
        self.journal.commit(checkpoint.journal);
    }

    pub(crate) fn revert(&mut self, checkpoint: ChangesCheckpoint) {
        self.journal.revert(checkpoint.journal);
        self.events.truncate(checkpoint.events);
    }

    pub(crate) fn balance(&mut self, address: Address) -> Result<u128, ContractError> {
        account::decode_balance(address, self.journal.read(&keys::balance(address))?)
    }

    pub(crate) fn nonce(&mut self, address: Address) -> Result<u64, ContractError> {
        account::decode_nonce(address, self.journal.read(&keys::nonce(address))?)
    }

    pub(crate) fn set_nonce(&mut self, address: Address, nonce: u64) {
        self.set(keys::nonce(address), account::encode_nonce(nonce));
    }

    /// The hash and size of a contract's code, or `None` if the address has no contract.
    pub(crate) fn code(&mut self, address: Address) -> Result<Option<AccountCode>, ContractError> {
        account::decode_code(address, self.journal.read(&keys::code_hash(address))?)
    }

    /// Creates a contract: stores code at an address.
    pub(crate) fn set_code(&mut self, address: Address, hash: CodeHash, code: &[u8]) {
        let bytes = u32::try_from(code.len()).unwrap_or(u32::MAX);
        let encoded = account::encode_code(AccountCode { hash, bytes });
        self.journal.write(keys::code_hash(address), encoded);
        self.journal.write(keys::code(hash), Value::from(code));
    }

    /// Transfers `value` from one address to another. Returns false, and transfers nothing, if the
    /// sender's balance is smaller. Reads no balance if `value` is 0.
    pub(crate) fn transfer(
        &mut self,
        from: Address,
        to: Address,
        value: u128,
    ) -> Result<bool, ContractError> {
        if value == 0 {
            return Ok(true);
        }
        let Some(rest) = self.balance(from)?.checked_sub(value) else {
            return Ok(false);
        };
        if from == to {
            return Ok(true);
        }
        // No more than the sum at genesis is ever there, which fits.
        let Some(sum) = self.balance(to)?.checked_add(value) else {
            return Ok(false);
        };
        self.set(keys::balance(from), account::encode_balance(rest));
        self.set(keys::balance(to), account::encode_balance(sum));
        Ok(true)
    }

    fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        match value {
            Some(value) => self.journal.write(key, value),
            None => self.journal.remove(key),
        }
    }
}
