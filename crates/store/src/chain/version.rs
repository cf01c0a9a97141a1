//! A version: the state after one block, which later blocks do not change.
//!
//! An entry is looked for among the hot values, in the epochs, newest first, and then in the flat
//! state below them. A
//! version keeps all of these, so what a checkpoint moves meanwhile does not matter to it.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use fusee_proof::{Hash, Proof};
use fusee_state::{Direction, KeyRange, StateError, StateReader, Value};

use super::ChainStoreError;
use super::epoch::{Change, Epoch};
use super::flat::{Entries, Entry, View};
use super::gaps::{self, Gaps};
use super::hot::Hot;
use crate::Tree;

/// The state after one block: entries, root and proofs.
///
/// Any number of versions can be read from any threads while blocks are committed. What a version
/// needs stays in memory and on disk until it is dropped.
#[derive(Clone)]
pub struct Version {
    pub(super) height: u64,
    pub(super) tree: Tree,
    pub(super) base: Arc<Base>,
    /// Oldest first. Each begins where the one before, or the base, ends.
    pub(super) epochs: Vec<Arc<Epoch>>,
    pub(super) hot: Arc<Hot>,
    pub(super) gaps: Arc<Gaps>,
}

/// How many removed keys a search passes before it looks for a gap.
const PASSED: usize = 64;

/// The flat state below the epochs.
#[derive(Debug)]
pub(super) struct Base {
    /// `None`: it is empty.
    pub(super) height: Option<u64>,
    pub(super) view: View,
}

impl Version {
    /// The height of the block.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The state root, against which [proofs](Self::prove) are verified.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Proves what the state has under a key, to [`fusee_proof::verify`].
    #[must_use]
    pub fn prove(&self, key: &[u8]) -> Proof {
        self.tree.prove(key)
    }

    /// All entries, in ascending order of keys. Ends after the first error.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Damaged`] or [`ChainStoreError::Io`] if the flat state cannot be read.
    pub fn entries(&self) -> impl Iterator<Item = Result<(Vec<u8>, Value), ChainStoreError>> {
        let flat = self.base.view.entries(b"");
        self.merge(
            flat,
            (Bound::Unbounded, Bound::Unbounded),
            Direction::Ascending,
        )
    }

    fn find(&self, key: &[u8]) -> Result<Option<Value>, ChainStoreError> {
        if let Some(value) = self.hot.read(key, self.height) {
            return Ok(value);
        }
        let mut epochs = self.epochs.iter().rev();
        let value = match epochs.find_map(|epoch| epoch.read(key, self.height)) {
            Some(value) => value,
            None => self.base.view.read(key)?,
        };
        self.hot.add(key, value.clone(), self.height);
        Ok(value)
    }

    fn first(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<Entry>, ChainStoreError> {
        let (gaps, height) = (&self.gaps, self.height);
        let (mut start, mut end) = (range.start().to_vec(), range.end().to_vec());
        while start < end {
            let beyond = match direction {
                Direction::Ascending => gaps.end(&start, height),
                Direction::Descending => gaps.start(&end, height),
            };
            if let Some(beyond) = beyond {
                match direction {
                    Direction::Ascending => start = beyond,
                    Direction::Descending => end = beyond,
                }
                continue;
            }
            let (found, passed) = self.look(KeyRange::new(&start, &end), direction)?;
            match direction {
                Direction::Ascending => gaps.add(&start, &passed, height),
                Direction::Descending => gaps.add(&passed, &end, height),
            }
            if found.is_some() {
                return Ok(found);
            }
            match direction {
                Direction::Ascending => start = passed,
                Direction::Descending => end = passed,
            }
        }
        Ok(None)
    }

    /// The first entry in a direction, if not too many removed keys are before it, and to where the
    /// range has no entry.
    fn look(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<(Option<Entry>, Vec<u8>), ChainStoreError> {
        let flat = self.base.view.range(range);
        let mut merge = self.merge(flat, range.bounds(), direction);
        let mut last = None;
        for _ in 0..PASSED {
            match merge.change()? {
                Some((key, None)) => last = Some(key),
                Some((key, Some(value))) => {
                    let passed = match direction {
                        Direction::Ascending => key.clone(),
                        Direction::Descending => gaps::after(&key),
                    };
                    return Ok((Some((key, value)), passed));
                }
                None => {
                    last = None;
                    break;
                }
            }
        }
        let passed = match (last, direction) {
            (Some(key), Direction::Ascending) => gaps::after(&key),
            (Some(key), Direction::Descending) => key,
            (None, Direction::Ascending) => range.end().to_vec(),
            (None, Direction::Descending) => range.start().to_vec(),
        };
        Ok((None, passed))
    }

    fn merge<'a>(
        &'a self,
        flat: Entries,
        range: (Bound<&'a [u8]>, Bound<&'a [u8]>),
        direction: Direction,
    ) -> Merge<'a> {
        Merge {
            version: self,
            range,
            direction,
            flat,
            next: None,
            is_done: false,
        }
    }
}

/// The entries of all layers in a direction: of each key the newest change, without removed keys.
struct Merge<'a> {
    version: &'a Version,
    range: (Bound<&'a [u8]>, Bound<&'a [u8]>),
    direction: Direction,
    flat: Entries,
    /// The next change of each epoch, newest first, and then that of the flat state.
    next: Option<Vec<Option<Change>>>,
    is_done: bool,
}

impl Merge<'_> {
    fn step(&mut self) -> Result<Option<Entry>, ChainStoreError> {
        loop {
            let Some((key, value)) = self.change()? else {
                return Ok(None);
            };
            if let Some(value) = value {
                return Ok(Some((key, value)));
            }
        }
    }

    /// The next key in any layer, with its newest change.
    fn change(&mut self) -> Result<Option<Change>, ChainStoreError> {
        let mut next = match self.next.take() {
            Some(next) => next,
            None => {
                let (from, to) = self.range;
                let epochs = self.version.epochs.iter().rev();
                let changes =
                    epochs.map(|one| one.seek((from, to), self.direction, self.version.height));
                let mut changes: Vec<_> = changes.collect();
                changes.push(self.flat_change()?);
                changes
            }
        };
        let keys = next.iter().flatten().map(|(key, _)| key);
        let first = match self.direction {
            Direction::Ascending => keys.min(),
            Direction::Descending => keys.max(),
        };
        let Some(first) = first.cloned() else {
            return Ok(None);
        };
        let mut newest = None;
        let epochs = self.version.epochs.iter().rev().map(Some).chain([None]);
        for (change, epoch) in next.iter_mut().zip(epochs) {
            if change.as_ref().is_none_or(|(key, _)| *key != first) {
                continue;
            }
            let after = match epoch {
                Some(epoch) => epoch.seek(self.after(&first), self.direction, self.version.height),
                None => self.flat_change()?,
            };
            let passed = std::mem::replace(change, after);
            newest = newest.or(passed);
        }
        self.next = Some(next);
        Ok(newest)
    }

    /// The range after a key, in the direction.
    fn after<'k>(&'k self, key: &'k [u8]) -> (Bound<&'k [u8]>, Bound<&'k [u8]>) {
        match self.direction {
            Direction::Ascending => (Bound::Excluded(key), self.range.1),
            Direction::Descending => (self.range.0, Bound::Excluded(key)),
        }
    }

    fn flat_change(&mut self) -> Result<Option<Change>, ChainStoreError> {
        let entry = match self.direction {
            Direction::Ascending => self.flat.next(),
            Direction::Descending => self.flat.next_back(),
        };
        let entry = entry.transpose()?;
        Ok(entry.map(|(key, value)| (key, Some(value))))
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Entry, ChainStoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let entry = self.step();
        self.is_done = !matches!(entry, Ok(Some(_)));
        entry.transpose()
    }
}

impl StateReader for Version {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.find(key).map_err(StateError::new)
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        self.first(range, direction).map_err(StateError::new)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("height", &self.height)
            .field("tree", &self.tree)
            .finish_non_exhaustive()
    }
}
