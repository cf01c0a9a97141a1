//! What a transaction has changed so far: state and events, undone together.

use std::{collections::BTreeMap, sync::Arc};

use fusee_state::{Checkpoint, Diff, Journal, StateReader};
use fusee_virtualization::Names;

use crate::{Account, Address, ContractError, Event, keys};

/// The changes of a transaction. They travel from frame to frame: whoever runs has them.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) journal: Journal,
    pub(crate) events: Vec<Event>,
    /// What each contract keeps its children's programs under: a contract that runs has its names with it.
    names: BTreeMap<Address, Names>,
    /// Whose names became more, and how many there were before.
    named: Vec<(Address, usize)>,
}

/// A mark to which changes can be undone.
#[derive(Debug)]
pub(crate) struct Mark {
    checkpoint: Checkpoint,
    events: usize,
    named: usize,
}

impl Changes {
    /// None yet.
    pub(crate) fn new(state: Arc<dyn StateReader>) -> Self {
        Self {
            journal: Journal::new(state),
            events: Vec::new(),
            names: BTreeMap::new(),
            named: Vec::new(),
        }
    }

    /// What is written, and the events.
    pub(crate) fn into_parts(self) -> Result<(Diff, Vec<Event>), ContractError> {
        Ok((self.journal.into_diff()?, self.events))
    }

    /// The names of a contract, while it runs.
    pub(crate) fn take_names(&mut self, contract: Address) -> Names {
        self.names.remove(&contract).unwrap_or_default()
    }

    /// The names of a contract that has run. Before, there were so many.
    pub(crate) fn put_names(&mut self, contract: Address, names: Names, before: usize) {
        self.names.insert(contract, names);
        self.named.push((contract, before));
    }

    pub(crate) fn mark(&mut self) -> Mark {
        Mark {
            checkpoint: self.journal.checkpoint(),
            events: self.events.len(),
            named: self.named.len(),
        }
    }

    pub(crate) fn keep(&mut self, mark: Mark) {
        self.journal.commit(mark.checkpoint);
    }

    pub(crate) fn undo(&mut self, mark: Mark) {
        self.journal.revert(mark.checkpoint);
        self.events.truncate(mark.events);
        while self.named.len() > mark.named {
            if let Some((contract, before)) = self.named.pop()
                && let Some(names) = self.names.get_mut(&contract)
            {
                names.undo(before);
            }
        }
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
