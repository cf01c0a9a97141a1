//! Any flipped bit is detected, and named with its file.

use std::mem;
use std::sync::Arc;

use fusee_store::log::{Files, Log, LogError, Options};

use super::{append_until, check, options};
use crate::disk::Disk;

/// Opens a log and reads all of it.
fn read_all(disk: &Disk, options: Options) -> Result<Log, LogError> {
    let log = Log::open_in(Arc::new(disk.clone()), options)?;
    log.reader().verify()?;
    Ok(log)
}

fn is_named(error: &LogError, disk: &Disk, name: &str) -> bool {
    match error {
        LogError::Damaged { path, .. } | LogError::Version { path, .. } => *path == disk.path(name),
        _ => false,
    }
}

#[test]
fn each_flipped_bit_is_detected_and_named() {
    let disk = Disk::new(0);
    let mut log = Log::open_in(Arc::new(disk.clone()), options()).unwrap();
    append_until(&mut log, 12);
    log.close().unwrap();
    check(&read_all(&disk, options()).unwrap(), 1, 12);
    let names = disk.list().unwrap();
    assert_eq!(names.len(), 5, "four segments and the acknowledged height");
    let mut flips = 0;
    for name in &names {
        for bit in 0..disk.content(name).len() * 8 {
            let disk = disk.copy();
            disk.flip(name, bit);
            let error = read_all(&disk, options()).unwrap_err();
            assert!(
                is_named(&error, &disk, name),
                "bit {bit} of {name}: {error}"
            );
            flips += 1;
        }
    }
    assert!(flips > 10_000, "{flips}");
}

#[test]
fn a_flipped_bit_above_the_noted_height_is_detected_or_reported_as_cut() {
    let options = Options {
        segment_bytes: u64::MAX,
        note_interval: u64::MAX,
        ..options()
    };
    let disk = Disk::new(0);
    let mut log = Log::open_in(Arc::new(disk.clone()), options).unwrap();
    append_until(&mut log, 4);
    log.note().unwrap();
    append_until(&mut log, 7);
    // As if the process were killed: the heights above 3 are not noted.
    mem::forget(log);
    let (name, mut cuts) = ("00000000000000000001.seg", 0);
    for bit in 0..disk.content(name).len() * 8 {
        let disk = disk.copy();
        disk.flip(name, bit);
        match read_all(&disk, options) {
            Err(error) => assert!(is_named(&error, &disk, name), "bit {bit}: {error}"),
            Ok(log) => {
                let cut = *log.cut().unwrap();
                assert!((4..7).contains(&cut.height), "bit {bit}: {cut:?}");
                check(&log, 1, cut.height);
                cuts += 1;
            }
        }
    }
    // The headers of three records, and the payload of the last.
    let headers = 3 * 92 * 8;
    assert_eq!(cuts, headers + super::payload(6).len() * 8);
}
