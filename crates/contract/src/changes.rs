//! The pending changes of a transaction: state, events and transient storage, reverted together.

use std::sync::Arc;

use fusee_engine::CodeHash;
use fusee_state::{Checkpoint, Diff, Journal, ReadSet, StateReader, Value};

use crate::{
    Address, ContractError, Event,
    account::{self, AccountCode, CodeUse},
    deposit::Deposit,
    encoding,
    events::{Events, EventsCheckpoint},
    keys,
    transient::{Transient, TransientCheckpoint},
};

/// The pending changes of a transaction. The running frame owns them.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) journal: Journal,
    pub(crate) events: Events,
    pub(crate) transient: Transient,
}

/// The final changes of a transaction.
pub(crate) struct Parts {
    pub(crate) diff: Diff,
    pub(crate) reads: ReadSet,
    pub(crate) events: Vec<Event>,
}

/// A checkpoint of all changes, committed or reverted together.
#[derive(Debug)]
pub(crate) struct ChangesCheckpoint {
    journal: Checkpoint,
    events: EventsCheckpoint,
    transient: TransientCheckpoint,
}

impl Changes {
    /// Creates an empty set of changes.
    pub(crate) fn new(state: Arc<dyn StateReader>) -> Self {
        Self {
            journal: Journal::new(state),
            events: Events::default(),
            transient: Transient::new(),
        }
    }

    pub(crate) fn into_parts(self) -> Parts {
        let (diff, reads) = self.journal.into_parts();
        Parts {
            diff,
            reads,
            events: self.events.into_list(),
        }
    }

    pub(crate) fn checkpoint(&mut self) -> ChangesCheckpoint {
        ChangesCheckpoint {
            journal: self.journal.checkpoint(),
            events: self.events.checkpoint(),
            transient: self.transient.checkpoint(),
        }
    }

    pub(crate) fn commit(&mut self, checkpoint: ChangesCheckpoint) {
        self.journal.commit(checkpoint.journal);
        self.transient.commit(checkpoint.transient);
    }

    pub(crate) fn revert(&mut self, checkpoint: ChangesCheckpoint) {
        self.journal.revert(checkpoint.journal);
        self.events.revert(checkpoint.events);
        self.transient.revert(checkpoint.transient);
    }

    pub(crate) fn balance(&mut self, address: Address) -> Result<u128, ContractError> {
        account::decode_balance(address, self.journal.read(&keys::balance(address))?)
    }

    pub(crate) fn set_balance(&mut self, address: Address, balance: u128) {
        self.set(keys::balance(address), account::encode_balance(balance));
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

    /// Stores code under its hash.
    pub(crate) fn store_code(&mut self, hash: CodeHash, code: &[u8]) {
        self.journal.write(keys::code(hash), Value::from(code));
    }

    /// Whether code is stored under a hash. The code is not read.
    pub(crate) fn has_code(&mut self, hash: CodeHash) -> Result<bool, ContractError> {
        Ok(self.journal.read(&keys::code(hash))?.is_some())
    }

    /// Gives a contract code, which is stored or will be.
    pub(crate) fn set_code(&mut self, address: Address, code: AccountCode) {
        let encoded = account::encode_code(code);
        self.journal.write(keys::code_hash(address), encoded);
    }

    /// Who uploaded the code, and how many contracts have it. `None` if it was not uploaded.
    pub(crate) fn code_use(&mut self, hash: CodeHash) -> Result<Option<CodeUse>, ContractError> {
        account::decode_code_use(hash, self.journal.read(&keys::code_use(hash))?)
    }

    pub(crate) fn set_code_use(&mut self, hash: CodeHash, code_use: CodeUse) {
        let encoded = encoding::encode(&code_use);
        self.journal.write(keys::code_use(hash), encoded);
    }

    /// Removes code that no contract has.
    pub(crate) fn remove_code(&mut self, hash: CodeHash) {
        self.journal.remove(keys::code_use(hash));
        self.journal.remove(keys::code(hash));
    }

    /// The admin of a contract.
    pub(crate) fn admin(&mut self, address: Address) -> Result<Option<Address>, ContractError> {
        account::decode_admin(address, self.journal.read(&keys::admin(address))?)
    }

    pub(crate) fn set_admin(&mut self, address: Address, admin: Option<Address>) {
        let encoded = admin.map(|admin| encoding::encode(&admin));
        self.set(keys::admin(address), encoded);
    }

    /// The re-entrancy policy of a contract.
    pub(crate) fn reentrancy(&mut self, address: Address) -> Result<u8, ContractError> {
        account::decode_reentrancy(address, self.journal.read(&keys::reentrancy(address))?)
    }

    pub(crate) fn set_reentrancy(&mut self, address: Address, policy: u8) {
        let encoded = (policy != 0).then(|| encoding::encode(&policy));
        self.set(keys::reentrancy(address), encoded);
    }

    /// Transfers `value` from one address to another. Returns false, and transfers nothing, if the
    /// sender's balance is smaller, without the deposit for its storage. Reads no balance if
    /// `value` is 0.
    pub(crate) fn transfer(
        &mut self,
        from: Address,
        to: Address,
        value: u128,
        deposit: Deposit,
    ) -> Result<bool, ContractError> {
        if value == 0 {
            return Ok(true);
        }
        let held = self.held(from, deposit)?;
        let Some(rest) = self.balance(from)?.checked_sub(value) else {
            return Ok(false);
        };
        if rest < held {
            return Ok(false);
        }
        if from == to {
            return Ok(true);
        }
        // No more than the sum at genesis is ever there, which fits.
        let Some(sum) = self.balance(to)?.checked_add(value) else {
            return Ok(false);
        };
        self.set_balance(from, rest);
        self.set_balance(to, sum);
        Ok(true)
    }

    pub(crate) fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        match value {
            Some(value) => self.journal.write(key, value),
            None => self.journal.remove(key),
        }
    }
}
