//! A changed bit is detected when it is read, and named.

use std::fs;
use std::path::{Path, PathBuf};

use fusee_store::chain::{ChainStore, ChainStoreError};
use fusee_store::log::LogError;

use super::{advance_until, check, options};

/// How many bits of each file are flipped, one at a time.
const BITS: usize = 5;

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
fn read(folder: &Path) -> Result<(), ChainStoreError> {
    let store = ChainStore::open(folder, options())?;
    for block in store.blocks(store.first_height()) {
        block?;
    }
    check(&store);
    Ok(())
}

#[test]
fn a_flipped_bit_in_the_log_is_named() {
    let root = tempfile::tempdir().unwrap();
    let good = root.path().join("good");
    stored(&good);
    let mut segments = 0;
    for file in files(&good.join("log")) {
        let length =
            usize::try_from(good.join("log").join(&file).metadata().unwrap().len()).unwrap();
        for bit in (0..BITS).map(|at| at * length * 8 / BITS + at) {
            let bad = root.path().join("bad");
            copy(&good, &bad);
            let path = bad.join("log").join(&file);
            flip(&path, bit);
            match read(&bad) {
                Err(ChainStoreError::Log(
                    LogError::Damaged { path: named, .. } | LogError::Version { path: named, .. },
                )) => assert_eq!(named, path),
                other => panic!("bit {bit} of {}: {other:?}", file.display()),
            }
            fs::remove_dir_all(&bad).unwrap();
        }
        segments += 1;
    }
    assert!(segments > 3, "{segments}");
}

#[test]
fn a_flipped_bit_in_the_flat_state_is_named_or_of_no_use() {
    let root = tempfile::tempdir().unwrap();
    let good = root.path().join("good");
    stored(&good);
    let (mut detected, mut harmless) = (0, Vec::new());
    for file in files(&good.join("state")) {
        // The journal is empty, and allocated in advance.
        if file.extension().is_some_and(|extension| extension == "jnl") {
            continue;
        }
        let length =
            usize::try_from(good.join("state").join(&file).metadata().unwrap().len()).unwrap();
        for bit in (0..BITS).map(|at| at * length * 8 / BITS + at) {
            let bad = root.path().join("bad");
            copy(&good, &bad);
            flip(&bad.join("state").join(&file), bit);
            // What opens is right: `read` has checked all of it.
            match read(&bad) {
                Ok(()) => harmless.push((file.clone(), bit)),
                Err(error) => {
                    let message = error.to_string();
                    assert!(message.contains("state"), "{message}");
                    detected += 1;
                }
            }
            fs::remove_dir_all(&bad).unwrap();
        }
    }
    println!("{detected} detected; of no use: {harmless:?}");
    assert!(
        detected > 20,
        "{detected} detected; of no use: {harmless:?}"
    );
}
