//! A process that is killed while it commits loses nothing that it has been told is committed,
//! and leaves no half of a transaction.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use fusee_store::Store;

use crate::support::{advance, check};

const ROUNDS: u64 = 20;
const STORE_ARGUMENT: &str = "store=";
const COMMITTED: &str = "committed ";
const SIGKILL: i32 = 9;

/// What a writer that nobody kills commits: so many that it is always killed, and still an end.
const WRITER_END: u64 = 100_000;

#[test]
fn killing_the_writer_loses_and_tears_nothing() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("store");
    let mut survived = 0;
    for round in 0..ROUNDS {
        let committed = run_and_kill_writer(&directory);
        let store = Store::open(&directory).unwrap();
        let snapshot = store.snapshot().unwrap();
        let sequence = snapshot.sequence();
        let promised = committed.map_or(survived, |last| last + 1);
        assert!(
            sequence >= promised,
            "round {round}: {promised} transactions were committed, {sequence} are left"
        );
        check(&snapshot);
        survived = sequence;
    }
    assert!(
        survived > ROUNDS,
        "{survived} transactions are too few to show anything"
    );
}

/// Starts a writer, kills it at some moment, and returns the last commit that it was told of.
fn run_and_kill_writer(directory: &Path) -> Option<u64> {
    let mut writer = Command::new(env::current_exe().unwrap())
        .args(["kill::writer", "--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("{STORE_ARGUMENT}{}", directory.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    // At times before the writer has opened the store, mostly in the midst of commits.
    let mut last = None;
    for _ in 0..random(40) {
        last = committed(lines.next()).or(last);
    }
    thread::sleep(Duration::from_micros(random(4_000)));
    kill(&mut writer);
    // What it said until then counts.
    for line in lines {
        last = committed(Some(line)).or(last);
    }
    last
}

fn kill(writer: &mut Child) {
    writer.kill().unwrap();
    let status = writer.wait().unwrap();
    assert_eq!(
        status.signal(),
        Some(SIGKILL),
        "the writer ended by itself: {status}"
    );
}

fn committed(line: Option<std::io::Result<String>>) -> Option<u64> {
    let line = line
        .expect("the writer goes on until it is killed")
        .unwrap();
    let (_, sequence) = line.split_once(COMMITTED)?;
    Some(sequence.parse().unwrap())
}

/// Not a test but the process that is killed. Does nothing unless it is given a store.
#[test]
fn writer() {
    let directory = env::args().find_map(|argument| {
        let directory = argument.strip_prefix(STORE_ARGUMENT)?;
        Some(PathBuf::from(directory))
    });
    let Some(directory) = directory else {
        return;
    };
    let store = Store::open(&directory).unwrap();
    let sequence = store.snapshot().unwrap().sequence();
    for sequence in sequence..WRITER_END {
        advance(&store, sequence);
        println!("{COMMITTED}{sequence}");
    }
}

/// A number below `bound`, another one each time.
fn random(bound: u64) -> u64 {
    RandomState::new().hash_one(bound) % bound
}
