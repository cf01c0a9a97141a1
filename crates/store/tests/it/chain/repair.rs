//! Rollback, doctor and backup.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;

use fusee_store::chain::snapshot::SnapshotError;
use fusee_store::chain::{ChainStore, ChainStoreError, Finding, Retention, doctor, rollback};
use fusee_store::log::LogError;

use super::damage::{copy, files, flip};
use super::{advance, advance_until, check, model, next, options};

fn stored(folder: &Path, blocks: u64) {
    let store = ChainStore::open(folder, options()).unwrap();
    advance_until(&store, blocks);
    store.wait_for_checkpoints().unwrap();
}

#[test]
fn a_rollback_goes_back_to_any_kept_height_and_the_chain_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let good = root.path().join("good");
    stored(&good, 40);
    // Also before the flat state, which is made anew then.
    for height in [0, 3, 20, 37, 38, 39] {
        let folder = root.path().join(height.to_string());
        copy(&good, &folder);
        let head = rollback(&folder, options(), height).unwrap();
        assert_eq!(head.height, height);
        let store = ChainStore::open(&folder, options()).unwrap();
        assert_eq!(store.head(), Some(head));
        check(&store);
        advance_until(&store, 45);
        check(&store);
    }
    let error = rollback(&good, options(), 40).unwrap_err();
    assert_eq!(
        error.to_string(),
        "height 40 is not served: heights 0 to 39 are"
    );
    check(&ChainStore::open(&good, options()).unwrap());
}

#[test]
fn a_rollback_to_a_state_that_is_gone_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.retention = Retention::Last(1);
    let store = ChainStore::open(folder.path(), options).unwrap();
    advance_until(&store, 60);
    store.wait_for_checkpoints().unwrap();
    advance(&store);
    let (first, checkpoint) = (store.first_height(), store.checkpoint().unwrap());
    assert!(first < checkpoint, "{first}, {checkpoint}");
    drop(store);
    let error = rollback(folder.path(), options, checkpoint - 1).unwrap_err();
    let is_too_far = matches!(error, ChainStoreError::RollbackTooFar { .. });
    assert!(is_too_far, "{error}");
    let error = rollback(folder.path(), options, first - 1).unwrap_err();
    assert!(
        matches!(error, ChainStoreError::NotServed { .. }),
        "{error}"
    );
    let store = ChainStore::open(folder.path(), options).unwrap();
    assert_eq!(next(&store), 61);
    drop(store);
    let head = rollback(folder.path(), options, checkpoint).unwrap();
    assert_eq!(head.height, checkpoint);
    check(&ChainStore::open(folder.path(), options).unwrap());
}

/// Every file with its content.
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let paths = files(folder).into_iter();
    paths
        .map(|path| (path.clone(), fs::read(folder.join(path)).unwrap()))
        .collect()
}

#[test]
fn the_doctor_verifies_a_healthy_store_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let error = doctor(folder.path(), options()).unwrap_err();
    assert!(matches!(error, ChainStoreError::NoStore { .. }), "{error}");
    stored(folder.path(), 40);
    let before = contents(folder.path());
    let report = doctor(folder.path(), options()).unwrap();
    assert!(report.is_healthy(), "{report:?}");
    assert_eq!(
        (report.blocks, report.roots, report.first_height),
        (40, 40, 0)
    );
    assert_eq!(report.head.unwrap().height, 39);
    let checkpoint = report.checkpoint.unwrap();
    assert_eq!(
        report.entries,
        u64::try_from(model(checkpoint).len()).unwrap()
    );
    assert!(
        contents(folder.path()) == before,
        "the doctor has changed the store"
    );
    let store = ChainStore::open(folder.path(), options()).unwrap();
    let error = doctor(folder.path(), options()).unwrap_err();
    assert!(matches!(error, ChainStoreError::Locked { .. }), "{error}");
    drop(store);
}

#[test]
fn the_doctor_names_what_is_wrong() {
    let root = tempfile::tempdir().unwrap();
    let good = root.path().join("good");
    stored(&good, 40);
    let bad = |name: &str| {
        let folder = root.path().join(name);
        copy(&good, &folder);
        folder
    };
    let one = |folder: &Path| {
        let report = doctor(folder, options()).unwrap();
        let finding = report
            .findings
            .into_iter()
            .next()
            .expect("something is wrong");
        let text = finding.to_string();
        (finding, text)
    };

    let damaged = bad("damaged");
    let log = files(&damaged.join("log"));
    let segment = log
        .iter()
        .find(|path| path.extension().is_some_and(|kind| kind == "seg"))
        .unwrap();
    flip(&damaged.join("log").join(segment), 3_000);
    let (finding, text) = one(&damaged);
    let Finding::Fault(ChainStoreError::Log(LogError::Damaged { path, .. })) = finding else {
        panic!("{text}");
    };
    assert_eq!(path, damaged.join("log").join(segment));

    let torn = bad("torn");
    let last = torn.join("log").join(
        log.iter()
            .rfind(|path| path.extension().is_some_and(|kind| kind == "seg"))
            .unwrap(),
    );
    let mut bytes = fs::read(&last).unwrap();
    bytes.extend([1; 50]);
    fs::write(&last, bytes).unwrap();
    let (finding, text) = one(&torn);
    assert!(matches!(finding, Finding::Torn(_)), "{text}");
    let expected = "a crash has interrupted the commit of height 40: opening cuts off 50 bytes, \
                    and nothing acknowledged is lost";
    assert_eq!(text, expected);
    let report = doctor(&torn, options()).unwrap();
    assert!(report.is_healthy(), "{report:?}");

    let no_log = bad("no_log");
    fs::remove_dir_all(no_log.join("log")).unwrap();
    let (finding, text) = one(&no_log);
    assert!(
        matches!(finding, Finding::Fault(ChainStoreError::NoLog { .. })),
        "{text}"
    );

    let state = bad("state");
    let tables = files(&state.join("state")).into_iter();
    let tables = tables.filter(|path| path.parent().unwrap().ends_with("tables"));
    for table in tables {
        flip(&state.join("state").join(table), 200);
    }
    let (finding, text) = one(&state);
    assert!(
        matches!(finding, Finding::Fault(ChainStoreError::Damaged { .. })),
        "{text}"
    );
    assert!(text.contains("if the log has all blocks, remove"), "{text}");
}

#[test]
fn the_doctor_finds_no_fault_with_what_a_crash_has_left_of_a_creation() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("chain");
    drop(ChainStore::open(&folder, options()).unwrap());
    // Backwards, from the last file of a creation to the first one.
    let steps: [&dyn Fn(); 6] = [
        &|| fs::remove_file(folder.join("lock")).unwrap(),
        &|| fs::remove_dir_all(folder.join("state")).unwrap(),
        &|| fs::remove_file(folder.join("log/acknowledged")).unwrap(),
        &|| {
            let names = files(&folder.join("log")).into_iter();
            let mut names = names.filter(|name| name.extension().is_some_and(|end| end == "seg"));
            fs::remove_file(folder.join("log").join(names.next().unwrap())).unwrap();
        },
        &|| fs::remove_file(folder.join("log/lock")).unwrap(),
        &|| fs::remove_dir_all(folder.join("log")).unwrap(),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        step();
        let report = doctor(&folder, options()).unwrap();
        assert!(report.findings.is_empty(), "{number}: {report:?}");
        let copied = root.path().join(number.to_string());
        copy(&folder, &copied);
        check(&ChainStore::open(&copied, options()).unwrap());
    }
}

#[test]
fn a_backup_made_while_blocks_go_on_opens_and_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let mut options = options();
    options.retention = Retention::Last(10);
    let store = ChainStore::open(&root.path().join("chain"), options).unwrap();
    let target = root.path().join("backup");
    let error = store.backup(&target).unwrap_err();
    assert!(
        matches!(error, ChainStoreError::NoGenesis { .. }),
        "{error}"
    );
    advance_until(&store, 40);
    for number in 0..4 {
        let target = root.path().join(format!("backup{number}"));
        let head = thread::scope(|scope| {
            let backup = scope.spawn(|| store.backup(&target).unwrap());
            for _ in 0..30 {
                advance(&store);
            }
            backup.join().unwrap()
        });
        let restored = ChainStore::open(&target, options).unwrap();
        assert_eq!(restored.head(), Some(head));
        check(&restored);
        advance_until(&restored, head.height + 30);
        check(&restored);
        drop(restored);
        assert!(doctor(&target, options).unwrap().is_healthy());
    }
    let error = store.backup(&root.path().join("backup0")).unwrap_err();
    assert!(matches!(error, ChainStoreError::Exists { .. }), "{error}");
    check(&store);
}

#[test]
fn a_new_folder_replaces_nothing_and_leaves_nothing() {
    type Make = fn(&ChainStore, &Path) -> Result<(), ChainStoreError>;
    let backup: Make = |store, target| store.backup(target).map(|_| ());
    let export: Make = |store, target| match store.export(None, target, 1 << 20) {
        Ok(_) => Ok(()),
        Err(SnapshotError::Store(error)) => Err(error),
        Err(error) => panic!("{error}"),
    };
    for make in [backup, export] {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("chain");
        let store = ChainStore::open(&folder, options()).unwrap();
        advance_until(&store, 5);
        let names = || {
            let entries = fs::read_dir(root.path()).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.collect::<BTreeSet<_>>()
        };
        // Another one's, which has the name that the folder would have first.
        let others = root.path().join("new.0.unfinished");
        fs::create_dir(&others).unwrap();
        fs::write(others.join("thesis.txt"), "precious").unwrap();
        make(&store, &root.path().join("new/")).unwrap();
        let expected = ["chain", "new", "new.0.unfinished"].map(String::from);
        assert_eq!(names(), BTreeSet::from(expected));
        assert!(others.join("thesis.txt").exists());

        let link = root.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        for inside in [
            "chain/new",
            "chain/state/new/deep",
            "link/new",
            "chain/../link/x",
        ] {
            let error = make(&store, &root.path().join(inside)).unwrap_err();
            let is_inside = matches!(error, ChainStoreError::InsideStore { .. });
            assert!(is_inside, "{inside}: {error}");
        }
        fs::remove_file(&link).unwrap();
        let error = make(&store, &root.path().join("new/")).unwrap_err();
        assert!(matches!(error, ChainStoreError::Exists { .. }), "{error}");

        // One that fails leaves nothing either.
        let empty = ChainStore::open(&root.path().join("empty"), options()).unwrap();
        make(&empty, &root.path().join("fails")).unwrap_err();
        assert!(
            names().iter().all(|name| !name.starts_with("fails")),
            "{:?}",
            names()
        );
        drop(store);
        check(&ChainStore::open(&folder, options()).unwrap());
    }
}
