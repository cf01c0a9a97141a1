//! A process that is killed in whatever it does loses nothing that it has said.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::life::{self, FAILED};
use super::told::{Met, Told, open};

const ROUNDS: u64 = 40;

/// After how many lives a new store is begun, whose stream is short.
const LIVES: u64 = 40;

/// The longest life of the process, in microseconds. Its start takes some 5,000.
const LONGEST: u64 = 40_000;

const SIGKILL: i32 = 9;

#[test]
fn a_kill_at_any_time_leaves_a_store_that_opens() {
    let met = torture(ROUNDS);
    assert!(met.checkpoints > 5, "{met:?}");
    assert!(met.deleted > 5, "{met:?}");
}

/// The kills that `FUSEE_TORTURE_ROUNDS` names, default: 1,000.
#[test]
#[ignore = "runs for minutes"]
fn kill_for_many_rounds() {
    #[allow(clippy::disallowed_methods, reason = "the argument of a test")]
    let rounds = env::var("FUSEE_TORTURE_ROUNDS").map_or(1_000, |rounds| rounds.parse().unwrap());
    println!("{:#?}", torture(rounds));
}

fn torture(rounds: u64) -> Met {
    let mut met = Met::default();
    while met.kills < rounds {
        let root = tempfile::tempdir().unwrap();
        let mut told = Told::new();
        for _ in 0..LIVES {
            run_and_kill(root.path(), &mut told, &mut met);
            met.rounds += 1;
            told = open(root.path(), told, &mut met);
        }
    }
    met
}

fn run_and_kill(root: &Path, told: &mut Told, met: &mut Met) {
    let mut life = life::command(root, random(u64::MAX));
    let mut life = life.stdout(Stdio::piped()).spawn().unwrap();
    thread::sleep(Duration::from_micros(random(LONGEST)));
    life.kill().unwrap();
    let mut said = String::new();
    life.stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let status = life.wait().unwrap();
    let is_killed = status.signal() == Some(SIGKILL);
    assert!(is_killed || status.success(), "{status}: {said}");
    met.lives += 1;
    met.kills += u64::from(is_killed);
    for line in said.lines() {
        assert!(!line.starts_with(FAILED), "{line}");
        told.hear(line);
    }
}

/// A number below `bound`, another one each time.
fn random(bound: u64) -> u64 {
    RandomState::new().hash_one(bound) % bound
}
