//! Commands that use the same data folder at the same time wait their turn.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{Answer, Folder};

/// How many commands run at the same time.
const COMMANDS: u64 = 16;

fn start(folder: &Folder, words: &str) -> Child {
    let mut command = folder.command(words);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn calls_at_the_same_time_all_succeed() {
    let folder = Folder::new();
    let words = "call bob --value 1 --engine wasmi --json --wait 60";
    // The first of them makes the folder.
    let started: Vec<Child> = (0..COMMANDS).map(|_| start(&folder, words)).collect();
    let mut heights = Vec::new();
    for child in started {
        let answer = Answer::of(child.wait_with_output().unwrap());
        assert_eq!(answer.code, 0, "{answer:?}");
        assert_eq!(
            answer.stderr, "",
            "only a terminal shows what is waited for"
        );
        let answer: Value = serde_json::from_str(&answer.stdout).unwrap();
        heights.push(answer["height"].as_u64().unwrap());
    }
    heights.sort_unstable();
    assert_eq!(heights, (1..=COMMANDS).collect::<Vec<_>>());
}
