//! A folder to run the program in, and what it answers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

/// A working folder with the guests in it, which is removed in the end.
pub(crate) struct Folder(TempDir);

/// What the program answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for guest in [
            "arith",
            "caller",
            "counter",
            "token",
            "hostile_floats",
            "hostile_giant_br_table",
        ] {
            let file = format!("{guest}.wasm");
            fs::copy(guests().join(&file), folder.path().join(&file)).unwrap();
        }
        for guest in ["caller", "compute", "counter", "relay"] {
            let file = format!("{guest}.polkavm");
            let from = guests().join("../polkavm").join(&file);
            fs::copy(from, folder.path().join(&file)).unwrap();
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path().join(file), bytes).unwrap();
    }

    /// A command, whose words have no spaces in them.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fusee"));
        command
            .args(words.split_whitespace())
            .current_dir(self.path());
        for variable in ["FUSEE_DATA", "FUSEE_NODE", "FUSEE_NAMES", "NO_COLOR"] {
            command.env_remove(variable);
        }
        command
    }

    pub(crate) fn fusee(&self, words: &str) -> Answer {
        Answer::of(self.command(words).output().unwrap())
    }

    /// Runs a command that has to end with `code`.
    pub(crate) fn text(&self, words: &str, code: i32) -> String {
        let answer = self.fusee(words);
        assert_eq!(answer.code, code, "{words}: {answer:?}");
        answer.stdout
    }

    /// The same, with an answer in JSON.
    pub(crate) fn json(&self, words: &str, code: i32) -> Value {
        let text = self.text(&format!("{words} --json"), code);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words}: {error}: {text}"))
    }

    /// Deploys a guest, and returns its address.
    pub(crate) fn deploy(&self, words: &str) -> String {
        let answer = self.json(&format!("deploy {words}"), 0);
        answer["address"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the program is not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/wasm")
}
