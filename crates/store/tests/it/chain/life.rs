//! The process that is tortured: it commits blocks, and now and then makes a backup, exports and
//! imports a snapshot, rolls back, and opens the store anew. It says what it does.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use fusee_store::chain::snapshot::{Import, MANIFEST, Manifest, SnapshotError, chunk_name};
use fusee_store::chain::{ChainStore, ChainStoreError, Head, Options, Retention, rollback};
use fusee_store::log::LogError;

use super::{body, changes, next};
use crate::media::Random;

pub(super) const STORE: &str = "chain";
pub(super) const BACKUP: &str = "backup";
pub(super) const SNAPSHOT: &str = "snapshot";
pub(super) const IMPORTED: &str = "imported";

/// What the process says, each with a height.
pub(super) const AT: &str = "at ";
pub(super) const ROLLING: &str = "rolling ";
pub(super) const DROPPED: &str = "dropped ";
pub(super) const BACKED_UP: &str = "backed-up ";
pub(super) const IMPORTING: &str = "importing ";
pub(super) const FAILED: &str = "failed: ";
pub(super) const DONE: &str = "imported ";

const ROOT_ARGUMENT: &str = "root=";
const SEED_ARGUMENT: &str = "seed=";

/// The process, with what is random in it by a seed.
pub(super) fn command(root: &Path, seed: u64) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["chain::life::process", "--exact", "--nocapture"])
        .arg("--test-threads=1")
        .arg(format!("{ROOT_ARGUMENT}{}", root.display()))
        .arg(format!("{SEED_ARGUMENT}{seed}"));
    command
}

/// Not a test but the process. Does nothing unless it is given a folder.
#[test]
fn process() {
    let argument =
        |name: &str| env::args().find_map(|argument| Some(argument.strip_prefix(name)?.to_owned()));
    if let (Some(root), Some(seed)) = (argument(ROOT_ARGUMENT), argument(SEED_ARGUMENT)) {
        live(Path::new(&root), seed.parse().unwrap());
    }
}

/// A segment and a checkpoint every few blocks, so that most faults meet them.
pub(super) fn options() -> Options {
    let mut options = super::options();
    options.retention = Retention::Last(12);
    options
}

/// Lives until all is done, or an error ends it.
fn live(root: &Path, seed: u64) {
    // What is on the line already is not what the process says.
    println!();
    let mut random = Random(seed);
    if let Err(error) = work(root, &mut random) {
        assert!(is_of_the_disk(&error), "{error}: {error:?}");
        println!("{FAILED}{error}");
    }
}

fn is_of_the_disk(error: &SnapshotError) -> bool {
    let SnapshotError::Store(error) = error else {
        return false;
    };
    matches!(
        error,
        ChainStoreError::Io { .. }
            | ChainStoreError::Full { .. }
            | ChainStoreError::Checkpoint { .. }
            | ChainStoreError::State { .. }
            | ChainStoreError::Log(LogError::Io { .. } | LogError::Full { .. })
    )
}

fn work(root: &Path, random: &mut Random) -> Result<(), SnapshotError> {
    let folder = root.join(STORE);
    let mut store = ChainStore::open(&folder, options())?;
    for _ in 0..10 + random.below(40) {
        match random.below(60) {
            0 | 1 => back_up(&store, root)?,
            2 => import(&store, root)?,
            3 => {
                let Some(head) = store.head() else { continue };
                drop(store);
                roll_back(&folder, head.height, random)?;
                store = ChainStore::open(&folder, options())?;
                say_head(&store);
            }
            4 => {
                drop(store);
                store = ChainStore::open(&folder, options())?;
                say_head(&store);
            }
            5..=9 => store.wait_for_checkpoints()?,
            _ => commit(&store)?,
        }
    }
    Ok(())
}

fn say_head(store: &ChainStore) {
    if let Some(head) = store.head() {
        println!("{AT}{}", head.height);
    }
}

fn commit(store: &ChainStore) -> Result<(), SnapshotError> {
    let height = next(store);
    let committed = store.commit(store.stage(changes(height))?, &body(height));
    match committed {
        Ok(_) => say_head(store),
        Err(_) => {
            assert_eq!(next(store), height, "readers see what is not durable");
            let again = store.commit(store.stage(changes(height))?, b"again");
            let again = again.unwrap_err();
            assert!(matches!(again, ChainStoreError::Poisoned { .. }), "{again}");
        }
    }
    Ok(committed.map(drop)?)
}

fn back_up(store: &ChainStore, root: &Path) -> Result<(), SnapshotError> {
    if store.head().is_none() {
        return Ok(());
    }
    let target = root.join(BACKUP);
    drop_folder(&target, BACKUP)?;
    let head = store.backup(&target)?;
    println!("{BACKED_UP}{}", head.height);
    Ok(())
}

fn roll_back(folder: &Path, head: u64, random: &mut Random) -> Result<(), SnapshotError> {
    let height = head - random.below(head.min(8) + 1);
    println!("{ROLLING}{height}");
    match rollback(folder, options(), height) {
        Err(ChainStoreError::RollbackTooFar { .. } | ChainStoreError::NotServed { .. }) => Ok(()),
        rolled => Ok(rolled.map(drop)?),
    }
}

fn import(store: &ChainStore, root: &Path) -> Result<(), SnapshotError> {
    if store.head().is_none() {
        return Ok(());
    }
    for name in [SNAPSHOT, IMPORTED] {
        drop_folder(&root.join(name), name)?;
    }
    drop_folder(&root.join(format!("{IMPORTED}.import")), IMPORTED)?;
    let manifest = store.export(None, &root.join(SNAPSHOT), 400)?;
    println!("{IMPORTING}{}", manifest.head.height);
    let head = finish_import(root)?;
    println!("{DONE}{}", head.height);
    advance_imported(root)
}

/// Imports the chunks that are missing.
pub(super) fn finish_import(root: &Path) -> Result<Head, SnapshotError> {
    let snapshot = root.join(SNAPSHOT);
    let manifest = Manifest::decode(&fs::read(snapshot.join(MANIFEST)).unwrap())?;
    let target = root.join(IMPORTED);
    let import = Import::begin(&target, options(), manifest, manifest.head)?;
    for number in import.missing()? {
        let chunk = fs::read(snapshot.join(chunk_name(number))).unwrap();
        import.add(number, &chunk)?;
    }
    let store = import.finish()?;
    Ok(store.head().expect("it has the state of the snapshot"))
}

fn advance_imported(root: &Path) -> Result<(), SnapshotError> {
    let store = ChainStore::open(&root.join(IMPORTED), options())?;
    for _ in 0..2 {
        let height = next(&store);
        store.commit(store.stage(changes(height))?, &body(height))?;
    }
    Ok(())
}

/// Removes what an earlier life has made.
fn drop_folder(path: &Path, name: &str) -> Result<(), SnapshotError> {
    println!("{DROPPED}{name}");
    if path.exists() {
        let removed = fs::remove_dir_all(path);
        let path = path.to_path_buf();
        removed.map_err(|source| ChainStoreError::Io { path, source })?;
    }
    Ok(())
}
