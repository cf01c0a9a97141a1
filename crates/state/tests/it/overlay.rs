//! Transactions on an overlay, against the same transactions with one commit each.

use std::sync::Arc;

use std::sync::atomic::{AtomicUsize, Ordering};

use fusee_state::{
    Diff, Direction, Journal, KeyRange, MemoryState, Overlay, StateError, StateReader, Step, Value,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Few keys, so that transactions meet each other.
const KEYS: u8 = 6;

/// A transaction: it reads some keys, and what it writes depends on what it read.
#[derive(Clone, Debug)]
struct Transaction {
    reads: Vec<u8>,
    searches: Vec<(u8, u8, bool)>,
    writes: Vec<(u8, Option<u8>)>,
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let writes = vec((0..KEYS, option::of(any::<u8>())), 0..4);
    let searches = vec((0..=KEYS, 0..=KEYS, any::<bool>()), 0..3);
    (vec(0..KEYS, 0..4), searches, writes).prop_map(|(reads, searches, writes)| Transaction {
        reads,
        searches,
        writes,
    })
}

/// What a transaction comes to on a state.
fn run(transaction: &Transaction, base: Arc<dyn StateReader>) -> Diff {
    let mut journal = Journal::new(base);
    let mut seen: Vec<u8> = Vec::new();
    for key in &transaction.reads {
        let value = journal.read(&[*key]).unwrap();
        seen.extend(value.iter().flat_map(|value| value.iter().take(4)));
    }
    for (start, end, ascends) in &transaction.searches {
        let direction = match ascends {
            true => Direction::Ascending,
            false => Direction::Descending,
        };
        let range = KeyRange::new(std::slice::from_ref(start), std::slice::from_ref(end));
        if let Some(Step::Entry(key, value)) = journal.step(range, direction).unwrap() {
            seen.extend(key.iter().chain(value.iter().take(4)));
        }
    }
    for (key, value) in &transaction.writes {
        match value {
            Some(value) => journal.write(vec![*key], [seen.as_slice(), &[*value]].concat()),
            None => journal.remove(vec![*key]),
        }
    }
    journal.into_diff()
}

/// Everything that a reader shows: each value, and the first entry of each range in each direction.
#[derive(Debug, PartialEq)]
struct Shown {
    values: Vec<Option<Value>>,
    found: Vec<Option<(Vec<u8>, Value)>>,
}

fn entries(reader: &dyn StateReader) -> Shown {
    let mut found = Vec::new();
    for start in 0..=KEYS {
        for end in 0..=KEYS {
            for direction in [Direction::Ascending, Direction::Descending] {
                let (start, end) = ([start], [end]);
                let range = KeyRange::new(&start, &end);
                found.push(reader.seek(range, direction).unwrap());
            }
        }
    }
    Shown {
        values: (0..KEYS).map(|key| reader.read(&[key]).unwrap()).collect(),
        found,
    }
}

fn change(key: u8, value: u8) -> Diff {
    [(vec![key], Some(vec![value]))].into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn one_commit_of_an_overlay_is_one_commit_a_transaction(
        start in vec(transaction(), 0..3),
        transactions in vec((transaction(), any::<bool>()), 0..12),
    ) {
        let mut committed = MemoryState::new();
        for transaction in &start {
            committed.apply(&run(transaction, Arc::new(committed.clone())));
        }
        let mut at_once = committed.clone();
        let mut overlay = Overlay::new(Arc::new(committed.clone()));
        let mut views = Vec::new();
        for (transaction, keeps_view) in &transactions {
            let view = overlay.view();
            if *keeps_view {
                views.push((overlay.view(), committed.clone()));
            }
            let diff = run(transaction, view);
            prop_assert_eq!(&diff, &run(transaction, Arc::new(committed.clone())));
            committed.apply(&diff);
            overlay.apply(diff);
            // Views of the past are what the state was.
            for (view, state) in &views {
                prop_assert_eq!(entries(view.as_ref()), entries(state));
            }
            if views.len() > 2 {
                views.remove(0);
            }
        }
        prop_assert_eq!(entries(overlay.view().as_ref()), entries(&committed));
        at_once.apply(&overlay.into_diff());
        prop_assert_eq!(at_once, committed);
        for (view, state) in &views {
            prop_assert_eq!(entries(view.as_ref()), entries(state), "after the overlay is gone");
        }
    }
}

#[test]
fn a_view_does_not_see_what_is_applied_later() {
    let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
    overlay.apply(change(0, 1));
    let before = overlay.view();
    overlay.apply(change(0, 2));
    overlay.apply(change(1, 3));
    assert_eq!(before.read(&[0]).unwrap().as_deref(), Some([1].as_slice()));
    assert_eq!(before.read(&[1]).unwrap(), None);
    let after = overlay.view();
    assert_eq!(after.read(&[0]).unwrap().as_deref(), Some([2].as_slice()));
}

#[test]
fn a_removed_key_hides_the_base() {
    let base: MemoryState = [(vec![0], vec![1])].into_iter().collect();
    let mut overlay = Overlay::new(Arc::new(base));
    let before = overlay.view();
    overlay.apply([(vec![0], None::<Vec<u8>>)].into_iter().collect());
    assert_eq!(overlay.view().read(&[0]).unwrap(), None);
    assert!(before.read(&[0]).unwrap().is_some());
    let diff = overlay.into_diff();
    assert!(diff.iter().eq([([0].as_slice(), None)]));
}

#[test]
fn values_that_no_view_can_see_are_dropped() {
    let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
    for value in 0..100 {
        drop(overlay.view());
        overlay.apply(change(0, value));
    }
    assert_eq!(overlay.held_values(), 1);
    let old = overlay.view();
    for value in 0..100 {
        let current = overlay.view();
        drop(current);
        overlay.apply(change(0, value));
    }
    assert_eq!(old.read(&[0]).unwrap().as_deref(), Some([99].as_slice()));
    drop(old);
    overlay.apply(change(0, 7));
    assert_eq!((overlay.changed_keys(), overlay.held_values()), (1, 1));
}

#[test]
fn a_view_shares_the_values_that_were_applied() {
    let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
    let value = Value::from([7; 1_000]);
    let diff: Diff = [(vec![0], Some(Arc::clone(&value)))].into_iter().collect();
    overlay.apply(diff);
    let seen = overlay.view().read(&[0]).unwrap().unwrap();
    assert!(Arc::ptr_eq(&seen, &value));
}

#[test]
fn views_are_read_on_other_threads_while_diffs_are_applied() {
    let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
    overlay.apply(
        [0, 1]
            .into_iter()
            .map(|key| (vec![key], Some(vec![0])))
            .collect(),
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let view = overlay.view();
            scope.spawn(move || {
                for _ in 0..1_000 {
                    assert_eq!(view.read(&[0]).unwrap(), view.read(&[1]).unwrap());
                }
            });
        }
        for value in 1..200 {
            overlay.apply(
                [0, 1]
                    .into_iter()
                    .map(|key| (vec![key], Some(vec![value])))
                    .collect(),
            );
            let view = overlay.view();
            scope.spawn(move || {
                assert_eq!(
                    view.read(&[0]).unwrap().as_deref(),
                    Some([value].as_slice())
                );
                assert_eq!(
                    view.read(&[1]).unwrap().as_deref(),
                    Some([value].as_slice())
                );
            });
        }
    });
}

/// Counts the searches of a state.
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

/// A transaction pays for a search once, whatever earlier transactions have removed.
#[test]
fn removed_keys_of_the_base_are_searched_once() {
    const REMOVED: u16 = 500;
    let key = |at: u16| at.to_be_bytes().to_vec();
    let entries = (0..=REMOVED).map(|at| (key(at), vec![1]));
    let base = Arc::new(Counting {
        state: entries.collect(),
        searches: AtomicUsize::new(0),
    });
    let mut overlay = Overlay::new(Arc::<Counting>::clone(&base));
    let removed = (0..REMOVED).map(|at| (key(at), None::<Vec<u8>>));
    overlay.apply(removed.collect());
    let (start, end) = (key(0), key(REMOVED + 1));
    let last = Some((key(REMOVED), Value::from([1])));
    for round in 0..50 {
        overlay.apply(change(255, round));
        let view = overlay.view();
        let range = KeyRange::new(&start, &end);
        assert_eq!(view.seek(range, Direction::Ascending).unwrap(), last);
        let range = KeyRange::new(&start, &last.as_ref().unwrap().0);
        assert_eq!(view.seek(range, Direction::Descending).unwrap(), None);
    }
    let searches = base.searches.load(Ordering::Relaxed);
    let most = usize::from(REMOVED) + 2 * 50;
    assert!(searches <= most, "{searches} searches");
}

/// The same of keys that the overlay had and removed again.
#[test]
fn removed_keys_of_the_overlay_are_not_searched() {
    let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
    overlay.apply(change(3, 1));
    let old = overlay.view();
    overlay.apply([(vec![3], None::<Vec<u8>>)].into_iter().collect());
    let (start, end) = ([0], [9]);
    let range = KeyRange::new(&start, &end);
    for direction in [Direction::Ascending, Direction::Descending] {
        let new = overlay.view();
        assert_eq!(new.seek(range, direction).unwrap(), None);
        let found = old.seek(range, direction).unwrap();
        assert_eq!(found, Some((vec![3], Value::from([1]))));
    }
}

/// An older view does not use what a later one has found, but what it found itself.
#[test]
fn removed_keys_are_searched_once_by_a_view_that_is_older_than_another_search() {
    const REMOVED: u8 = 200;
    let base = Arc::new(Counting {
        state: (0..=REMOVED).map(|at| (vec![at], vec![1])).collect(),
        searches: AtomicUsize::new(0),
    });
    let mut overlay = Overlay::new(Arc::<Counting>::clone(&base));
    let removed = (0..REMOVED).map(|at| (vec![at], None::<Vec<u8>>));
    overlay.apply(removed.collect());
    let old = overlay.view();
    overlay.apply(change(255, 1));
    let new = overlay.view();
    let (start, end) = ([0], [255]);
    for view in [new, old] {
        base.searches.store(0, Ordering::Relaxed);
        for _ in 0..50 {
            let found = view.seek(KeyRange::new(&start, &end), Direction::Ascending);
            assert_eq!(found.unwrap(), Some((vec![REMOVED], Value::from([1]))));
        }
        let searches = base.searches.load(Ordering::Relaxed);
        assert_eq!(searches, usize::from(REMOVED) + 50);
    }
}

#[test]
fn a_view_tells_what_later_diffs_change() {
    let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
    overlay.apply(change(3, 1));
    let view = overlay.view();
    assert!(!view.has_newer(&[3]) && !view.has_newer_in(KeyRange::new(&[0], &[9])));
    overlay.apply(change(5, 1));
    overlay.apply([(vec![7], None::<Vec<u8>>)].into_iter().collect());
    for key in 0..9 {
        let is_newer = [5, 7].contains(&key);
        assert_eq!(view.has_newer(&[key]), is_newer, "{key}");
        assert_eq!(
            view.has_newer_in(KeyRange::new(&[key], &[key + 1])),
            is_newer
        );
    }
    assert!(!view.has_newer_in(KeyRange::new(&[0], &[5])));
    assert!(view.has_newer_in(KeyRange::new(&[0], &[6])));
    assert!(
        !overlay.view().has_newer(&[5]),
        "a view of now has nothing newer"
    );
}

/// Telling what is newer in a range takes bounded time, since a search is not paid for it.
#[test]
fn a_view_does_not_look_through_many_changes_for_newer_ones() {
    let key = |at: u16| at.to_be_bytes().to_vec();
    for (changed, is_newer) in [(256, false), (257, true)] {
        let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
        overlay.apply((0..changed).map(|at| (key(at), Some(vec![1]))).collect());
        let view = overlay.view();
        let (start, end) = (key(0), key(999));
        assert!(!view.has_newer_in(KeyRange::new(&start, &end)));
        overlay.apply([(key(1_000), Some(vec![1]))].into_iter().collect());
        let found = view.has_newer_in(KeyRange::new(&start, &end));
        assert_eq!(found, is_newer, "{changed}");
    }
}
