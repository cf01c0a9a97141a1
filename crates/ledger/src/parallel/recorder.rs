//! The recorder: a view of an overlay that records what is read through it.
//!
//! It records all reads, whatever they are for, so a transaction that is found invalid after two of
//! them depends on these two. It does not record values.

use std::fmt;
use std::sync::{Arc, Mutex};

use fusee_state::{Direction, KeyRange, OverlayView, StateError, StateReader, Value};

use super::lock;
use super::writers::{Slot, Writers, slot};

/// A view, and what was read through it.
pub(super) struct Recorder {
    view: Arc<OverlayView>,
    /// The number of committed transactions that the view shows.
    committed: usize,
    reads: Mutex<Reads>,
}

#[derive(Default)]
struct Reads {
    /// All keys that were read, one behind the other.
    bytes: Vec<u8>,
    /// Of each key: its slot, and its end in `bytes`.
    keys: Vec<(Slot, usize)>,
    /// The parts of ranges that were searched: first keys and ends, which are not in them.
    ranges: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Recorder {
    pub(super) fn new(view: Arc<OverlayView>, committed: usize) -> Arc<Self> {
        let reads = Mutex::default();
        Arc::new(Self {
            view,
            committed,
            reads,
        })
    }

    /// Whether nothing that was read has been changed by a diff that was applied since the view was
    /// created. `writers` has these diffs.
    pub(super) fn is_current(&self, writers: &Writers) -> bool {
        let reads = lock(&self.reads);
        let mut start = 0;
        for &(slot, end) in &reads.keys {
            let key = reads.bytes.get(start..end).unwrap_or_default();
            start = end;
            // Most keys are cleared by their slots, which is cheaper than a search for them.
            if writers.may_have_written(slot, self.committed) && self.view.has_newer(key) {
                return false;
            }
        }
        let newer_in = |(start, end): &(Vec<u8>, Vec<u8>)| {
            let range = KeyRange::new(start, end);
            self.view.has_newer_in(range)
        };
        !reads.ranges.iter().any(newer_in)
    }
}

impl StateReader for Recorder {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        let mut reads = lock(&self.reads);
        reads.bytes.extend_from_slice(key);
        let end = reads.bytes.len();
        reads.keys.push((slot(key), end));
        drop(reads);
        self.view.read(key)
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        let found = self.view.seek(range, direction)?;
        let (mut start, mut end) = (range.start().to_vec(), range.end().to_vec());
        // What is behind the key does not matter, and its value does.
        if let Some((key, _)) = &found {
            match direction {
                Direction::Ascending => end = [key.as_slice(), &[0]].concat(),
                Direction::Descending => start.clone_from(key),
            }
        }
        lock(&self.reads).ranges.push((start, end));
        Ok(found)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("view", &self.view)
            .finish_non_exhaustive()
    }
}
