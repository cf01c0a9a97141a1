//! A call that is killed has happened or has not; one that was acknowledged has.

use std::{
    hash::{BuildHasher, RandomState},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::support::Folder;

const ROUNDS: u64 = 30;

#[test]
fn killed_calls_are_committed_whole_or_not_at_all() {
    let folder = Folder::new();
    let counter = folder.deploy("counter.wasm");
    let mut acknowledged = 0;
    for _ in 0..ROUNDS {
        let call = folder.command(&format!("call {counter} increment --engine wasmi"));
        acknowledged += u64::from(run_and_kill(call));
    }
    let count = folder.json(&format!("query {counter} value"), 0)["output"].take();
    let digits = count.as_str().unwrap().strip_prefix("0x").unwrap();
    let count = u64::from_le_bytes(hex::decode(digits).unwrap().try_into().unwrap());
    assert!(
        (acknowledged..=ROUNDS).contains(&count),
        "{acknowledged} were acknowledged, {count} are there"
    );

    let accounts = folder.json("accounts", 0);
    // The deployment comes before the calls.
    assert_eq!(accounts["height"], count + 1);
    assert_eq!(accounts["accounts"][0]["nonce"], count + 1);
}

/// Kills the command at some moment; whether it said before that it has committed.
fn run_and_kill(mut command: Command) -> bool {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let delay = RandomState::new().hash_one(ROUNDS) % 40_000;
    thread::sleep(Duration::from_micros(delay));
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    String::from_utf8(output.stdout)
        .unwrap()
        .contains("in block ")
}
