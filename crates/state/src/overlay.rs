//! The overlay: the changes of many transactions between one snapshot and one commit.
//!
//! Invariant: a view shows the base with the diffs that were applied before it was taken, and
//! nothing that was applied later.
//!
//! Applying a diff costs its own size, however much was applied before: all views share one map,
//! in which each key has its values by version. A value that no living view can see is dropped when
//! its key changes next.

use std::collections::{BTreeMap, btree_map::Entry};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{Diff, StateError, StateReader, Value};

/// Changes on top of a base, one diff after another.
///
/// A block runs its transactions one after the other, each on a [`view`](Overlay::view) of what
/// those before it left, and commits [`into_diff`](Overlay::into_diff) once.
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

/// A [`StateReader`] of an [`Overlay`] as it was at one moment. It may outlive the overlay.
pub struct OverlayView {
    base: Arc<dyn StateReader>,
    shared: Arc<RwLock<Shared>>,
    version: u64,
}

/// What an overlay and its views share.
#[derive(Default)]
struct Shared {
    /// How many diffs were applied.
    version: u64,
    /// For each changed key its changes, by the version that made them, oldest first.
    changes: BTreeMap<Vec<u8>, Vec<(u64, Option<Value>)>>,
    /// How many living views have each version.
    views: BTreeMap<u64, usize>,
}

impl Overlay {
    /// An overlay without changes on top of `base`.
    pub fn new(base: Arc<dyn StateReader>) -> Self {
        Self {
            base,
            shared: Arc::default(),
        }
    }

    /// The state as of now, which later diffs do not change.
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

    /// Puts `diff` on top of what was applied before.
    pub fn apply(&mut self, diff: Diff) {
        let mut shared = write(&self.shared);
        let shared = &mut *shared;
        // No overlay lives to see this counter overflow.
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
                        // Of those that the oldest view can see, it sees the newest.
                        Some(oldest) => visible(changes, oldest).saturating_sub(1),
                        None => changes.len(),
                    };
                    changes.drain(..dead);
                    changes.push(change);
                }
            }
        }
    }

    /// All changes: the last value of each key that a diff changed.
    pub fn into_diff(self) -> Diff {
        let shared = read(&self.shared);
        let latest = |(key, changes): (&Vec<u8>, &Vec<(u64, Option<Value>)>)| {
            let (_, value) = changes.last()?;
            Some((key.clone(), value.clone()))
        };
        shared.changes.iter().filter_map(latest).collect()
    }

    /// How many keys the diffs changed.
    pub fn changed_keys(&self) -> usize {
        read(&self.shared).changes.len()
    }

    /// How many values the overlay holds: one for each changed key, and those of older versions
    /// that were kept for views.
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

/// How many of a key's changes a view of this version sees.
fn visible(changes: &[(u64, Option<Value>)], version: u64) -> usize {
    changes.partition_point(|(made, _)| *made <= version)
}

// A panic while the lock is held leaves no half of a change: nothing in between can panic but the
// allocator, which aborts.
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
