//! What a transaction has changed so far: state and events, undone together.

use fusee_state::{Checkpoint, Journal};

use crate::{Account, Address, ContractError, Event, keys};

/// The changes of a transaction. They travel from frame to frame: whoever runs has them.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) journal: Journal,
    pub(crate) events: Vec<Event>,
}

/// A mark to which changes can be undone.
#[derive(Debug)]
pub(crate) struct Mark {
    checkpoint: Checkpoint,
    events: usize,
}

impl Changes {
    pub(crate) fn mark(&mut self) -> Mark {
        Mark {
            checkpoint: self.journal.checkpoint(),
            events: self.events.len(),
        }
    }

    pub(crate) fn keep(&mut self, mark: Mark) {
        self.journal.commit(mark.checkpoint);
    }

    pub(crate) fn undo(&mut self, mark: Mark) {
        self.journal.revert(mark.checkpoint);
        self.events.truncate(mark.events);
    }

    pub(crate) fn account(&self, address: Address) -> Result<Account, ContractError> {
        match self.journal.read(&keys::account(address))? {
            Some(bytes) => Account::decode(&bytes)
                .map_err(|source| ContractError::CorruptAccount { address, source }),
            None => Ok(Account::default()),
        }
    }

    pub(crate) fn set_account(&mut self, address: Address, account: &Account) {
        self.journal.write(keys::account(address), account.encode());
    }

    /// Moves `value` from one account to another; false, and nothing moves, if the sender has less.
    pub(crate) fn transfer(
        &mut self,
        from: Address,
        to: Address,
        value: u128,
    ) -> Result<bool, ContractError> {
        let mut sender = self.account(from)?;
        let Some(rest) = sender.balance.checked_sub(value) else {
            return Ok(false);
        };
        if value == 0 || from == to {
            return Ok(true);
        }
        let mut receiver = self.account(to)?;
        // No more than the sum at genesis is ever there, which fits.
        let Some(sum) = receiver.balance.checked_add(value) else {
            return Ok(false);
        };
        sender.balance = rest;
        receiver.balance = sum;
        self.set_account(from, &sender);
        self.set_account(to, &receiver);
        Ok(true)
    }
}
