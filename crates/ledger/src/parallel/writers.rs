//! The last writers: which transaction wrote a key last, or another key of the same slot.
//!
//! Guarantee: no write is missed. Keys may share a slot, so what a slot says is confirmed by a
//! search for the key itself, and nothing depends on the hash but time.

use std::hash::{DefaultHasher, Hasher};

/// A hash of a key.
pub(super) type Slot = u16;

/// The number of slots. What matters are the last few transactions, so few keys share one.
const SLOTS: u16 = 4096;

/// For each slot, the number of transactions that were committed when it was last written.
#[derive(Debug)]
pub(super) struct Writers {
    committed: Vec<usize>,
}

impl Writers {
    pub(super) fn new() -> Self {
        let committed = vec![0; usize::from(SLOTS)];
        Self { committed }
    }

    /// Notes that the transaction that is the `committed`th one wrote `key`.
    pub(super) fn note(&mut self, key: &[u8], committed: usize) {
        if let Some(last) = self.committed.get_mut(usize::from(slot(key))) {
            *last = committed;
        }
    }

    /// Whether a transaction behind the first `committed` ones may have written a key with this
    /// slot.
    pub(super) fn may_have_written(&self, slot: Slot, committed: usize) -> bool {
        let last = self.committed.get(usize::from(slot));
        last.is_none_or(|last| *last > committed)
    }
}

/// The slot of a key.
pub(super) fn slot(key: &[u8]) -> Slot {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    let [first, second, ..] = hasher.finish().to_le_bytes();
    Slot::from_le_bytes([first, second]) % SLOTS
}
