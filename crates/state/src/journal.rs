//! The journal: the reads and writes of a transaction, with checkpoints.
//!
//! Invariant: reverting to a checkpoint restores exactly the values at that checkpoint.
//! Invariant: the diff is the last value of each key whose write was not reverted. It does not
//! depend on the base: a write of the base's value is in the diff.
//! Invariant: the read set is every key that was read from the base, and every range in which it
//! was searched. Reverting does not remove reads, because the later execution depends on them.
//!
//! The journal does not access the disk. Its [`StateReader`] may, at most once for each key that is
//! not peeked at. A write never reads.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::mem;
use std::sync::Arc;

use crate::ranges::after;
use crate::reads::BaseValue;
use crate::{Diff, Direction, KeyRange, ReadSet, StateError, StateReader, Value};

/// Changes on top of an unchanging base, and a record of reads from the base.
///
/// Checkpoints nest: the newest is closed first, by [`commit`](Journal::commit) or
/// [`revert`](Journal::revert).
///
/// A journal holds the current value of every changed key, the value of every key read from the
/// base and, for each open checkpoint, at most one earlier value of each key. Repeated accesses of
/// one key do not increase its size.
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
/// assert_eq!(journal.read(b"a")?.as_deref(), Some(b"caller".as_slice()));
/// journal.read(b"b")?;
///
/// let (changes, reads) = journal.into_parts();
/// assert_eq!(changes.len(), 1);
/// assert!(reads.iter().eq([b"b"]), "`a` was written before it was read");
/// # Ok(())
/// # }
/// ```
pub struct Journal {
    base: Arc<dyn StateReader>,
    changes: BTreeMap<Vec<u8>, Change>,
    reads: ReadSet,
    open: Vec<Layer>,
}

/// The new value of a key, or `None` if the key is removed.
type Change = Option<Value>;

/// The undo log of a checkpoint: for each key changed since, its change at the checkpoint, or
/// `None` if the key was unchanged.
type Layer = BTreeMap<Vec<u8>, Option<Change>>;

/// A position in a [`Journal`], to be committed or reverted exactly once, the newest first.
///
/// A checkpoint belongs to the journal that created it. The journal panics if it receives one out
/// of order. Dropping a checkpoint does not close it: only a journal that is itself dropped may
/// leave one open.
#[derive(Debug)]
#[must_use = "close a checkpoint with Journal::commit or Journal::revert"]
pub struct Checkpoint {
    /// The number of checkpoints around it. While it is open, no other open checkpoint of its
    /// journal has this depth.
    depth: usize,
}

/// A key that a search has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The first key of the range with a value.
    Entry(Vec<u8>, Value),
    /// A key that the transaction has removed. The search goes on behind it.
    Removed(Vec<u8>),
}

impl Journal {
    /// Creates a journal without changes on top of `base`.
    pub fn new(base: Arc<dyn StateReader>) -> Self {
        Self {
            base,
            changes: BTreeMap::new(),
            reads: ReadSet::default(),
            open: Vec::new(),
        }
    }

    /// The current value under `key`, or `None` if there is none.
    ///
    /// The first read of an unchanged key reads the base and adds the key to the read set.
    ///
    /// # Errors
    ///
    /// If the key is unchanged and the base cannot be read.
    pub fn read(&mut self, key: &[u8]) -> Result<Option<Value>, StateError> {
        if let Some(change) = self.changes.get(key) {
            return Ok(change.clone());
        }
        if let Some(BaseValue::Known(value)) = self.reads.value(key) {
            return Ok(value.clone());
        }
        let value = self.base.read(key)?;
        self.reads
            .insert(key.to_vec(), BaseValue::Known(value.clone()));
        Ok(value)
    }

    /// The current value under `key`, as [`read`](Self::read) returns it, but records nothing: for
    /// an observer, on which nothing depends. The first read may then be another one of the base.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn peek(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        if let Some(change) = self.changes.get(key) {
            return Ok(change.clone());
        }
        match self.reads.value(key) {
            Some(BaseValue::Known(value)) => Ok(value.clone()),
            Some(BaseValue::Unknown) | None => self.base.read(key),
        }
    }

    /// Searches a range for its first key in a direction, by one step: to an entry, or to a key
    /// that was removed, so that the caller can charge for each. `None` if there is neither.
    ///
    /// Searches the base as far as that key, and adds what it searched to the read set.
    ///
    /// # Errors
    ///
    /// If the base cannot be read.
    pub fn step(
        &mut self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<Step>, StateError> {
        let mut changes = self.changes.range::<[u8], _>(range.bounds());
        let changed = match direction {
            Direction::Ascending => changes.next(),
            Direction::Descending => changes.next_back(),
        };
        let (mut start, mut end) = (range.start().to_vec(), range.end().to_vec());
        // What is behind the changed key does not matter.
        match (changed, direction) {
            (None, _) => {}
            (Some((key, _)), Direction::Ascending) => end.clone_from(key),
            (Some((key, _)), Direction::Descending) => start = after(key),
        }
        let found = self.base.seek(KeyRange::new(&start, &end), direction)?;
        let step = match (&found, changed) {
            (Some((key, value)), _) => Some(Step::Entry(key.clone(), Value::clone(value))),
            (None, Some((key, Some(value)))) => Some(Step::Entry(key.clone(), value.clone())),
            (None, Some((key, None))) => Some(Step::Removed(key.clone())),
            (None, None) => None,
        };
        if let Some((key, value)) = found {
            match direction {
                Direction::Ascending => end = after(&key),
                Direction::Descending => start.clone_from(&key),
            }
            self.reads.insert(key, BaseValue::Known(Some(value)));
        }
        self.reads.insert_range(start, end);
        Ok(step)
    }

    /// The current value under `key` if it was changed: `Some(None)` if it was removed. `None` if
    /// it was not changed. Does not read the base, and records nothing.
    pub fn changed(&self, key: &[u8]) -> Option<Option<&Value>> {
        self.changes.get(key).map(Option::as_ref)
    }

    /// Records a read of `key` without reading it, for a caller that has the value in a cache. So
    /// the read set does not depend on caches.
    pub fn record_read(&mut self, key: &[u8]) {
        if !self.changes.contains_key(key) && !self.reads.contains(key) {
            self.reads.insert(key.to_vec(), BaseValue::Unknown);
        }
    }

    /// Writes `value` under `key`. Does not read the old value.
    pub fn write(&mut self, key: Vec<u8>, value: impl Into<Value>) {
        self.change(key, Some(value.into()));
    }

    /// Removes `key`. Does not read the old value.
    pub fn remove(&mut self, key: Vec<u8>) {
        self.change(key, None);
    }

    /// Opens a checkpoint inside the open checkpoints.
    pub fn checkpoint(&mut self) -> Checkpoint {
        let depth = self.open.len();
        self.open.push(Layer::new());
        Checkpoint { depth }
    }

    /// Commits the changes since `checkpoint`. An outer checkpoint can still revert them.
    ///
    /// # Panics
    ///
    /// If `checkpoint` is not the newest open checkpoint of this journal: a bug in the caller.
    pub fn commit(&mut self, checkpoint: Checkpoint) {
        let mut inner = self.close(checkpoint);
        let Some(outer) = self.open.last_mut() else {
            return;
        };
        // The entries of the outer layer are older and take precedence. The smaller map moves into
        // the larger map. Otherwise, a change in a deep call would move once for each level, and
        // cost far more than its gas.
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

    /// Reverts the changes since `checkpoint`. Reads stay in the read set.
    ///
    /// # Panics
    ///
    /// If `checkpoint` is not the newest open checkpoint of this journal: a bug in the caller.
    pub fn revert(&mut self, checkpoint: Checkpoint) {
        for (key, before) in self.close(checkpoint) {
            match before {
                Some(change) => self.changes.insert(key, change),
                None => self.changes.remove(&key),
            };
        }
    }

    /// Returns the write set and the read set. Reads nothing.
    ///
    /// # Panics
    ///
    /// If a checkpoint is open, because its changes are neither committed nor reverted.
    pub fn into_parts(self) -> (Diff, ReadSet) {
        assert!(self.open.is_empty(), "the journal has an open checkpoint");
        (Diff::of_ascending(self.changes.into_iter()), self.reads)
    }

    /// Returns the write set.
    ///
    /// # Panics
    ///
    /// As [`into_parts`](Journal::into_parts).
    pub fn into_diff(self) -> Diff {
        self.into_parts().0
    }

    fn change(&mut self, key: Vec<u8>, change: Change) {
        let Some(layer) = self.open.last_mut() else {
            self.changes.insert(key, change);
            return;
        };
        match layer.entry(key) {
            Entry::Occupied(known) => {
                self.changes.insert(known.key().clone(), change);
            }
            Entry::Vacant(unknown) => {
                let before = self.changes.insert(unknown.key().clone(), change);
                unknown.insert(before);
            }
        }
    }

    fn close(&mut self, checkpoint: Checkpoint) -> Layer {
        let newest = self.open.pop();
        newest
            .filter(|_| self.open.len() == checkpoint.depth)
            .expect("a checkpoint is closed out of order")
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("changed", &self.changes.len())
            .field("read", &self.reads.len())
            .field("checkpoints", &self.open.len())
            .finish_non_exhaustive()
    }
}
