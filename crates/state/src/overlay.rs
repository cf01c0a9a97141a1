//! The overlay: the changes of many transactions between one snapshot and one commit.
//!
//! Invariant: a view shows the base with the diffs that were applied before the view was created,
//! and no later diffs.
//!
//! The cost of applying a diff depends only on its own size: all views share one map with versioned
//! values. A value that no live view can see is dropped at the next change of its key.
//!
//! Views are used on many threads at once, while diffs are applied. So the map is split by a hash
//! of the keys, which nothing but time depends on, into parts with locks of their own. No lock is
//! held while the base is read. The keys are put in order by the first search.
//!
//! A search must not pass the same removed keys again and again, since it is paid once. So keys
//! without any value are not searched, and ranges of the base all of whose keys were found to be
//! changed are not searched twice: by no later view, and not by an older one that found them
//! itself.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use indexmap::map::Entry as KeyEntry;

use crate::history::History;
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
    shared: Arc<Shared>,
}

/// A [`StateReader`] of one version of an [`Overlay`]. It may outlive the overlay.
pub struct OverlayView {
    shared: Arc<Shared>,
    /// What this view found while the shared ranges were those of a later version.
    found: Mutex<Ranges>,
    version: u64,
}

/// The number of parts of the map of changes.
const PARTS: u8 = 64;

/// The number of changed keys that [`OverlayView::has_newer_in`] looks at. Beyond it, a transaction
/// is run again in the time that it takes to look.
const NEWER_LIMIT: usize = 256;

/// What an overlay and its views share.
struct Shared {
    base: Arc<dyn StateReader>,
    /// The number of applied diffs.
    version: AtomicU64,
    hasher: RandomState,
    parts: Vec<Mutex<Part>>,
    order: Mutex<Order>,
    hidden: Mutex<Hidden>,
    /// The number of live views of each version.
    views: Mutex<BTreeMap<u64, usize>>,
}

/// The changes of each key of a part. No key is removed, so its index stays.
type Part = IndexMap<Vec<u8>, History, RandomState>;

/// The number of a part, and the index of a key in it.
type Place = (u8, usize);

/// The changed keys in order, for searches.
#[derive(Default)]
struct Order {
    /// What the last search did not know: changed keys with the version of the change, and whether
    /// they have a value in any of their changes.
    unsorted: Vec<(Place, u64, bool)>,
    /// The version of the last change of each key.
    changed: BTreeMap<Vec<u8>, u64>,
    /// The keys with a value in any of their changes.
    valued: BTreeSet<Vec<u8>>,
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
        let shared = Shared {
            base,
            version: AtomicU64::new(0),
            hasher: RandomState::default(),
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            order: Mutex::default(),
            hidden: Mutex::default(),
            views: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Creates a view of the current version, which later diffs do not change.
    pub fn view(&self) -> Arc<OverlayView> {
        let version = self.shared.version();
        let mut views = lock(&self.shared.views);
        let count = views.entry(version).or_default();
        *count = count.saturating_add(1);
        Arc::new(OverlayView {
            shared: Arc::clone(&self.shared),
            found: Mutex::default(),
            version,
        })
    }

    /// Applies `diff` on top of earlier diffs.
    pub fn apply(&mut self, diff: Diff) {
        let shared = &self.shared;
        // 2^64 diffs are out of reach.
        let version = shared.version().saturating_add(1);
        let oldest_view = lock(&shared.views).keys().next().copied();
        let mut unsorted = Vec::with_capacity(diff.len());
        for (key, value) in diff {
            let number = shared.part_of(&key);
            let mut part = shared.part(number);
            let (index, has_value) = match part.entry(key) {
                KeyEntry::Vacant(new) => {
                    let (index, has_value) = (new.index(), value.is_some());
                    new.insert(History::new(version, value));
                    (index, has_value)
                }
                KeyEntry::Occupied(mut known) => {
                    let index = known.index();
                    let history = known.get_mut();
                    match oldest_view {
                        Some(_) => {
                            history.forget(oldest_view);
                            history.push(version, value);
                        }
                        None => *history = History::new(version, value),
                    }
                    (index, history.has_value())
                }
            };
            drop(part);
            unsorted.push(((number, index), version, has_value));
        }
        lock(&shared.order).unsorted.append(&mut unsorted);
        // No view has this version before all of it is there.
        shared.version.store(version, Ordering::Release);
    }

    /// Returns all changes: the last value of each changed key.
    pub fn into_diff(self) -> Diff {
        let mut all = Vec::with_capacity(self.changed_keys());
        match Arc::try_unwrap(self.shared) {
            Ok(shared) => {
                for part in shared.parts {
                    let part = part.into_inner().unwrap_or_else(PoisonError::into_inner);
                    all.extend(part.into_iter().map(|(key, it)| (key, it.into_last())));
                }
            }
            // Views have it still.
            Err(shared) => {
                for part in &shared.parts {
                    let part = lock(part);
                    all.extend(
                        part.iter()
                            .map(|(key, it)| (key.clone(), it.last().cloned())),
                    );
                }
            }
        }
        Diff::of_distinct(all)
    }

    /// The number of changed keys.
    pub fn changed_keys(&self) -> usize {
        let parts = self.shared.parts.iter();
        parts.map(|part| lock(part).len()).sum()
    }

    /// The number of values in the overlay: one for each changed key, and the older values that
    /// views still need.
    pub fn held_values(&self) -> usize {
        let held = |part: &Mutex<Part>| lock(part).values().map(History::count).sum::<usize>();
        self.shared.parts.iter().map(held).sum()
    }
}

impl Shared {
    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The number of the part of the map that has `key`.
    fn part_of(&self, key: &[u8]) -> u8 {
        let [.., hash] = self.hasher.hash_one(key).to_le_bytes();
        hash % PARTS
    }

    fn part(&self, number: u8) -> MutexGuard<'_, Part> {
        let part = self.parts.get(usize::from(number));
        lock(part.expect("there are as many parts as `PARTS`, by `Overlay::new`"))
    }

    /// The changed keys, all of them in order.
    fn order(&self) -> MutexGuard<'_, Order> {
        let mut guard = lock(&self.order);
        let order = &mut *guard;
        for ((number, index), version, has_value) in order.unsorted.drain(..) {
            let part = self.part(number);
            let Some((key, _)) = part.get_index(index) else {
                continue;
            };
            let key = key.clone();
            drop(part);
            match has_value {
                true => order.valued.insert(key.clone()),
                false => order.valued.remove(&key),
            };
            order.changed.insert(key, version);
        }
        guard
    }
}

impl StateReader for OverlayView {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        match self.change(key) {
            Some(value) => Ok(value),
            None => self.shared.base.read(key),
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
        let part = self.shared.part(self.shared.part_of(key));
        let history = part.get(key);
        history.is_some_and(|history| history.last_version() > self.version)
    }

    /// Whether a diff that was applied after this view was created changes a key of the range. Also
    /// true, without an answer, if more than 256 keys of the range were changed at any time.
    pub fn has_newer_in(&self, range: KeyRange<'_>) -> bool {
        if self.shared.version() == self.version {
            return false;
        }
        let order = self.shared.order();
        let mut looked_at: usize = 0;
        for (_, made) in order.changed.range::<[u8], _>(range.bounds()) {
            looked_at = looked_at.saturating_add(1);
            if looked_at > NEWER_LIMIT || *made > self.version {
                return true;
            }
        }
        false
    }

    /// The first key of the range with a value among the changes.
    fn seek_changes(&self, range: KeyRange<'_>, direction: Direction) -> Option<(Vec<u8>, Value)> {
        let order = self.shared.order();
        let value = |key: &Vec<u8>| {
            let value = self.change(key)??;
            Some((key.clone(), value))
        };
        let mut valued = order.valued.range::<[u8], _>(range.bounds());
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
            let found = self
                .shared
                .base
                .seek(KeyRange::new(&start, &end), direction)?;
            let Some((key, value)) = found else {
                break;
            };
            if self.change(&key).is_none() {
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
        let hidden = lock(&self.shared.hidden);
        if hidden.version <= self.version {
            return next(&hidden.ranges);
        }
        drop(hidden);
        next(&lock(&self.found))
    }

    /// Remembers a range of the base in which every key is changed.
    fn hide(&self, first: Vec<u8>, last: Vec<u8>) {
        let mut hidden = lock(&self.shared.hidden);
        if hidden.version <= self.version {
            hidden.version = self.version;
            hidden.ranges.insert(first, last);
            return;
        }
        drop(hidden);
        lock(&self.found).insert(first, last);
    }

    /// The change of a key that this view sees, or `None` if it sees none.
    fn change(&self, key: &[u8]) -> Option<Option<Value>> {
        let part = self.shared.part(self.shared.part_of(key));
        part.get(key)?.at(self.version).cloned()
    }
}

impl Drop for OverlayView {
    fn drop(&mut self) {
        let mut views = lock(&self.shared.views);
        if let Entry::Occupied(mut count) = views.entry(self.version) {
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

// A panic while a lock is held leaves no partial change: only the allocator can fail in between,
// and it aborts.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay")
            .field("version", &self.shared.version())
            .field("changed", &self.changed_keys())
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
