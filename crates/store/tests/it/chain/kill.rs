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

use fusee_store::chain::{ChainStore, Options, Retention};

use super::{advance, check, options};

const ROUNDS: u64 = 10;
const FOLDER_ARGUMENT: &str = "chain=";
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
        let told = run_and_kill_writer(&folder).map_or(survived, |last| last + 1);
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

/// Starts a writer, kills it at some moment, and returns the last height that it was told of.
fn run_and_kill_writer(folder: &Path) -> Option<u64> {
    let mut writer = Command::new(env::current_exe().unwrap())
        .args([
            "chain::kill::writer",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .arg(format!("{FOLDER_ARGUMENT}{}", folder.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut last = None;
    for _ in 0..random(40) {
        last = committed(lines.next().expect("it goes on until it is killed")).or(last);
    }
    thread::sleep(Duration::from_micros(random(20_000)));
    writer.kill().unwrap();
    let status = writer.wait().unwrap();
    assert_eq!(
        status.signal(),
        Some(SIGKILL),
        "it ended by itself: {status}"
    );
    // What it said until then counts.
    for line in lines {
        last = committed(line).or(last);
    }
    last
}

fn committed(line: std::io::Result<String>) -> Option<u64> {
    let line = line.unwrap();
    let (_, height) = line.split_once(COMMITTED)?;
    Some(height.parse().unwrap())
}

/// Not a test but the process that is killed. Does nothing unless it is given a folder.
#[test]
fn writer() {
    let folder = env::args().find_map(|argument| {
        let folder = argument.strip_prefix(FOLDER_ARGUMENT)?;
        Some(PathBuf::from(folder))
    });
    let Some(folder) = folder else {
        return;
    };
    let store = ChainStore::open(&folder, writer_options()).unwrap();
    for _ in 0..100_000 {
        println!("{COMMITTED}{}", advance(&store).height);
    }
}

/// A number below `bound`, another one each time.
fn random(bound: u64) -> u64 {
    RandomState::new().hash_one(bound) % bound
}
