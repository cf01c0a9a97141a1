//! Single faults, each with what the log does after it.

use std::sync::Arc;

use fusee_store::log::{Files, Log, LogError, Retention};

use super::{append_until, check, options, payload};
use crate::disk::{Disk, Fault};

fn open(disk: &Disk) -> Log {
    Log::open_in(Arc::new(disk.clone()), options()).unwrap()
}

/// A disk with a log of heights 1 to 4, and the open log.
fn example(seed: u64) -> (Disk, Log) {
    let disk = Disk::new(seed);
    let mut log = open(&disk);
    append_until(&mut log, 5);
    (disk, log)
}

#[test]
fn nothing_is_tried_again_after_a_failed_sync() {
    let (disk, mut log) = example(0);
    // The write is the first operation, its sync the second.
    disk.arm(1, Fault::Error);
    let error = log.append(&payload(5)).unwrap_err();
    assert!(matches!(error, LogError::Io { .. }), "{error}");
    let operations = disk.operations();
    for error in [
        log.append(&payload(5)).unwrap_err(),
        log.note().unwrap_err(),
        log.close().unwrap_err(),
    ] {
        assert!(matches!(error, LogError::Poisoned { .. }), "{error}");
        assert!(error.to_string().contains("open it anew"), "{error}");
    }
    assert_eq!(disk.operations(), operations);
}

#[test]
fn readers_do_not_see_a_record_whose_sync_failed() {
    let (disk, mut log) = example(0);
    disk.arm(1, Fault::Error);
    log.append(&payload(5)).unwrap_err();
    check(&log, 1, 5);
}

#[test]
fn a_record_that_a_failed_sync_left_in_memory_is_durable_once_it_is_opened() {
    for seed in 0..100 {
        let (disk, mut log) = example(seed);
        disk.arm(1, Fault::Error);
        log.append(&payload(5)).unwrap_err();
        drop(log);
        // The system still shows the record, so it is taken over.
        check(&open(&disk), 1, 6);
        disk.crash();
        check(&open(&disk), 1, 6);
    }
}

#[test]
fn a_full_disk_is_named_and_the_log_opens_again() {
    for after in 0..12 {
        let (disk, mut log) = example(after);
        disk.arm(after, Fault::Full);
        let failed = (5..30).find_map(|height| log.append(&payload(height)).err());
        let error = failed.unwrap();
        assert!(matches!(error, LogError::Full { .. }), "{error}");
        assert!(error.to_string().contains("make space"), "{error}");
        let end = log.next_height();
        drop(log);
        let mut log = open(&disk);
        assert!([end, end + 1].contains(&log.next_height()));
        append_until(&mut log, 40);
        check(&log, 1, 40);
    }
}

#[test]
fn a_short_write_is_completed() {
    let (disk, mut log) = example(0);
    disk.arm(0, Fault::Short);
    assert_eq!(log.append(&payload(5)).unwrap(), 5);
    drop(log);
    disk.crash();
    check(&open(&disk), 1, 6);
}

#[test]
fn a_crash_at_any_operation_of_creation_is_finished() {
    for seed in 0..20 {
        for after in 0..12 {
            let disk = Disk::new(seed);
            disk.arm(after, Fault::CrashBefore);
            let created = Log::open_in(Arc::new(disk.clone()), options());
            assert_eq!(created.is_err(), disk.is_down());
            drop(created);
            disk.crash();
            let mut log = open(&disk);
            append_until(&mut log, 3);
            check(&log, 1, 3);
        }
    }
}

#[test]
fn a_torn_tail_is_cut_before_anything_is_appended() {
    let mut cuts = 0;
    for seed in 0..200 {
        let (disk, mut log) = example(seed);
        disk.arm(1, Fault::CrashBefore);
        log.append(&[1; 200]).unwrap_err();
        drop(log);
        disk.crash();
        let mut log = open(&disk);
        if log.next_height() == 6 {
            continue;
        }
        cuts += u64::from(log.cut().is_some());
        // Shorter than the torn record, so that its rest would follow.
        append_until(&mut log, 6);
        drop(log);
        disk.crash();
        let log = open(&disk);
        assert_eq!(log.cut(), None);
        check(&log, 1, 6);
    }
    assert!(cuts > 50, "{cuts}");
}

#[test]
fn a_crash_while_opening_finishes_a_deletion_does_not_lose_the_beginning() {
    for seed in 0..50 {
        for after in 0..10 {
            let (disk, mut log) = example(seed);
            append_until(&mut log, 20);
            // The deletion ends at the sync of the folder that makes its bound durable.
            disk.arm(4, Fault::Error);
            let retention = Retention {
                keep_from: 10,
                limit: u64::MAX,
            };
            log.prune(retention).unwrap_err();
            drop(log);
            disk.arm(after, Fault::CrashBefore);
            drop(Log::open_in(Arc::new(disk.clone()), options()));
            disk.crash();
            let log = open(&disk);
            check(&log, log.first_height(), 20);
            assert!(log.first_height() <= 10);
        }
    }
}

#[test]
fn the_files_of_the_log_are_all_that_is_left() {
    let (disk, mut log) = example(0);
    append_until(&mut log, 20);
    log.close().unwrap();
    let names = disk.list().unwrap();
    assert!(
        names
            .iter()
            .all(|name| name == "acknowledged" || name.ends_with(".seg")),
        "{names:?}"
    );
}
