//! What opening accepts, and what it refuses by name without changing anything.

use std::fs;
use std::path::Path;

use fusee_state::Diff;
use fusee_store::chain::{ChainStore, ChainStoreError, Options, Retention, rollback};
use fusee_store::log::LogError;

use super::{IDENTITY, advance, advance_until, changes, check, next, options};

/// A closed store of the stream with checkpoints.
fn stored(folder: &Path, blocks: u64) {
    let store = ChainStore::open(folder, options()).unwrap();
    advance_until(&store, blocks);
    store.wait_for_checkpoints().unwrap();
}

#[test]
fn a_new_store_has_no_state_before_the_genesis() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("new").join("chain");
    let mut options = options();
    options.initial_height = 7;
    let store = ChainStore::open(&folder, options).unwrap();
    assert_eq!(store.head(), None);
    let error = store.version(None).unwrap_err();
    assert!(
        matches!(error, ChainStoreError::NoGenesis { initial: 7 }),
        "{error}"
    );

    let staged = store.stage(changes(0)).unwrap();
    assert_eq!(staged.height(), 7);
    let head = store.commit(staged, b"genesis").unwrap();
    assert_eq!(head.height, 7);
    drop(store);
    let error = ChainStore::open(&folder, super::options()).unwrap_err();
    let expected = "begins at height 7, the genesis is height 0, and there is no state before";
    assert!(error.to_string().contains(expected), "{error}");
    let store = ChainStore::open(&folder, options).unwrap();
    assert_eq!(store.head(), Some(head));
    assert_eq!(store.block(7).unwrap().unwrap().body, b"genesis");
    assert_eq!(store.block(8).unwrap(), None);
}

#[test]
fn reopening_at_every_height_gives_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    for height in 0..30 {
        let store = ChainStore::open(folder.path(), options()).unwrap();
        assert_eq!(next(&store), height);
        check(&store);
        advance(&store);
        store.wait_for_checkpoints().unwrap();
    }
}

#[test]
fn a_checkpoint_trails_the_head_so_that_opening_serves_all_versions_again() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path(), 40);
    let store = ChainStore::open(folder.path(), options()).unwrap();
    assert!(store.checkpoint().unwrap() > 20);
    for height in 36..40 {
        let version = store.version(Some(height)).unwrap();
        super::check_version(&version, &super::model(height));
    }
    let error = store.version(Some(35)).unwrap_err();
    let expected = "height 35 is not served: heights 36 to 39 are";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn no_checkpoint_is_closer_to_the_head_than_the_versions_that_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.versions = 7;
    let store = ChainStore::open(folder.path(), options).unwrap();
    let mut closest = u64::MAX;
    for _ in 0..40 {
        let head = advance(&store);
        store.wait_for_checkpoints().unwrap();
        if let Some(checkpoint) = store.checkpoint() {
            closest = closest.min(head.height - checkpoint);
        }
    }
    assert_eq!(closest, 7);
}

#[test]
fn a_lost_flat_state_is_made_anew_from_all_blocks() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path(), 40);
    fs::remove_dir_all(folder.path().join("state")).unwrap();
    let store = ChainStore::open(folder.path(), options()).unwrap();
    assert_eq!(next(&store), 40);
    check(&store);
    store.wait_for_checkpoints().unwrap();
    assert!(store.checkpoint().unwrap() > 20);
}

#[test]
fn retention_deletes_old_blocks_and_never_those_that_opening_needs() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.retention = Retention::Last(1);
    let store = ChainStore::open(folder.path(), options).unwrap();
    advance_until(&store, 60);
    store.wait_for_checkpoints().unwrap();
    advance(&store);
    let first = store.first_height();
    assert!(first > 20, "{first}");
    assert!(first <= store.checkpoint().unwrap() + 1);
    let error = store.block(first - 1).unwrap_err();
    let expected = format!(
        "height {} is not in the log, which begins at height {first}",
        first - 1
    );
    assert_eq!(error.to_string(), expected);
    check(&store);
    drop(store);
    check(&ChainStore::open(folder.path(), options).unwrap());

    // Now the state cannot be made anew.
    fs::remove_dir_all(folder.path().join("state")).unwrap();
    let error = ChainStore::open(folder.path(), options).unwrap_err();
    assert!(
        matches!(error, ChainStoreError::NoState { initial: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_second_opening_is_refused_while_the_store_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = ChainStore::open(folder.path(), options()).unwrap();
    let error = ChainStore::open(folder.path(), options()).unwrap_err();
    assert!(matches!(error, ChainStoreError::Locked { .. }), "{error}");
    drop(store);
    ChainStore::open(folder.path(), options()).unwrap();
}

#[test]
fn a_foreign_folder_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("thesis.txt");
    fs::write(&foreign, "precious").unwrap();
    let error = ChainStore::open(folder.path(), options()).unwrap_err();
    assert!(
        matches!(&error, ChainStoreError::Foreign { path } if *path == foreign),
        "{error}"
    );
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1);
}

#[test]
fn a_store_of_another_chain_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = Options::new([1; 32]);
    drop(ChainStore::open(folder.path(), options()).unwrap());
    // Before the first checkpoint the log tells, and later the flat state, too.
    let error = ChainStore::open(folder.path(), other).unwrap_err();
    let is_other = matches!(error, ChainStoreError::Log(LogError::OtherIdentity { .. }));
    assert!(is_other, "{error}");
    stored(folder.path(), 40);
    let error = ChainStore::open(folder.path(), other).unwrap_err();
    let ChainStoreError::OtherIdentity {
        found, expected, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((found, expected), (IDENTITY, [1; 32]));
    check(&ChainStore::open(folder.path(), options()).unwrap());
}

#[test]
fn a_state_without_its_log_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("chain");
    stored(&folder, 40);
    let log = folder.join("log");
    let away = root.path().join("away");
    fs::rename(&log, &away).unwrap();
    let error = ChainStore::open(&folder, options()).unwrap_err();
    assert!(matches!(error, ChainStoreError::NoLog { .. }), "{error}");

    // The log of a shorter life of the same chain.
    let short = root.path().join("short");
    let store = ChainStore::open(&short, options()).unwrap();
    advance_until(&store, 5);
    drop(store);
    fs::remove_dir_all(&log).unwrap();
    fs::rename(short.join("log"), &log).unwrap();
    let error = ChainStore::open(&folder, options()).unwrap_err();
    assert!(
        matches!(error, ChainStoreError::Ahead { next: 5, .. }),
        "{error}"
    );

    fs::remove_dir_all(&log).unwrap();
    fs::rename(&away, &log).unwrap();
    check(&ChainStore::open(&folder, options()).unwrap());
}

#[test]
fn a_log_that_is_lost_before_the_first_checkpoint_is_missed() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("chain");
    assert!(!ChainStore::exists(&folder).unwrap());
    let store = ChainStore::open(&folder, options()).unwrap();
    advance(&store);
    assert_eq!(store.checkpoint(), None);
    drop(store);
    let away = root.path().join("away");
    fs::rename(folder.join("log"), &away).unwrap();
    assert!(ChainStore::exists(&folder).unwrap());
    for error in [
        rollback(&folder, options(), 0).unwrap_err(),
        ChainStore::open(&folder, options()).unwrap_err(),
        // Neither has made another one.
        ChainStore::open(&folder, options()).unwrap_err(),
    ] {
        assert!(matches!(error, ChainStoreError::NoLog { .. }), "{error}");
    }
    fs::remove_dir_all(folder.join("log")).unwrap();
    fs::rename(&away, folder.join("log")).unwrap();
    check(&ChainStore::open(&folder, options()).unwrap());

    // What a creation makes first, and a crash can leave alone, is the log.
    let log = root.path().join("new").join("log");
    fs::create_dir_all(&log).unwrap();
    let folder = log.parent().unwrap();
    assert!(!ChainStore::exists(folder).unwrap());
    check(&ChainStore::open(folder, options()).unwrap());
    fs::remove_dir_all(folder.join("state")).unwrap();
    check(&ChainStore::open(folder, options()).unwrap());
}

#[test]
fn a_log_of_other_blocks_is_refused_by_its_roots() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("chain");
    stored(&folder, 40);
    let other = root.path().join("other");
    let store = ChainStore::open(&other, options()).unwrap();
    for height in 0..40 {
        store
            .commit(store.stage(changes(height + 1)).unwrap(), b"")
            .unwrap();
    }
    drop(store);
    fs::remove_dir_all(folder.join("log")).unwrap();
    fs::rename(other.join("log"), folder.join("log")).unwrap();
    let error = ChainStore::open(&folder, options()).unwrap_err();
    assert!(matches!(error, ChainStoreError::Root { .. }), "{error}");
}

#[test]
fn a_block_staged_on_another_head_is_stale() {
    let folder = tempfile::tempdir().unwrap();
    let store = ChainStore::open(folder.path(), options()).unwrap();
    let genesis = store.stage(changes(0)).unwrap();
    let second = genesis.stage(changes(1)).unwrap();
    let error = store.commit(second.clone(), b"").unwrap_err();
    let expected = "the block is staged as height 1 on another head; the next is height 0: stage it \
                    on the head";
    assert_eq!(error.to_string(), expected);
    store.commit(genesis.clone(), b"").unwrap();
    assert!(store.commit(genesis, b"").is_err());
    // Staged before the block before it was committed.
    let head = store.commit(second, b"").unwrap();
    assert_eq!(head.height, 1);
    let model = super::model(1);
    super::check_version(&store.version(None).unwrap(), &model);
}

#[test]
fn keys_that_the_flat_state_cannot_store_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = ChainStore::open(folder.path(), options()).unwrap();
    let with_key = |length: usize| -> Diff {
        [(vec![1; length], Some(vec![2])), (vec![], Some(vec![]))]
            .into_iter()
            .collect()
    };
    let error = store.stage(with_key(65_535)).unwrap_err();
    let expected = "a key of 65535 bytes is longer than the limit of 65534 bytes";
    assert_eq!(error.to_string(), expected);
    store
        .commit(store.stage(with_key(65_534)).unwrap(), b"")
        .unwrap();
    for _ in 0..10 {
        store.commit(store.stage(changes(1)).unwrap(), b"").unwrap();
    }
    store.wait_for_checkpoints().unwrap();
    assert!(store.checkpoint().is_some());
    drop(store);
    let store = ChainStore::open(folder.path(), options()).unwrap();
    let version = store.version(None).unwrap();
    let entries: Vec<_> = version.entries().map(Result::unwrap).collect();
    let lengths: Vec<_> = entries.iter().map(|(key, _)| key.len()).collect();
    assert!(
        lengths.contains(&65_534) && lengths.contains(&0),
        "{lengths:?}"
    );
}
