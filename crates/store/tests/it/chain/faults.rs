//! A checkpoint that fails loses nothing.

use std::fs;
use std::path::{Path, PathBuf};

use fusee_state::Diff;
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

/// The third checkpoint waits for the first one, which fails late: its block is durable by then.
#[test]
fn a_commit_that_waits_for_a_failing_checkpoint_is_committed_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    (options.versions, options.checkpoint_keys) = (1, 1);
    let store = ChainStore::open(folder.path(), options).unwrap();
    let many = (0..20_000_u32).map(|key| (key.to_be_bytes().to_vec(), Some(vec![1])));
    let genesis = store.stage(many.collect::<Diff>()).unwrap();
    // Where the database writes what it has after the next ingestion.
    let manifest = tables(folder.path()).with_file_name("v1");
    assert!(!manifest.exists());
    fs::create_dir(manifest).unwrap();
    store.commit(genesis, b"").unwrap();
    let error = loop {
        let height = next(&store);
        let committed = store.commit(store.stage(changes(height)).unwrap(), b"");
        let expected = height + u64::from(committed.is_ok());
        assert_eq!(next(&store), expected, "{committed:?}");
        if let Err(error) = committed {
            break error;
        }
    };
    assert!(
        matches!(error, ChainStoreError::Checkpoint { .. }),
        "{error}"
    );
    assert!(next(&store) > 3, "no checkpoint waited");
}

/// The folder of the tables of the flat state.
fn tables(folder: &Path) -> PathBuf {
    let keyspaces = folder.join("state").join("keyspaces");
    let largest = fs::read_dir(keyspaces)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    largest.max().unwrap().join("tables")
}
