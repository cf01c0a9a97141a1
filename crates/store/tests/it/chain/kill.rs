//! A process that is killed while it commits and writes checkpoints loses no block that it has been
//! told is committed, and opens with the roots of their records.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use fusee_store::chain::snapshot::{Import, MANIFEST, Manifest, chunk_name};
use fusee_store::chain::{ChainStore, Options, Retention};

use super::{advance, check, options};

const ROUNDS: u64 = 10;
const FOLDER_ARGUMENT: &str = "chain=";
const IMPORT_ARGUMENT: &str = "import=";
const COMMITTED: &str = "committed ";
const SIGKILL: i32 = 9;

/// A checkpoint every few blocks, so that most kills meet one.
fn writer_options() -> Options {
    let mut options = options();
    options.retention = Retention::Last(40);
    options
}

#[test]
fn killing_the_writer_loses_no_block() {
    let (survived, checkpoints) = torture(ROUNDS);
    assert!(survived > ROUNDS, "{survived} blocks show nothing");
    assert!(checkpoints > 2, "{checkpoints} checkpoints show nothing");
}

/// The rounds that `FUSEE_TORTURE_ROUNDS` names, default: 1,000.
#[test]
#[ignore = "runs for minutes"]
fn kill_for_many_rounds() {
    #[allow(clippy::disallowed_methods, reason = "the argument of a test")]
    let rounds = env::var("FUSEE_TORTURE_ROUNDS").map_or(1_000, |rounds| rounds.parse().unwrap());
    let (survived, checkpoints) = torture(rounds);
    println!("{rounds} kills: {survived} blocks, checkpoints moved in {checkpoints} rounds");
}

fn torture(rounds: u64) -> (u64, u64) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("chain");
    let (mut survived, mut checkpoint, mut checkpoints) = (0, None, 0);
    for round in 0..rounds {
        let (last, is_finished) = run_and_kill("writer", FOLDER_ARGUMENT, &folder);
        assert!(!is_finished, "it goes on until it is killed");
        let told = last.map_or(survived, |last| last + 1);
        let store = ChainStore::open(&folder, writer_options()).unwrap();
        let next = super::next(&store);
        assert!(
            (told..=told + 1).contains(&next),
            "round {round}: told of all heights below {told}, the store is at {next}"
        );
        check(&store);
        checkpoints += u64::from(store.checkpoint() > checkpoint);
        checkpoint = store.checkpoint();
        survived = next;
        if survived > 2_000 {
            // The model of a long stream takes time.
            drop(store);
            std::fs::remove_dir_all(&folder).unwrap();
            (survived, checkpoint) = (0, None);
        }
    }
    (survived, checkpoints)
}

#[test]
fn a_killed_import_goes_on_until_it_is_finished() {
    let root = tempfile::tempdir().unwrap();
    let store = ChainStore::open(&root.path().join("chain"), options()).unwrap();
    while super::next(&store) < 60 {
        advance(&store);
    }
    let manifest = store
        .export(None, &root.path().join("snapshot"), 10)
        .unwrap();
    let chunks = u64::from(manifest.chunks());
    let (mut lives, mut done) = (0, 0);
    while done < chunks {
        let (last, is_finished) = run_and_kill("importer", IMPORT_ARGUMENT, root.path());
        let told = last.map_or(done, |last| last + 1);
        assert!(told >= done, "chunk {done} was imported, and then again");
        if is_finished {
            break;
        }
        (lives, done) = (lives + 1, told);
    }
    assert!(lives > 1, "the import was never killed");
    let imported = root.path().join("imported");
    if !imported.exists() {
        let import = Import::begin(&imported, options(), manifest, manifest.head).unwrap();
        import.finish().unwrap();
    }
    let store = ChainStore::open(&imported, options()).unwrap();
    super::check_version(&store.version(None).unwrap(), &super::model(59));
}

/// Not a test but a process that is killed: imports the chunks that are missing.
#[test]
fn importer() {
    let Some(root) = argument(IMPORT_ARGUMENT) else {
        return;
    };
    let snapshot = root.join("snapshot");
    let manifest = Manifest::decode(&std::fs::read(snapshot.join(MANIFEST)).unwrap()).unwrap();
    let imported = root.join("imported");
    let import = Import::begin(&imported, options(), manifest, manifest.head).unwrap();
    for number in import.missing().unwrap() {
        let chunk = std::fs::read(snapshot.join(chunk_name(number))).unwrap();
        import.add(number, &chunk).unwrap();
        println!("{COMMITTED}{number}");
    }
    import.finish().unwrap();
}

/// Starts a process of this binary, kills it at some moment, and returns the last number that it
/// was told, and whether the process has ended by itself before.
fn run_and_kill(test: &str, argument: &str, folder: &Path) -> (Option<u64>, bool) {
    let mut writer = Command::new(env::current_exe().unwrap())
        .arg(format!("chain::kill::{test}"))
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("{argument}{}", folder.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut last = None;
    for line in lines.by_ref().take(usize::try_from(random(30)).unwrap()) {
        last = committed(line).or(last);
    }
    thread::sleep(Duration::from_micros(random(10_000)));
    writer.kill().unwrap();
    let status = writer.wait().unwrap();
    assert!(
        status.success() || status.signal() == Some(SIGKILL),
        "{status}"
    );
    // What it said until then counts.
    for line in lines {
        last = committed(line).or(last);
    }
    (last, status.success())
}

fn committed(line: std::io::Result<String>) -> Option<u64> {
    let line = line.unwrap();
    let (_, height) = line.split_once(COMMITTED)?;
    Some(height.parse().unwrap())
}

/// Not a test but the process that is killed. Does nothing unless it is given a folder.
#[test]
fn writer() {
    let Some(folder) = argument(FOLDER_ARGUMENT) else {
        return;
    };
    let store = ChainStore::open(&folder, writer_options()).unwrap();
    for _ in 0..100_000 {
        println!("{COMMITTED}{}", advance(&store).height);
    }
}

/// The path of an argument of this process.
fn argument(name: &str) -> Option<PathBuf> {
    env::args().find_map(|argument| Some(PathBuf::from(argument.strip_prefix(name)?)))
}

/// A number below `bound`, another one each time.
fn random(bound: u64) -> u64 {
    RandomState::new().hash_one(bound) % bound
}
