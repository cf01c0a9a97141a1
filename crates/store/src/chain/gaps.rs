//! Gaps: ranges of keys that searches have found to be empty.
//!
//! A search passes removed keys one by one, in memory and in the table, until a compaction has
//! dropped them. Nobody pays for that but the first search: it notes the range that it has passed,
//! and later ones pass it at once. A gap holds until a block writes a key in it, which divides it.
//!
//! It is a cache: when it is full it is emptied, and it never decides what a search finds.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fusee_state::Diff;

/// How many bytes the gaps may take.
const LIMIT: usize = 8 << 20;

/// What a gap takes besides its two keys, in bytes, about.
const OVERHEAD: usize = 128;

#[derive(Debug)]
pub(super) struct Gaps(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The last block whose changes are taken into account.
    height: Option<u64>,
    /// By their first key. They neither overlap nor touch.
    gaps: BTreeMap<Vec<u8>, Gap>,
    bytes: usize,
    limit: usize,
}

#[derive(Debug)]
struct Gap {
    /// After the last key.
    end: Vec<u8>,
    /// It is empty at this height and all later ones.
    since: u64,
}

impl Gaps {
    /// No gaps, of the state at a height.
    pub(super) fn new(height: Option<u64>) -> Self {
        Self(Mutex::new(State {
            height,
            gaps: BTreeMap::new(),
            bytes: 0,
            limit: LIMIT,
        }))
    }

    /// The end of the gap that a key is in, in the state at a height.
    pub(super) fn end(&self, key: &[u8], height: u64) -> Option<Vec<u8>> {
        let state = self.lock();
        let (_, gap) = state
            .gaps
            .range::<[u8], _>((Unbounded, Included(key)))
            .next_back()?;
        (gap.end.as_slice() > key && gap.since <= height).then(|| gap.end.clone())
    }

    /// The first key of the gap that the keys before `end` are in, in the state at a height.
    pub(super) fn start(&self, end: &[u8], height: u64) -> Option<Vec<u8>> {
        let state = self.lock();
        let (start, gap) = state
            .gaps
            .range::<[u8], _>((Unbounded, Excluded(end)))
            .next_back()?;
        (gap.end.as_slice() >= end && gap.since <= height).then(|| start.clone())
    }

    /// Notes that the state at a height has no key from `start` to `end`, without `end`. Ignored if
    /// later blocks were taken into account, which may have written some.
    pub(super) fn add(&self, start: &[u8], end: &[u8], height: u64) {
        let mut state = self.lock();
        if state.height != Some(height) || start >= end {
            return;
        }
        let (mut start, mut end) = (start.to_vec(), end.to_vec());
        // Those that it meets become one with it.
        while let Some((first, _)) = state
            .gaps
            .range::<[u8], _>((Unbounded, Included(end.as_slice())))
            .next_back()
        {
            let first = first.clone();
            let Some(gap) = state.take_if(&first, |gap| gap.end >= start) else {
                break;
            };
            start = start.min(first);
            end = end.max(gap.end);
        }
        let since = height;
        state.put(start, Gap { end, since });
    }

    /// Takes the next block into account. Readers of that height may exist only after this.
    pub(super) fn advance(&self, height: u64, changes: &Diff) {
        let mut state = self.lock();
        state.height = Some(height);
        for (key, value) in changes.iter() {
            if state.gaps.is_empty() {
                return;
            }
            if value.is_some() {
                state.divide(key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whole gaps are taken out and put in, so a panic loses some at most.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, start: Vec<u8>, gap: Gap) {
        self.bytes = self.bytes.saturating_add(size(&start, &gap));
        if self.bytes > self.limit {
            self.gaps.clear();
            self.bytes = size(&start, &gap);
        }
        self.gaps.insert(start, gap);
    }

    fn take_if(&mut self, start: &[u8], wanted: impl Fn(&Gap) -> bool) -> Option<Gap> {
        if !self.gaps.get(start).is_some_and(wanted) {
            return None;
        }
        let (start, gap) = self.gaps.remove_entry(start)?;
        self.bytes = self.bytes.saturating_sub(size(&start, &gap));
        Some(gap)
    }

    /// Takes a key out of the gap that it is in.
    fn divide(&mut self, key: &[u8]) {
        let before = self
            .gaps
            .range::<[u8], _>((Unbounded, Included(key)))
            .next_back();
        let Some(start) = before.map(|(start, _)| start.clone()) else {
            return;
        };
        let Some(gap) = self.take_if(&start, |gap| gap.end.as_slice() > key) else {
            return;
        };
        let (after, since) = (after(key), gap.since);
        if after < gap.end {
            let end = gap.end;
            self.put(after, Gap { end, since });
        }
        if start.as_slice() < key {
            let end = key.to_vec();
            self.put(start, Gap { end, since });
        }
    }
}

/// The key after a key.
pub(super) fn after(key: &[u8]) -> Vec<u8> {
    let mut after = key.to_vec();
    after.push(0);
    after
}

fn size(start: &[u8], gap: &Gap) -> usize {
    start
        .len()
        .saturating_add(gap.end.len())
        .saturating_add(OVERHEAD)
}

#[cfg(test)]
mod tests;
