//! A process that is killed while it appends loses nothing that it has been told is durable.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use fusee_store::log::{Log, Options, Retention};

use super::{append_until, options, payload};

const ROUNDS: u64 = 25;
const FOLDER_ARGUMENT: &str = "log=";
const APPENDED: &str = "appended ";
const SIGKILL: i32 = 9;

/// Notes and segments often enough that kills meet them.
fn writer_options() -> Options {
    Options {
        note_interval: 5,
        segment_bytes: 2_000,
        ..options()
    }
}

#[test]
fn killing_the_writer_loses_no_record() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("log");
    let mut survived = 1;
    for round in 0..ROUNDS {
        let told = run_and_kill_writer(&folder).map_or(survived, |last| last + 1);
        let log = Log::open(&folder, writer_options()).unwrap();
        let next = log.next_height();
        assert!(
            (told..=told + 1).contains(&next),
            "round {round}: told of all heights below {told}, the log is at {next}"
        );
        let reader = log.reader();
        let first = log.first_height();
        let mut expected = first;
        for record in reader.records(first) {
            let record = record.unwrap();
            assert_eq!(
                (record.height, record.payload),
                (expected, payload(expected))
            );
            expected += 1;
        }
        assert_eq!(expected, next);
        survived = next;
    }
    assert!(survived > ROUNDS, "{survived} are too few to show anything");
}

/// Starts a writer, kills it at some moment, and returns the last height that it was told of.
fn run_and_kill_writer(folder: &Path) -> Option<u64> {
    let mut writer = Command::new(env::current_exe().unwrap())
        .args([
            "log::kill::writer",
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
        last = appended(lines.next().expect("it goes on until it is killed")).or(last);
    }
    thread::sleep(Duration::from_micros(random(4_000)));
    writer.kill().unwrap();
    let status = writer.wait().unwrap();
    assert_eq!(
        status.signal(),
        Some(SIGKILL),
        "it ended by itself: {status}"
    );
    // What it said until then counts.
    for line in lines {
        last = appended(line).or(last);
    }
    last
}

fn appended(line: std::io::Result<String>) -> Option<u64> {
    let line = line.unwrap();
    let (_, height) = line.split_once(APPENDED)?;
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
    let mut log = Log::open(&folder, writer_options()).unwrap();
    for height in log.next_height()..100_000 {
        append_until(&mut log, height + 1);
        println!("{APPENDED}{height}");
        if height % 40 == 0 {
            let retention = Retention {
                keep_from: height - 30,
                limit: u64::MAX,
            };
            log.prune(retention).unwrap();
        }
    }
}

/// A number below `bound`, another one each time.
fn random(bound: u64) -> u64 {
    RandomState::new().hash_one(bound) % bound
}
