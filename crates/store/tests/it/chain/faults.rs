//! Faults of the log's files and of the flat state's folder lose nothing that was acknowledged.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fusee_store::chain::{ChainStore, ChainStoreError, Retention};
use fusee_store::log::LogError;

use super::{advance, advance_until, body, changes, check, next, options};
use crate::disk::{Disk, FAULTS};
use crate::media::Random;

const ROUNDS: u64 = 12;

/// How often a store is opened in a round.
const LIVES: u64 = 5;

/// What the rounds have met, so that a torture that does nothing is noticed.
#[derive(Debug, Default)]
struct Met {
    faults: u64,
    crashes: u64,
    failed_opens: u64,
    kept_in_flight: u64,
    checkpoints: u64,
    deleted: u64,
}

#[test]
fn random_faults_of_the_log_lose_no_block() {
    let met = torture(0..ROUNDS);
    assert!(met.faults > 10, "{met:?}");
    assert!(met.crashes > 15, "{met:?}");
    assert!(met.checkpoints > 10, "{met:?}");
    assert!(met.deleted > 3, "{met:?}");
}

/// The rounds that `FUSEE_TORTURE_ROUNDS` names, default: 2,000.
#[test]
#[ignore = "runs for minutes"]
fn torture_for_many_rounds() {
    #[allow(clippy::disallowed_methods, reason = "the argument of a test")]
    let rounds = env::var("FUSEE_TORTURE_ROUNDS").map_or(2_000, |rounds| rounds.parse().unwrap());
    println!("{rounds} rounds: {:?}", torture(0..rounds));
}

fn torture(rounds: std::ops::Range<u64>) -> Met {
    let mut met = Met::default();
    for seed in rounds {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            round(seed, &mut met);
        }));
        if let Err(panic) = result {
            eprintln!("the round with seed {seed} failed");
            std::panic::resume_unwind(panic);
        }
    }
    met
}

fn round(seed: u64, met: &mut Met) {
    let mut random = Random(seed);
    let disk = Disk::new(random.next());
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.retention = Retention::Last(12);
    options.segment_bytes = 800 + random.below(2_000);
    let mut acknowledged = 0;
    for life in 0..LIVES {
        if random.one_in(4) {
            disk.arm(random.below(8), FAULTS[random.index(FAULTS.len())]);
        }
        match ChainStore::open_in(folder.path(), Arc::new(disk.clone()), options) {
            Ok(store) => {
                acknowledged = opened(&store, acknowledged, met);
                disk.disarm();
                if !random.one_in(6) {
                    disk.arm(random.below(60), FAULTS[random.index(FAULTS.len())]);
                }
                acknowledged = work(&store, acknowledged, &mut random, met);
            }
            Err(ChainStoreError::Log(LogError::Io { .. } | LogError::Full { .. })) => {
                met.failed_opens += 1;
            }
            // The folder cannot even be listed.
            Err(ChainStoreError::Io { .. }) if disk.is_down() => met.failed_opens += 1,
            Err(error) => panic!("life {life}: {error}"),
        }
        if disk.is_down() || random.one_in(3) {
            disk.crash();
            met.crashes += 1;
        }
        disk.disarm();
    }
    disk.crash();
    let store = ChainStore::open_in(folder.path(), Arc::new(disk), options).unwrap();
    opened(&store, acknowledged, met);
}

/// Checks that the store has what was acknowledged, and at most one block more.
fn opened(store: &ChainStore, acknowledged: u64, met: &mut Met) -> u64 {
    let next = next(store);
    assert!(
        (acknowledged..=acknowledged + 1).contains(&next),
        "all heights below {acknowledged} are acknowledged, the store is at {next}"
    );
    met.kept_in_flight += next - acknowledged;
    met.checkpoints += u64::from(store.checkpoint().is_some());
    met.deleted += u64::from(store.first_height() > 0);
    check(store);
    next
}

/// Commits until a fault happens, or for a while.
fn work(store: &ChainStore, mut acknowledged: u64, random: &mut Random, met: &mut Met) -> u64 {
    for _ in 0..random.below(50) {
        let staged = store.stage(changes(acknowledged)).unwrap();
        match store.commit(staged, &body(acknowledged)) {
            Ok(head) => assert_eq!(head.height, acknowledged),
            Err(error) => {
                met.faults += 1;
                assert!(matches!(error, ChainStoreError::Log(_)), "{error}");
                assert_eq!(next(store), acknowledged, "readers see what is not durable");
                let staged = store.stage(changes(acknowledged)).unwrap();
                let again = store.commit(staged, b"again").unwrap_err();
                assert!(matches!(again, ChainStoreError::Poisoned { .. }), "{again}");
                return acknowledged;
            }
        }
        acknowledged += 1;
    }
    acknowledged
}

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
