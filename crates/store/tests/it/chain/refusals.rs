//! What a store refuses, with the messages: each says what is wrong, where, and what to do.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use fusee_state::Diff;
use fusee_store::chain::{ChainStore, Options, Retention, rollback};

use super::damage::{copy, files, flip};
use super::{advance, advance_until, changes, options};

/// Damages copies of a store, and collects what is said about each.
struct Refusals {
    root: tempfile::TempDir,
    text: String,
}

impl Refusals {
    fn folder(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Notes the error that opening a changed copy of the store `of` leads to.
    fn opening(&mut self, what: &str, of: &str, options: Options, change: impl FnOnce(&Path)) {
        let folder = self.folder("chain");
        copy(&self.folder(of), &folder);
        change(&folder);
        let before = blocks(&folder);
        let error = ChainStore::open(&folder, options).unwrap_err();
        self.note(what, &error);
        assert!(before == blocks(&folder), "{what}: the log was changed");
        fs::remove_dir_all(&folder).unwrap();
    }

    fn note(&mut self, what: &str, error: &dyn std::error::Error) {
        let root = self.root.path().display().to_string();
        let mut message = error.to_string().replace(&root, "").replace('\\', "/");
        // How often the database has merged tables depends on its thread.
        for before in ["tables/", "keyspaces/1/v"] {
            if let Some((start, end)) = message.split_once(before) {
                let end = end.trim_start_matches(|letter: char| letter.is_ascii_digit());
                message = format!("{start}{before}<number>{end}");
            }
        }
        writeln!(self.text, "{what}:\n  {message}").unwrap();
    }
}

/// All that is in the folder of the log.
fn blocks(folder: &Path) -> Vec<Vec<u8>> {
    let log = folder.join("log");
    match log.exists() {
        true => files(&log)
            .iter()
            .map(|file| fs::read(log.join(file)).unwrap())
            .collect(),
        false => Vec::new(),
    }
}

/// The name of a segment of a folder of the log: 0 is the first, and 1 the one after it.
fn segment(folder: &Path, number: usize) -> PathBuf {
    let names = files(&folder.join("log"));
    let mut segments = names.iter().filter(|name| name.extension().is_some());
    folder.join("log").join(segments.nth(number).unwrap())
}

fn keyspace(folder: &Path, file: &str) -> PathBuf {
    folder.join("state/keyspaces/1").join(file)
}

#[test]
fn each_message_says_what_is_wrong_and_where_and_what_to_do() {
    let mut refusals = Refusals {
        root: tempfile::tempdir().unwrap(),
        text: String::new(),
    };
    let mut pruning = options();
    pruning.retention = Retention::Last(1);
    for (name, options) in [("good", options()), ("pruned", pruning)] {
        let store = ChainStore::open(&refusals.folder(name), options).unwrap();
        advance_until(&store, 60);
        store.wait_for_checkpoints().unwrap();
        advance(&store);
    }
    folders(&mut refusals);
    parts(&mut refusals);
    uses(&mut refusals);
    expect_file!["refusals.txt"].assert_eq(&refusals.text);
}

fn folders(refusals: &mut Refusals) {
    refusals.opening("a foreign file", "good", options(), |folder| {
        fs::write(folder.join("thesis.txt"), "precious").unwrap();
    });
    let other = Options::new([1; 32]);
    refusals.opening("a store of another chain", "good", other, |_| {});
    refusals.opening("the log of another chain", "good", other, |folder| {
        fs::remove_dir_all(folder.join("state")).unwrap();
    });
    refusals.opening("a later version of the log", "good", options(), |folder| {
        let segment = segment(folder, 0);
        let mut bytes = fs::read(&segment).unwrap();
        bytes[8] = 2;
        fs::write(segment, bytes).unwrap();
    });
    refusals.opening("a later database", "good", options(), |folder| {
        fs::write(folder.join("state/version"), b"FJL\x04").unwrap();
    });
}

fn parts(refusals: &mut Refusals) {
    refusals.opening("no log", "good", options(), |folder| {
        fs::remove_dir_all(folder.join("log")).unwrap();
    });
    refusals.opening("a missing segment", "good", options(), |folder| {
        fs::remove_file(segment(folder, 1)).unwrap();
    });
    refusals.opening("no acknowledged height", "good", options(), |folder| {
        fs::remove_file(folder.join("log/acknowledged")).unwrap();
    });
    refusals.opening("a damaged block", "good", options(), |folder| {
        let mut last = files(&folder.join("log")).into_iter();
        let last = last.rfind(|name| name.extension().is_some()).unwrap();
        flip(&folder.join("log").join(last), 3_000);
    });
    refusals.opening(
        "no state, and deleted blocks",
        "pruned",
        options(),
        |folder| {
            fs::remove_dir_all(folder.join("state")).unwrap();
        },
    );
    refusals.opening("a missing table", "good", options(), |folder| {
        fs::remove_dir_all(keyspace(folder, "tables")).unwrap();
    });
    refusals.opening("a missing manifest", "good", options(), |folder| {
        fs::remove_file(keyspace(folder, "current")).unwrap();
    });
    refusals.opening("a damaged manifest", "good", options(), |folder| {
        flip(&keyspace(folder, "current"), 100);
    });
    refusals.opening("a missing keyspace", "good", options(), |folder| {
        fs::remove_dir_all(folder.join("state/keyspaces/1")).unwrap();
    });
}

fn uses(refusals: &mut Refusals) {
    let folder = refusals.folder("good");
    let error = ChainStore::open(&refusals.folder("good/lock"), options()).unwrap_err();
    refusals.note("a file in place of the folder", &error);
    let error = rollback(&refusals.folder("none"), options(), 1).unwrap_err();
    refusals.note("a rollback of nothing", &error);
    let error = rollback(&refusals.folder("pruned"), options(), 30).unwrap_err();
    refusals.note("a rollback before the blocks that are kept", &error);
    let store = ChainStore::open(&folder, options()).unwrap();
    let error = ChainStore::open(&folder, options()).unwrap_err();
    refusals.note("a second process", &error);
    let error = rollback(&folder, options(), 1).unwrap_err();
    refusals.note("a rollback beside a process", &error);
    let error = store.backup(&folder).unwrap_err();
    refusals.note("a backup over something", &error);
    let error = store.version(Some(3)).unwrap_err();
    refusals.note("an old version", &error);
    let staged = store.stage(changes(1)).unwrap();
    advance(&store);
    let error = store.commit(staged, b"").unwrap_err();
    refusals.note("a block on another head", &error);
    let key = [(vec![1; 65_535], None::<Vec<u8>>)];
    let key: Diff = key.into_iter().collect();
    let error = store.stage(key).unwrap_err();
    refusals.note("a long key", &error);
    let empty = ChainStore::open(&refusals.folder("empty"), options()).unwrap();
    let error = empty.version(None).unwrap_err();
    refusals.note("a version before the genesis", &error);
}
