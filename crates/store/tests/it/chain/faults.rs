//! A checkpoint that fails loses nothing.

use std::fs;
use std::path::{Path, PathBuf};

use fusee_store::chain::{ChainStore, ChainStoreError};

use super::{advance, advance_until, body, changes, check, next, options};

#[test]
fn a_failed_checkpoint_is_told_by_the_next_commit_and_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("chain");
    let store = ChainStore::open(&folder, options()).unwrap();
    advance_until(&store, 20);
    store.wait_for_checkpoints().unwrap();
    let before = store.checkpoint();
    assert!(before.is_some());

    // The folder of tables goes away, as if the disk refused new files.
    let tables = tables(&folder);
    let away = root.path().join("away");
    fs::rename(&tables, &away).unwrap();
    while store.wait_for_checkpoints().is_ok() {
        assert!(next(&store) < 60, "no checkpoint was due");
        advance(&store);
    }
    let height = next(&store);
    let staged = store.stage(changes(height)).unwrap();
    let told = store.commit(staged, &body(height)).unwrap_err();
    let ChainStoreError::Checkpoint { cause, .. } = told else {
        panic!("{told}");
    };
    assert!(cause.contains("reading or writing"), "{cause}");
    let committed = next(&store);
    let staged = store.stage(changes(committed)).unwrap();
    let again = store.commit(staged, b"again").unwrap_err();
    assert!(matches!(again, ChainStoreError::Poisoned { .. }), "{again}");
    assert_eq!(next(&store), committed);
    assert_eq!(store.checkpoint(), before);
    drop(store);

    fs::rename(&away, &tables).unwrap();
    let store = ChainStore::open(&folder, options()).unwrap();
    assert_eq!(next(&store), committed);
    check(&store);
    for _ in 0..20 {
        advance(&store);
    }
    store.wait_for_checkpoints().unwrap();
    assert!(store.checkpoint() > before);
    check(&store);
}

/// The folder of the tables of the flat state.
fn tables(folder: &Path) -> PathBuf {
    let keyspaces = folder.join("state").join("keyspaces");
    let largest = fs::read_dir(keyspaces)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    largest.max().unwrap().join("tables")
}
