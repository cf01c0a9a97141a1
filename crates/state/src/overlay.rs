//! The overlay: the changes of many transactions between one snapshot and one commit.
//!
//! Invariant: a view shows the base with the diffs that were applied before the view was created,
//! and no later diffs.
//!
//! The cost of applying a diff depends only on its own size: all views share one map with versioned
//! values. A value that no live view can see is dropped at the next change of its key.

use std::collections::{BTreeMap, btree_map::Entry};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{Diff, StateError, StateReader, Value};

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
}

/// A [`StateReader`] of one version of an [`Overlay`]. It may outlive the overlay.
pub struct OverlayView {
    base: Arc<dyn StateReader>,
    shared: Arc<RwLock<Shared>>,
    version: u64,
}

/// The state that an overlay and its views share.
#[derive(Default)]
struct Shared {
    /// The number of applied diffs.
    version: u64,
    /// The changes of each key with the versions that made them, oldest first.
    changes: BTreeMap<Vec<u8>, Vec<(u64, Option<Value>)>>,
    /// The number of live views of each version.
    views: BTreeMap<u64, usize>,
}

impl Overlay {
    /// Creates an overlay without changes on top of `base`.
    pub fn new(base: Arc<dyn StateReader>) -> Self {
        Self {
            base,
            shared: Arc::default(),
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
            match shared.changes.entry(key) {
                Entry::Vacant(unknown) => {
                    unknown.insert(vec![change]);
                }
                Entry::Occupied(known) => {
                    let changes = known.into_mut();
                    let dead = match oldest_view {
                        // The oldest view sees the newest of its visible changes.
                        Some(oldest) => visible(changes, oldest).saturating_sub(1),
                        None => changes.len(),
                    };
                    changes.drain(..dead);
                    changes.push(change);
                }
            }
        }
    }

    /// Returns all changes: the last value of each changed key.
    pub fn into_diff(self) -> Diff {
        let shared = read(&self.shared);
        let latest = |(key, changes): (&Vec<u8>, &Vec<(u64, Option<Value>)>)| {
            let (_, value) = changes.last()?;
            Some((key.clone(), value.clone()))
        };
        shared.changes.iter().filter_map(latest).collect()
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
        if let Some(changes) = read(&self.shared).changes.get(key) {
            let seen = changes.get(..visible(changes, self.version));
            if let Some((_, value)) = seen.and_then(<[_]>::last) {
                return Ok(value.clone());
            }
        }
        self.base.read(key)
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
