//! Opening: what is made, what is refused, and what is left alone.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use fusee_store::{Foreign, Store, StoreError};
use redb::{Database, ReadableDatabase, TableDefinition};

use crate::support::{advance, check};

#[test]
fn a_missing_directory_is_made_with_those_above_it() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("some/where/new");
    advance(&Store::open(&directory).unwrap(), 0);
    let store = Store::open(&directory).unwrap();
    assert_eq!(store.snapshot().unwrap().sequence(), 1);
}

#[test]
fn what_a_crash_left_while_making_the_store_is_no_obstacle() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("lock"), b"").unwrap();
    fs::write(
        root.path().join("state.redb.new"),
        b"redb\x1a\x0a half a file",
    )
    .unwrap();
    let store = Store::open(root.path()).unwrap();
    check(&store.snapshot().unwrap());
    assert!(!root.path().join("state.redb.new").exists());
}

#[test]
fn an_open_store_is_locked() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let locked = Store::open(root.path()).unwrap_err();
    assert!(matches!(&locked, StoreError::Locked { path } if path == root.path()));
    assert_eq!(
        locked.to_string(),
        format!("{} is in use by another process", root.path().display())
    );
    advance(&store, 0);
    drop(store);
    Store::open(root.path()).unwrap();
}

#[test]
fn of_many_that_make_the_same_store_one_gets_it() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("store");
    let barrier = Barrier::new(8);
    let opened: Vec<_> = thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let opened = Store::open(&directory);
                    // Nobody closes before all have tried.
                    barrier.wait();
                    opened
                })
            })
            .collect();
        tries
            .into_iter()
            .map(|tried| tried.join().unwrap())
            .collect()
    });
    let mut stores = 0;
    for opened in opened {
        match opened {
            Ok(_) => stores += 1,
            Err(error) => assert!(matches!(error, StoreError::Locked { .. }), "{error:?}"),
        }
    }
    assert_eq!(stores, 1);
}

#[test]
fn a_directory_of_other_files_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("thesis.tex"), b"years of work").unwrap();
    check_foreign(
        root.path(),
        root.path(),
        Foreign::OtherFiles,
        "a directory with other files",
    );
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn an_empty_file_is_foreign() {
    check_foreign_file(b"");
}

#[test]
fn a_short_file_is_foreign() {
    check_foreign_file(b"redb");
}

#[test]
fn garbage_is_foreign() {
    check_foreign_file(&[0xa5; 100_000]);
}

#[test]
fn a_directory_in_place_of_the_file_is_foreign() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state.redb");
    fs::create_dir(&path).unwrap();
    check_foreign(
        root.path(),
        &path,
        Foreign::NoFile,
        "a directory or special file",
    );
}

#[test]
fn an_empty_database_is_foreign() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state.redb");
    drop(Database::create(&path).unwrap());
    check_foreign(
        root.path(),
        &path,
        Foreign::OtherDatabase,
        "a database of another program",
    );
}

#[test]
fn another_programs_database_is_foreign_and_keeps_its_content() {
    const META: TableDefinition<'_, u64, u64> = TableDefinition::new("meta");
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state.redb");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert(1, 2).unwrap();
    transaction.commit().unwrap();
    drop(database);

    check_foreign(
        root.path(),
        &path,
        Foreign::OtherDatabase,
        "a database of another program",
    );
    let database = Database::open(&path).unwrap();
    let meta = database.begin_read().unwrap().open_table(META).unwrap();
    assert_eq!(meta.get(1).unwrap().unwrap().value(), 2);
}

#[test]
fn another_magic_is_foreign() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state.redb");
    edit_meta(root.path(), "magic", b"rival store");
    check_foreign(
        root.path(),
        &path,
        Foreign::OtherDatabase,
        "a database of another program",
    );
}

#[test]
fn an_older_format_is_refused_and_left_alone() {
    check_format(
        1,
        "the formats of keys and values have changed since it was written; use the version that \
         wrote it, or begin a new store in another directory",
    );
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    check_format(
        7,
        "a newer version wrote it; use that version, or begin a new store in another directory",
    );
}

fn check_format(found: u32, advice: &str) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state.redb");
    edit_meta(root.path(), "format", &found.to_le_bytes());
    // Again, since the first refusal must not have changed anything.
    for _ in 0..2 {
        let refused = Store::open(root.path()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "{} has store format {found}, this program reads only format 3: {advice}",
                path.display()
            )
        );
    }
}

#[test]
fn a_meta_table_that_makes_no_sense_is_damage() {
    for (field, value, cause) in [
        (
            "sequence",
            b"many".as_slice(),
            "a field of its meta table is missing or has another size",
        ),
        (
            "root",
            &[1; 32],
            "its state has another root than was committed",
        ),
    ] {
        let root = tempfile::tempdir().unwrap();
        edit_meta(root.path(), field, value);
        let damaged = Store::open(root.path()).unwrap_err();
        let StoreError::Corrupt { path, source } = &damaged else {
            panic!("{damaged:?}");
        };
        assert_eq!(*path, root.path().join("state.redb"));
        assert_eq!(source.to_string(), cause);
    }
}

#[test]
fn a_file_in_place_of_the_directory_is_an_error_of_the_operating_system() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    fs::write(&path, b"text").unwrap();
    check_io(&path, &path, "not a directory");
    check_io(&path.join("below"), &path.join("below"), "Not a directory");
    assert_eq!(fs::read(&path).unwrap(), b"text");
}

/// The kernel's own file systems refuse new files even to the superuser.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_takes_no_files_is_an_error_of_the_operating_system() {
    let path = Path::new("/proc/fusee/store");
    check_io(path, Path::new("/proc/fusee"), "No such file or directory");
}

#[cfg(unix)]
#[test]
fn a_read_only_directory_is_an_error_of_the_operating_system() {
    use std::os::unix::fs::PermissionsExt;

    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser may write all the same.
    if fs::write(root.path().join("lock"), b"").is_err() {
        check_io(root.path(), &root.path().join("lock"), "Permission denied");
    }
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

fn check_foreign_file(content: &[u8]) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state.redb");
    fs::write(&path, content).unwrap();
    check_foreign(
        root.path(),
        &path,
        Foreign::OtherKind,
        "a file of another format",
    );
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

fn check_foreign(directory: &Path, at: &Path, expected: Foreign, text: &str) {
    let refused = Store::open(directory).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Foreign { path, found } if path == at && *found == expected),
        "{refused:?}"
    );
    assert_eq!(
        refused.to_string(),
        format!("{} is {text}, not a store", at.display())
    );
}

fn check_io(directory: &Path, at: &Path, cause: &str) {
    let failed = Store::open(directory).unwrap_err();
    assert!(
        matches!(&failed, StoreError::Io { path, .. } if path == at),
        "{failed:?}"
    );
    assert_eq!(
        failed.to_string(),
        format!("reading or writing {} failed", at.display())
    );
    let source = failed.source().unwrap().to_string();
    assert!(source.contains(cause), "{source}");
}

/// Makes a store and changes a field of its meta table.
fn edit_meta(directory: &Path, field: &str, value: &[u8]) {
    const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    drop(Store::open(directory).unwrap());
    let database = Database::open(directory.join("state.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(META)
        .unwrap()
        .insert(field, value)
        .unwrap();
    transaction.commit().unwrap();
}
