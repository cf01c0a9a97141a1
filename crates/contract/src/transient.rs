//! Transient storage: key-value spaces of contracts that last for one transaction.
//!
//! Invariant: reverting to a checkpoint restores the entries at that checkpoint, and their size.

use std::sync::Arc;

use fusee_state::{Checkpoint, Journal, MemoryState, Value};

use crate::{Address, deposit::Deposit};

/// The transient storage of all contracts in a transaction: a journal without a base, which nothing
/// is ever read from.
#[derive(Debug)]
pub(crate) struct Transient {
    /// Boxed, because changes are moved with each call, and few have any of these.
    journal: Box<Journal>,
    /// The size of all entries in bytes, as the limit counts them.
    bytes: u64,
}

/// A position in the transient storage, to be committed or reverted.
#[derive(Debug)]
pub(crate) struct TransientCheckpoint {
    journal: Checkpoint,
    bytes: u64,
}

impl Transient {
    pub(crate) fn new() -> Self {
        Self {
            journal: Box::new(Journal::new(Arc::new(MemoryState::new()))),
            bytes: 0,
        }
    }

    /// The value under a contract's key.
    pub(crate) fn read(&self, address: Address, key: &[u8]) -> Option<Value> {
        self.journal.changed(&full(address, key))?.cloned()
    }

    /// Stores a value under a contract's key. Returns false, and stores nothing, if the entries
    /// would then be larger than `most` bytes.
    pub(crate) fn write(&mut self, address: Address, key: &[u8], value: &[u8], most: u32) -> bool {
        let before = self.entry_bytes(address, key);
        let rest = self.bytes.saturating_sub(before);
        let bytes = rest.saturating_add(Deposit::entry_bytes(key, value));
        if bytes > most.into() {
            return false;
        }
        self.bytes = bytes;
        self.journal.write(full(address, key), value);
        true
    }

    /// Removes the value under a contract's key. The journal keeps the key, which still counts.
    pub(crate) fn remove(&mut self, address: Address, key: &[u8]) {
        if let Some(value) = self.read(address, key) {
            self.bytes = self.bytes.saturating_sub(length(&value));
            self.journal.remove(full(address, key));
        }
    }

    pub(crate) fn checkpoint(&mut self) -> TransientCheckpoint {
        TransientCheckpoint {
            journal: self.journal.checkpoint(),
            bytes: self.bytes,
        }
    }

    pub(crate) fn commit(&mut self, checkpoint: TransientCheckpoint) {
        self.journal.commit(checkpoint.journal);
    }

    pub(crate) fn revert(&mut self, checkpoint: TransientCheckpoint) {
        let TransientCheckpoint { journal, bytes } = checkpoint;
        self.journal.revert(journal);
        self.bytes = bytes;
    }

    /// The size of the entry under a key; 0 if there never was one.
    fn entry_bytes(&self, address: Address, key: &[u8]) -> u64 {
        match self.journal.changed(&full(address, key)) {
            None => 0,
            Some(None) => Deposit::entry_bytes(key, &[]),
            Some(Some(value)) => Deposit::entry_bytes(key, value),
        }
    }
}

/// The key of a contract's key in the storage of all contracts.
fn full(address: Address, key: &[u8]) -> Vec<u8> {
    [address.as_bytes(), key].concat()
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
