//! A disk that is full at some moment loses nothing that was said.
//!
//! It has to be a small file system of its own, for example 16 MiB of ext4:
//!
//! ```sh
//! fallocate -l 16M disk.img && mkfs.ext4 -q disk.img && mkdir -p disk && mount -o loop disk.img disk
//! FUSEE_TORTURE_DISK=disk cargo test -p fusee-store --test it -- chain::full --ignored --nocapture
//! ```

use std::env;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::life::{self, FAILED};
use super::told::{Met, Told, open};
use crate::media::Random;

/// After how many lives a new store is begun, whose stream is short.
const LIVES: u64 = 12;

/// As many lives as `FUSEE_TORTURE_ROUNDS` says (default: 200).
#[test]
#[ignore = "needs a small file system"]
fn a_full_disk_leaves_a_store_that_opens() {
    #[allow(clippy::disallowed_methods, reason = "the arguments of a test")]
    let argument = |name: &str| env::var(name).ok();
    let disk = argument("FUSEE_TORTURE_DISK").expect("FUSEE_TORTURE_DISK is a small file system");
    let rounds = argument("FUSEE_TORTURE_ROUNDS").map_or(200, |rounds| rounds.parse().unwrap());
    let mut random = Random(1);
    let mut met = Met::default();
    while met.rounds < rounds {
        let root = tempfile::tempdir_in(&disk).unwrap();
        let root = root.path().canonicalize().unwrap();
        let mut told = Told::new();
        for _ in 0..LIVES {
            let filler = Path::new(&disk).join("filler");
            fill(&filler, random.below(60_000));
            let life = life::command(&root, random.next()).output().unwrap();
            let said = String::from_utf8(life.stdout).unwrap();
            std::fs::remove_file(filler).unwrap();
            assert!(life.status.success(), "{said}");
            for line in said.lines() {
                met.faults += u64::from(line.starts_with(FAILED));
                told.hear(line);
            }
            met.rounds += 1;
            met.lives += 1;
            told = open(&root, told, &mut met);
        }
    }
    println!("{met:#?}");
    assert!(met.faults > rounds / 8, "the disk was rarely full");
}

/// Makes a file of all space but so many bytes.
fn fill(path: &Path, spare: u64) {
    let mut file = File::create(path).unwrap();
    let mut length = 0;
    for chunk in [1 << 16, 1 << 12] {
        loop {
            match file.write_all(&vec![1; chunk]) {
                Ok(()) => length += u64::try_from(chunk).unwrap(),
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
        // Space is given to files when they are synced.
        let _ = file.sync_all();
    }
    file.set_len(length.saturating_sub(spare)).unwrap();
    file.sync_all().unwrap();
}
