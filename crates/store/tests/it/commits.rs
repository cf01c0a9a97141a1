//! What commits do and what snapshots see.

use std::sync::Arc;
use std::thread;

use fusee_state::{Diff, Journal, StateReader};
use fusee_store::{Commit, Snapshot, Store, StoreError};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::{advance, check, diff, receipt};

#[test]
fn a_new_store_is_empty() {
    let (_directory, store) = store(0);
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.sequence(), 0);
    assert_eq!(snapshot.history(), [0; 32]);
    assert_eq!(snapshot.read(b"latest").unwrap(), None);
    assert_eq!(snapshot.receipt(0).unwrap(), None);
    check(&snapshot);
}

#[test]
fn commits_survive_reopening() {
    let (directory, store) = store(40);
    let before = store.snapshot().unwrap();
    let expected = (before.history(), before.root());
    drop((before, store));

    let store = Store::open(directory.path()).unwrap();
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.sequence(), 40);
    assert_eq!((snapshot.history(), snapshot.root()), expected);
    check(&snapshot);
    advance(&store, 40);
}

#[test]
fn a_snapshot_sees_no_later_commit() {
    let (_directory, store) = store(3);
    let snapshot = store.snapshot().unwrap();
    let (history, root) = (snapshot.history(), snapshot.root());
    for sequence in 3..20 {
        advance(&store, sequence);
        check(&store.snapshot().unwrap());
    }
    assert_eq!(snapshot.sequence(), 3);
    assert_eq!(snapshot.history(), history);
    assert_eq!(snapshot.root(), root);
    assert_eq!(snapshot.receipt(3).unwrap(), None);
    check(&snapshot);
}

#[test]
fn snapshots_are_read_while_commits_go_on() {
    let (_directory, store) = store(0);
    let store = Arc::new(store);
    let writer = {
        let store = Arc::clone(&store);
        thread::spawn(move || (0..60).for_each(|sequence| advance(&store, sequence)))
    };
    let mut last = 0;
    while last < 60 {
        let snapshot = store.snapshot().unwrap();
        assert!(snapshot.sequence() >= last);
        last = snapshot.sequence();
        check(&snapshot);
    }
    writer.join().unwrap();
}

#[test]
fn a_snapshot_outlives_its_store_and_keeps_it_locked() {
    let (directory, store) = store(5);
    let snapshot = store.snapshot().unwrap();
    drop(store);
    check(&snapshot);
    let locked = Store::open(directory.path()).unwrap_err();
    assert!(matches!(locked, StoreError::Locked { .. }), "{locked:?}");
    drop(snapshot);
    Store::open(directory.path()).unwrap();
}

#[test]
fn a_journal_runs_on_a_snapshot() {
    let (_directory, store) = store(0);
    let snapshot = Arc::new(store.snapshot().unwrap());
    let mut journal = Journal::new(snapshot.clone());
    journal.write(b"a".to_vec(), b"1".to_vec());
    let diff = journal.into_diff();
    commit(&store, snapshot.sequence(), &diff).unwrap();
    let snapshot = store.snapshot().unwrap();
    assert_eq!(
        snapshot.read(b"a").unwrap().as_deref(),
        Some(b"1".as_slice())
    );
}

#[test]
fn a_commit_from_an_older_snapshot_is_refused_and_changes_nothing() {
    let (_directory, store) = store(5);
    for wrong in [4, 6] {
        let stale = commit(&store, wrong, &diff(0)).unwrap_err();
        assert!(
            matches!(stale, StoreError::Stale { found, expected: 5, .. } if found == wrong),
            "{stale:?}"
        );
        assert!(stale.to_string().ends_with(&format!(
            "is at transaction 5, the commit is transaction {wrong}"
        )));
    }
    check(&store.snapshot().unwrap());
    advance(&store, 5);
}

#[test]
fn one_of_two_commits_from_the_same_snapshot_wins() {
    let (_directory, store) = store(0);
    let won = thread::scope(|scope| {
        let tries = [0, 1].map(|_| scope.spawn(|| commit(&store, 0, &diff(0)).is_ok()));
        tries.map(|tried| tried.join().unwrap())
    });
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(store.snapshot().unwrap().sequence(), 1);
}

#[test]
fn scan_yields_the_keys_with_the_prefix_in_order() {
    let (_directory, store) = store(0);
    let keys: [&[u8]; 7] = [b"", b"a", b"a\0", b"a\xff", b"a\xff\xff", b"b", b"\xff"];
    let diff: Diff = keys
        .iter()
        .map(|key| (key.to_vec(), Some(key.to_vec())))
        .collect();
    commit(&store, 0, &diff).unwrap();
    let snapshot = store.snapshot().unwrap();
    let check = |prefix: &[u8], expected: &[&[u8]]| {
        let found: Vec<_> = snapshot.scan(prefix).unwrap().map(Result::unwrap).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|key| (key.to_vec(), key.to_vec()))
            .collect();
        assert_eq!(found, expected, "prefix {prefix:?}");
    };
    check(b"", &keys);
    check(b"a", &[b"a", b"a\0", b"a\xff", b"a\xff\xff"]);
    check(b"a\xff", &[b"a\xff", b"a\xff\xff"]);
    check(b"\xff", &[b"\xff"]);
    check(b"c", &[]);
}

#[test]
fn receipts_are_found_by_number_and_range() {
    let (_directory, store) = store(5);
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.receipt(4).unwrap(), Some(receipt(4)));
    assert_eq!(snapshot.receipt(5).unwrap(), None);
    let numbers = |from, to| -> Vec<u64> {
        let receipts = snapshot.receipts(from..to).unwrap();
        receipts.map(|receipt| receipt.unwrap().0).collect()
    };
    assert_eq!(numbers(1, 3), [1, 2]);
    assert_eq!(numbers(3, 100), [3, 4]);
    assert!(numbers(3, 3).is_empty());
    assert!(numbers(3, 1).is_empty());
}

#[test]
fn the_root_says_what_the_state_is_and_the_history_how_it_came_about() {
    let (_first_directory, first) = store(0);
    let (_second_directory, second) = store(0);
    let one: Diff = [(b"a".to_vec(), Some(b"1".to_vec()))].into_iter().collect();
    let other: Diff = [(b"b".to_vec(), Some(b"2".to_vec()))].into_iter().collect();
    for (store, diffs) in [(&first, [&one, &other]), (&second, [&other, &one])] {
        commit(store, 0, diffs[0]).unwrap();
        commit(store, 1, diffs[1]).unwrap();
    }
    let [first, second] = [first, second].map(|store| store.snapshot().unwrap());
    assert_eq!(first.root(), second.root());
    assert_ne!(first.history(), second.history());

    for (key, value) in [(b"a", Some(b"1")), (b"b", Some(b"2")), (b"c", None)] {
        let proof = first.prove(key).encode();
        let value = value.map(<[u8; 1]>::as_slice);
        assert_eq!(
            fusee_proof::verify(&first.root(), key, value, &proof),
            Ok(())
        );
    }
    let history = sha256(&[&[0; 32], one.encode().as_slice(), b"receipt"].concat());
    let history = sha256(&[&history, other.encode().as_slice(), b"receipt"].concat());
    assert_eq!(first.history(), history);
}

#[test]
fn stores_and_snapshots_are_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Store>();
    check::<Snapshot>();
    check::<StoreError>();
}

/// A store with that many transactions of the stream.
fn store(transactions: u64) -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    for sequence in 0..transactions {
        advance(&store, sequence);
    }
    (directory, store)
}

fn commit(store: &Store, sequence: u64, diff: &Diff) -> Result<u64, StoreError> {
    store.commit(Commit {
        sequence,
        diff,
        receipt: b"receipt",
    })
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
