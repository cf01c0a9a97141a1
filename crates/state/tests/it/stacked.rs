//! Stacked diffs against one map that has them all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fusee_state::{
    Diff, Direction, KeyRange, MemoryState, StackedState, StateError, StateReader, Value,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

/// Few keys, so that the diffs meet each other and the base.
const KEYS: u8 = 8;

type Changes = BTreeMap<u8, Option<u8>>;

fn diff(changes: &Changes) -> Diff {
    let changes = changes.iter();
    changes
        .map(|(key, value)| (vec![*key], value.map(|value| Value::from([value]))))
        .collect()
}

fn memory(entries: &BTreeMap<u8, u8>) -> MemoryState {
    let changes = entries.iter().map(|(key, value)| (*key, Some(*value)));
    let mut memory = MemoryState::new();
    memory.apply(&diff(&changes.collect()));
    memory
}

proptest! {
    #[test]
    fn a_stack_reads_as_one_state(
        base in btree_map(0..KEYS, any::<u8>(), 0..8),
        diffs in vec(btree_map(0..KEYS, option::of(any::<u8>()), 0..6), 0..4),
        searches in vec((0..=KEYS, 0..=KEYS, any::<bool>()), 0..24),
    ) {
        let mut entries = base.clone();
        for (key, value) in diffs.iter().flatten() {
            match value {
                Some(value) => entries.insert(*key, *value),
                None => entries.remove(key),
            };
        }
        let expected = memory(&entries);
        let diffs = diffs.iter().map(|changes| Arc::new(diff(changes))).collect();
        let stacked = StackedState::new(Arc::new(memory(&base)), diffs);
        for key in 0..KEYS {
            prop_assert_eq!(stacked.read(&[key]).unwrap(), expected.read(&[key]).unwrap());
        }
        for (start, end, ascends) in searches {
            let direction = if ascends { Direction::Ascending } else { Direction::Descending };
            let (start, end) = ([start], [end]);
            let range = KeyRange::new(&start, &end);
            prop_assert_eq!(
                stacked.seek(range, direction).unwrap(),
                expected.seek(range, direction).unwrap()
            );
        }
    }
}

/// A state that counts its searches.
struct Counting {
    state: MemoryState,
    searches: AtomicUsize,
}

impl StateReader for Counting {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.state.read(key)
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        self.state.seek(range, direction)
    }
}

#[test]
fn removed_keys_are_passed_once() {
    let base = Arc::new(Counting {
        state: memory(&(0..200).map(|key| (key, key)).collect()),
        searches: AtomicUsize::new(0),
    });
    let removed = diff(&(10..190).map(|key| (key, None)).collect());
    let stacked = StackedState::new(Arc::<Counting>::clone(&base), vec![Arc::new(removed)]);
    let range = KeyRange::new(&[10], &[255]);
    for (direction, expected) in [(Direction::Ascending, 190), (Direction::Descending, 199)] {
        let found = stacked.seek(range, direction).unwrap().unwrap();
        assert_eq!(found.0, [expected]);
    }
    let first = base.searches.swap(0, Ordering::Relaxed);
    assert!(first > 180, "{first}");
    for _ in 0..10 {
        let found = stacked.seek(range, Direction::Ascending).unwrap();
        assert_eq!(found.unwrap().0, [190]);
        let range = KeyRange::new(&[5], &[190]);
        let found = stacked.seek(range, Direction::Descending).unwrap();
        assert_eq!(found.unwrap().0, [9]);
    }
    let later = base.searches.load(Ordering::Relaxed);
    assert!(later <= 30, "{later}");
}
