//! The overlay: the changes of many transactions between one snapshot and one commit.
//!
//! Invariant: a view shows the base with the diffs that were applied before the view was created,
//! and no later diffs.
//!
//! The cost of applying a diff depends only on its own size: all views share one map with versioned
//! values. A value that no live view can see is dropped at the next change of its key.
//!
//! A search must not pass the same removed keys again and again, since it is paid once. So keys
//! without any value are not searched, and ranges of the base all of whose keys were found to be
//! changed are not searched twice: by no later view, and not by an older one that found them itself.
//!
//! Views are used on many threads at once. No lock is held while the base is read.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::ranges::{Ranges, after};
use crate::{Diff, Direction, KeyRange, StateError, StateReader, Value};

/// Changes on top of a base, one diff after another.
///
/// A block runs its transactions in sequence, each on a [`view`](Overlay::view) that includes the
/// changes of earlier transactions, and commits [`into_diff`](Overlay::into_diff) once.
///
/// ```
/// use std::sync::Arc;
///
/// use fusee_state::{Journal, MemoryState, Overlay, StateError};
///
/// # fn main() -> Result<(), StateError> {
/// let mut block = Overlay::new(Arc::new(MemoryState::new()));
/// for name in [b"alice", b"carol"] {
///     let mut transaction = Journal::new(block.view());
///     transaction.write(name.to_vec(), b"was here".to_vec());
///     block.apply(transaction.into_diff());
/// }
/// assert_eq!(block.into_diff().len(), 2);
/// # Ok(())
/// # }
/// ```
pub struct Overlay {
    base: Arc<dyn StateReader>,
    shared: Arc<RwLock<Shared>>,
    hidden: Arc<Mutex<Hidden>>,
}

/// A [`StateReader`] of one version of an [`Overlay`]. It may outlive the overlay.
pub struct OverlayView {
    base: Arc<dyn StateReader>,
    shared: Arc<RwLock<Shared>>,
    hidden: Arc<Mutex<Hidden>>,
    /// What this view found while the shared ranges were those of a later version.
    found: Mutex<Ranges>,
    version: u64,
}

/// The number of changed keys that [`OverlayView::has_newer_in`] looks at. Beyond it, a transaction
/// is run again in the time that it takes to look.
const NEWER_LIMIT: usize = 256;

/// The state that an overlay and its views share.
#[derive(Default)]
struct Shared {
    /// The number of applied diffs.
    version: u64,
    /// The changes of each key with the versions that made them, oldest first.
    changes: BTreeMap<Vec<u8>, Vec<(u64, Option<Value>)>>,
    /// The keys with a value in any of their changes. `None` until the first search: most blocks
    /// have none.
    valued: Option<BTreeSet<Vec<u8>>>,
    /// The number of live views of each version.
    views: BTreeMap<u64, usize>,
}

/// Ranges of the base in which every key is changed, as seen by this version and all later ones.
#[derive(Default)]
struct Hidden {
    version: u64,
    ranges: Ranges,
}

impl Overlay {
    /// Creates an overlay without changes on top of `base`.
    pub fn new(base: Arc<dyn StateReader>) -> Self {
        Self {
            base,
            shared: Arc::default(),
            hidden: Arc::default(),
        }
    }

    /// Creates a view of the current version, which later diffs do not change.
    pub fn view(&self) -> Arc<OverlayView> {
        let mut shared = write(&self.shared);
        let version = shared.version;
        let count = shared.views.entry(version).or_default();
        *count = count.saturating_add(1);
        Arc::new(OverlayView {
            base: Arc::clone(&self.base),
            shared: Arc::clone(&self.shared),
            hidden: Arc::clone(&self.hidden),
            found: Mutex::default(),
            version,
        })
    }

    /// Applies `diff` on top of earlier diffs.
    pub fn apply(&mut self, diff: Diff) {
        let mut shared = write(&self.shared);
        let shared = &mut *shared;
        // 2^64 diffs are out of reach.
        shared.version = shared.version.saturating_add(1);
        let oldest_view = shared.views.keys().next().copied();
        for (key, value) in diff {
            let change = (shared.version, value);
            let searched = shared.valued.as_mut().map(|valued| (valued, key.clone()));
            let changes = match shared.changes.entry(key) {
                Entry::Vacant(unknown) => unknown.insert(vec![change]),
                Entry::Occupied(known) => {
                    let changes = known.into_mut();
                    let dead = match oldest_view {
                        // The oldest view sees the newest of its visible changes.
                        Some(oldest) => visible(changes, oldest).saturating_sub(1),
                        None => changes.len(),
                    };
                    changes.drain(..dead);
                    changes.push(change);
                    changes
                }
            };
            if let Some((valued, key)) = searched {
                match has_value(changes) {
                    true => valued.insert(key),
                    false => valued.remove(&key),
                };
            }
        }
    }

    /// Returns all changes: the last value of each changed key.
    pub fn into_diff(self) -> Diff {
        let shared = match Arc::try_unwrap(self.shared) {
            Ok(shared) => shared.into_inner().unwrap_or_else(PoisonError::into_inner),
            // A view is alive.
            Err(shared) => {
                let last = |(key, changes): (&Vec<u8>, &Vec<(u64, Option<Value>)>)| {
                    let (_, value) = changes.last()?;
                    Some((key.clone(), value.clone()))
                };
                return read(&shared).changes.iter().filter_map(last).collect();
            }
        };
        let last = |(key, mut changes): (Vec<u8>, Vec<(u64, Option<Value>)>)| {
            let (_, value) = changes.pop()?;
            Some((key, value))
        };
        shared.changes.into_iter().filter_map(last).collect()
    }

    /// The number of changed keys.
    pub fn changed_keys(&self) -> usize {
        read(&self.shared).changes.len()
    }

    /// The number of values in the overlay: one for each changed key, and the older values that
    /// views still need.
    pub fn held_values(&self) -> usize {
        let shared = read(&self.shared);
        shared.changes.values().map(Vec::len).sum()
    }
}

impl StateReader for OverlayView {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        let change = self.change(&read(&self.shared), key);
        match change {
            Some(value) => Ok(value),
            None => self.base.read(key),
        }
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        let changed = self.seek_changes(range, direction);
        // What is behind the changed key does not matter.
        let behind = changed.as_ref().map(|(key, _)| after(key));
        let range = match (&changed, &behind, direction) {
            (Some((key, _)), _, Direction::Ascending) => KeyRange::new(range.start(), key),
            (_, Some(behind), Direction::Descending) => KeyRange::new(behind, range.end()),
            _ => range,
        };
        Ok(self.seek_base(range, direction)?.or(changed))
    }
}

impl OverlayView {
    /// Whether a diff that was applied after this view was created changes `key`.
    pub fn has_newer(&self, key: &[u8]) -> bool {
        let shared = read(&self.shared);
        shared.version > self.version && self.is_older(shared.changes.get(key))
    }

    /// Whether a diff that was applied after this view was created changes a key of the range. Also
    /// true, without an answer, if more than 256 keys of the range were changed at any time.
    pub fn has_newer_in(&self, range: KeyRange<'_>) -> bool {
        let shared = read(&self.shared);
        if shared.version == self.version {
            return false;
        }
        let changed = shared.changes.range::<[u8], _>(range.bounds());
        let mut looked_at: usize = 0;
        for (_, changes) in changed {
            looked_at = looked_at.saturating_add(1);
            if looked_at > NEWER_LIMIT || self.is_older(Some(changes)) {
                return true;
            }
        }
        false
    }

    /// Whether this view does not see the last one of a key's changes.
    fn is_older(&self, changes: Option<&Vec<(u64, Option<Value>)>>) -> bool {
        let last = changes.and_then(|changes| changes.last());
        last.is_some_and(|(made, _)| *made > self.version)
    }

    /// The first key of the range with a value among the changes.
    fn seek_changes(&self, range: KeyRange<'_>, direction: Direction) -> Option<(Vec<u8>, Value)> {
        let mut shared = read(&self.shared);
        if shared.valued.is_none() {
            drop(shared);
            write(&self.shared).list_valued();
            shared = read(&self.shared);
        }
        let value = |key: &Vec<u8>| {
            let value = self.change(&shared, key)??;
            Some((key.clone(), value))
        };
        let valued = shared.valued.as_ref()?;
        let mut valued = valued.range::<[u8], _>(range.bounds());
        match direction {
            Direction::Ascending => valued.find_map(value),
            Direction::Descending => valued.rev().find_map(value),
        }
    }

    /// The first entry of the range in the base whose key is not changed.
    fn seek_base(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        let (mut start, mut end) = (range.start().to_vec(), range.end().to_vec());
        while start < end {
            if let Some(known) = self.hidden_up_to(&start, &end, direction) {
                match direction {
                    Direction::Ascending => start = known,
                    Direction::Descending => end = known,
                }
                continue;
            }
            let found = self.base.seek(KeyRange::new(&start, &end), direction)?;
            let Some((key, value)) = found else {
                break;
            };
            if self.change(&read(&self.shared), &key).is_none() {
                return Ok(Some((key, value)));
            }
            let (first, last) = match direction {
                Direction::Ascending => (start, after(&key)),
                Direction::Descending => (key, end),
            };
            self.hide(first.clone(), last.clone());
            (start, end) = match direction {
                Direction::Ascending => (last, range.end().to_vec()),
                Direction::Descending => (range.start().to_vec(), first),
            };
        }
        Ok(None)
    }

    /// Where a search of the base from `start` to `end` goes on, if it begins in a range in which
    /// every key is changed.
    fn hidden_up_to(&self, start: &[u8], end: &[u8], direction: Direction) -> Option<Vec<u8>> {
        let next = |ranges: &Ranges| match direction {
            Direction::Ascending => ranges.end_of(start).map(<[u8]>::to_vec),
            Direction::Descending => ranges.start_of(end).map(<[u8]>::to_vec),
        };
        let hidden = lock(&self.hidden);
        if hidden.version <= self.version {
            return next(&hidden.ranges);
        }
        drop(hidden);
        next(&lock(&self.found))
    }

    /// Remembers a range of the base in which every key is changed.
    fn hide(&self, first: Vec<u8>, last: Vec<u8>) {
        let mut hidden = lock(&self.hidden);
        if hidden.version <= self.version {
            hidden.version = self.version;
            hidden.ranges.insert(first, last);
            return;
        }
        drop(hidden);
        lock(&self.found).insert(first, last);
    }

    /// The change of a key that this view sees, or `None` if it sees none.
    fn change(&self, shared: &Shared, key: &[u8]) -> Option<Option<Value>> {
        let changes = shared.changes.get(key)?;
        let seen = changes.get(..visible(changes, self.version))?;
        seen.last().map(|(_, value)| value.clone())
    }
}

impl Drop for OverlayView {
    fn drop(&mut self) {
        let mut shared = write(&self.shared);
        if let Entry::Occupied(mut count) = shared.views.entry(self.version) {
            match count.get().checked_sub(1) {
                None | Some(0) => {
                    count.remove();
                }
                Some(rest) => {
                    count.insert(rest);
                }
            }
        }
    }
}

impl Shared {
    /// Lists the keys with a value, unless they are listed: from now on, they stay so.
    fn list_valued(&mut self) {
        let Self {
            changes, valued, ..
        } = self;
        valued.get_or_insert_with(|| {
            let changes = changes.iter();
            let valued = changes.filter(|(_, changes)| has_value(changes));
            valued.map(|(key, _)| key.clone()).collect()
        });
    }
}

/// Whether any of a key's changes has a value.
fn has_value(changes: &[(u64, Option<Value>)]) -> bool {
    changes.iter().any(|(_, value)| value.is_some())
}

/// The number of a key's changes that a view of this version sees.
fn visible(changes: &[(u64, Option<Value>)], version: u64) -> usize {
    changes.partition_point(|(made, _)| *made <= version)
}

// A panic while the lock is held leaves no partial change: only the allocator can fail in between,
// and it aborts.
fn read(shared: &RwLock<Shared>) -> RwLockReadGuard<'_, Shared> {
    shared.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shared: &RwLock<Shared>) -> RwLockWriteGuard<'_, Shared> {
    shared.write().unwrap_or_else(PoisonError::into_inner)
}

// As above. What is missing in these ranges is found again.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = read(&self.shared);
        f.debug_struct("Overlay")
            .field("version", &shared.version)
            .field("changed", &shared.changes.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OverlayView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlayView")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
