//! The journal: every change a call makes, in a form that can be undone.
//!
//! Invariant: reverting to a checkpoint restores exactly the state at that checkpoint.
//! Invariant: the diff depends only on the base and on the state in the end, not on the way there.
//!
//! The journal never reads the disk; its [`StateReader`] does. It keeps no copy of what it read.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::mem;
use std::sync::Arc;

use crate::{Diff, StateError, StateReader};

/// Changes on top of a base that stays as it is.
///
/// Checkpoints nest: the one opened last is ended first, by [`commit`](Journal::commit) or by
/// [`revert`](Journal::revert).
///
/// A journal holds the current value of every changed key and, for each open checkpoint, at most
/// one earlier value of each key. So writing one key over and over does not make it grow.
///
/// ```
/// use std::sync::Arc;
///
/// use fusee_state::{Journal, MemoryState, StateError};
///
/// # fn main() -> Result<(), StateError> {
/// let mut journal = Journal::new(Arc::new(MemoryState::new()));
/// journal.write(b"a".to_vec(), b"caller".to_vec());
/// let call = journal.checkpoint();
/// journal.write(b"a".to_vec(), b"callee".to_vec());
/// journal.revert(call);
/// assert_eq!(journal.read(b"a")?, Some(b"caller".to_vec()));
/// assert_eq!(journal.into_diff()?.len(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Journal {
    base: Arc<dyn StateReader>,
    overlay: BTreeMap<Vec<u8>, Change>,
    open: Vec<Layer>,
}

/// What the overlay says of a key: a new value, or `None` for a removed one.
type Change = Option<Vec<u8>>;

/// How to undo what happened since a checkpoint: the overlay's entry at the checkpoint for each key
/// changed since, or `None` where it had none.
type Layer = BTreeMap<Vec<u8>, Option<Change>>;

/// A mark in a [`Journal`], to be committed or reverted exactly once, the newest first.
///
/// Belongs to the journal that made it, which panics if it is given one out of turn. Dropping a
/// checkpoint does not end it: only a journal that is itself dropped may leave one open.
#[derive(Debug)]
#[must_use = "a checkpoint is ended by Journal::commit or Journal::revert"]
pub struct Checkpoint {
    /// How many checkpoints are open around it. While it lives, so does its layer; so no other
    /// living checkpoint of its journal has this depth.
    depth: usize,
}

impl Journal {
    /// A journal without changes on top of `base`.
    pub fn new(base: Arc<dyn StateReader>) -> Self {
        Self {
            base,
            overlay: BTreeMap::new(),
            open: Vec::new(),
        }
    }

    /// The value under `key` as of now, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the key is unchanged and the base cannot be read.
    pub fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        match self.overlay.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.read(key),
        }
    }

    /// Puts `value` under `key`.
    pub fn write(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.change(key, Some(value));
    }

    /// Takes `key` out of the state. Nothing happens if it is not in it.
    pub fn remove(&mut self, key: Vec<u8>) {
        self.change(key, None);
    }

    /// Opens a checkpoint inside those that are open.
    pub fn checkpoint(&mut self) -> Checkpoint {
        let depth = self.open.len();
        self.open.push(Layer::new());
        Checkpoint { depth }
    }

    /// Keeps what changed since `checkpoint`; the checkpoint around it, if any, can still undo it.
    ///
    /// # Panics
    ///
    /// If `checkpoint` is not the newest open checkpoint of this journal: a bug in the caller.
    pub fn commit(&mut self, checkpoint: Checkpoint) {
        let mut inner = self.close(checkpoint);
        let Some(outer) = self.open.last_mut() else {
            return;
        };
        // The outer layer's entries are older and prevail. The smaller map moves into the larger:
        // else a change made at the bottom of deep calls would move once a level, and cost far
        // more than the gas that paid for it.
        if inner.len() <= outer.len() {
            for (key, before) in inner {
                outer.entry(key).or_insert(before);
            }
        } else {
            for (key, before) in mem::take(outer) {
                inner.insert(key, before);
            }
            *outer = inner;
        }
    }

    /// Undoes what changed since `checkpoint`.
    ///
    /// # Panics
    ///
    /// If `checkpoint` is not the newest open checkpoint of this journal: a bug in the caller.
    pub fn revert(&mut self, checkpoint: Checkpoint) {
        for (key, before) in self.close(checkpoint) {
            match before {
                Some(change) => self.overlay.insert(key, change),
                None => self.overlay.remove(&key),
            };
        }
    }

    /// What all changes amount to.
    ///
    /// A key whose value is in the end what the base says is not in the diff, however often it
    /// was written. To know that, this reads the base once for each changed key.
    ///
    /// # Errors
    ///
    /// If the base cannot be read.
    ///
    /// # Panics
    ///
    /// If a checkpoint is still open, for then it is undecided what the changes are.
    pub fn into_diff(self) -> Result<Diff, StateError> {
        assert!(
            self.open.is_empty(),
            "a diff is taken while a checkpoint is open"
        );
        let mut changes = Vec::with_capacity(self.overlay.len());
        for (key, change) in self.overlay {
            if self.base.read(&key)? != change {
                changes.push((key, change));
            }
        }
        Ok(changes.into_iter().collect())
    }

    fn change(&mut self, key: Vec<u8>, change: Change) {
        let Some(layer) = self.open.last_mut() else {
            self.overlay.insert(key, change);
            return;
        };
        match layer.entry(key) {
            Entry::Occupied(known) => {
                self.overlay.insert(known.key().clone(), change);
            }
            Entry::Vacant(unknown) => {
                let before = self.overlay.insert(unknown.key().clone(), change);
                unknown.insert(before);
            }
        }
    }

    fn close(&mut self, checkpoint: Checkpoint) -> Layer {
        let newest = self.open.pop();
        newest
            .filter(|_| self.open.len() == checkpoint.depth)
            .expect("a checkpoint is ended out of turn")
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("changed", &self.overlay.len())
            .field("checkpoints", &self.open.len())
            .finish_non_exhaustive()
    }
}
