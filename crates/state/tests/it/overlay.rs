//! Transactions on an overlay, against the same transactions with one commit each.

use std::sync::Arc;

use fusee_state::{Diff, Journal, MemoryState, Overlay, StateReader, Value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Few keys, so that transactions meet each other.
const KEYS: u8 = 6;

/// A transaction: it reads some keys, and what it writes depends on what it read.
#[derive(Clone, Debug)]
struct Transaction {
    reads: Vec<u8>,
    writes: Vec<(u8, Option<u8>)>,
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let writes = vec((0..KEYS, option::of(any::<u8>())), 0..4);
    (vec(0..KEYS, 0..4), writes).prop_map(|(reads, writes)| Transaction { reads, writes })
}

/// What a transaction comes to on a state.
fn run(transaction: &Transaction, base: Arc<dyn StateReader>) -> Diff {
    let mut journal = Journal::new(base);
    let mut seen: Vec<u8> = Vec::new();
    for key in &transaction.reads {
        let value = journal.read(&[*key]).unwrap();
        seen.extend(value.iter().flat_map(|value| value.iter().take(4)));
    }
    for (key, value) in &transaction.writes {
        match value {
            Some(value) => journal.write(vec![*key], [seen.as_slice(), &[*value]].concat()),
            None => journal.remove(vec![*key]),
        }
    }
    journal.into_diff()
}

fn entries(reader: &dyn StateReader) -> Vec<Option<Value>> {
    (0..KEYS).map(|key| reader.read(&[key]).unwrap()).collect()
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
