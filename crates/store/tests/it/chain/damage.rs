//! A changed bit is detected when it is read, and named.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use fusee_state::StateReader;
use fusee_store::chain::{ChainStore, Finding, doctor};

use super::{advance, advance_until, check, options};

fn stored(folder: &Path) {
    let store = ChainStore::open(folder, options()).unwrap();
    advance_until(&store, 60);
    store.wait_for_checkpoints().unwrap();
    assert!(store.checkpoint().is_some());
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// The files below a folder, relative to it.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(one) = folders.pop() {
        for entry in fs::read_dir(one).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.metadata().unwrap().len() > 0 {
                found.push(path.strip_prefix(folder).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

pub(super) fn flip(file: &Path, bit: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    fs::write(file, bytes).unwrap();
}

/// Opens a store and reads all of it.
fn read(folder: &Path) -> Result<(), Box<dyn Error>> {
    let store = ChainStore::open(folder, options())?;
    for block in store.blocks(store.first_height()) {
        block?;
    }
    let version = store.version(None)?;
    for entry in version.entries() {
        let (key, value) = entry?;
        assert_eq!(version.read(&key)?, Some(value));
    }
    check(&store);
    Ok(())
}

/// Flips one bit of every `stride`th byte of every file of a store, one at a time, and opens the
/// store and reads all of it. The number of detected flips by the file's path, with a `#` for each
/// number.
fn flip_each(good: &Path, stride: usize) -> BTreeMap<String, usize> {
    let bad = good.with_extension("bad");
    let mut flips = BTreeMap::<String, usize>::new();
    for file in files(good) {
        let path = bad.join(&file);
        let length = usize::try_from(good.join(&file).metadata().unwrap().len()).unwrap();
        let kind = kind(&file);
        for byte in (0..length).step_by(stride) {
            copy(good, &bad);
            flip(&path, byte * 8 + byte / stride % 8);
            let report = doctor(&bad, options()).unwrap();
            let Err(error) = read(&bad) else {
                check_unused(good, &file);
                fs::remove_dir_all(&bad).unwrap();
                break;
            };
            check_named(&*error, &bad, &file);
            let is_found = (report.findings.iter()).any(|it| matches!(it, Finding::Fault(_)));
            assert!(is_found, "the doctor has not found {error}: {report:?}");
            *flips.entry(kind.clone()).or_default() += 1;
            fs::remove_dir_all(&bad).unwrap();
        }
    }
    flips
}

/// The database leaves old manifests and tables for its next start. A store does without them.
fn check_unused(good: &Path, file: &Path) {
    assert!(file.starts_with("state/keyspaces"), "{}", file.display());
    let without = good.with_extension("without");
    copy(good, &without);
    fs::remove_file(without.join(file)).unwrap();
    read(&without).unwrap();
    fs::remove_dir_all(&without).unwrap();
}

/// The error names the file.
fn check_named(error: &dyn Error, bad: &Path, file: &Path) {
    let place = bad.join(file);
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let message = format!("{error}: {cause}");
    let is_named = message.contains(&place.display().to_string());
    assert!(is_named, "{} is not named: {message}", file.display());
}

fn kind(file: &Path) -> String {
    let path = file.to_str().unwrap();
    let mut kind: String = path
        .chars()
        .map(|it| if it.is_ascii_digit() { '#' } else { it })
        .collect();
    while kind.contains("##") {
        kind = kind.replace("##", "#");
    }
    kind
}

/// A store that was closed and opened once more, so that the journal of the database is empty.
fn settled(root: &Path) -> PathBuf {
    let good = root.join("good");
    stored(&good);
    check(&ChainStore::open(&good, options()).unwrap());
    good
}

#[test]
fn a_flipped_bit_in_any_file_is_detected_and_named() {
    let root = tempfile::tempdir().unwrap();
    let flips = flip_each(&settled(root.path()), 199);
    let kinds: Vec<&str> = flips.keys().map(String::as_str).collect();
    let expected = [
        "log/#.seg",
        "log/acknowledged",
        "state/keyspaces/#/current",
        "state/keyspaces/#/tables/#",
        "state/keyspaces/#/v#",
        "state/version",
    ];
    assert_eq!(kinds, expected);
}

/// Every byte of every file.
#[test]
#[ignore = "runs for minutes"]
fn a_flipped_bit_in_any_byte_is_detected_and_named() {
    let root = tempfile::tempdir().unwrap();
    println!("{:#?}", flip_each(&settled(root.path()), 1));
}

/// The database allocates its journal in advance, and the flat state writes nothing there.
#[test]
fn a_flipped_bit_in_the_empty_journal_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("chain");
    drop(ChainStore::open(&folder, options()).unwrap());
    for bit in [0, 9, 800_000] {
        let store = ChainStore::open(&folder, options()).unwrap();
        advance(&store);
        drop(store);
        let journal = folder.join("state/0.jnl");
        fs::write(&journal, [0; 200_000]).unwrap();
        flip(&journal, bit);
        read(&folder).unwrap();
    }
}
