//! Commits on a disk that crashes or is full.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use fusee_state::MemoryState;
use redb::{Database, StorageBackend};

use super::*;
use crate::directory::{self, Lock};

const TRANSACTIONS: u64 = 6;

#[test]
fn a_crash_at_any_moment_loses_and_tears_nothing() {
    let operations = {
        let disk = Disk::default();
        commit_all(&store(&disk));
        disk.contents().operations
    };
    assert!(operations > 50, "{operations} operations are too few to show anything");
    let mut torn = 0;
    for crash in 0..operations {
        for seed in 0..4 {
            let disk = Disk::default();
            disk.contents().crash = Some((crash, seed));
            let store = store(&disk);
            let committed = commit_until(&store, || disk.contents().image.is_some());
            let image = disk.contents().image.take().expect("the crash was");
            torn += u64::from(image.torn);
            if !image.bytes.starts_with(b"redb") {
                // The file is made under another name, which the crash leaves unused.
                assert_eq!(committed, 0);
                continue;
            }
            let after = super::Store::from_file(open(&Disk::new(image.bytes))).unwrap();
        }
    }
}
