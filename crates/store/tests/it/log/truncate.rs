//! Truncation removes the last records, and a crash within it leaves a log that opens.

use std::sync::Arc;

use fusee_store::log::{Log, LogError};

use super::{append_until, check, options, segments};
use crate::disk::{Disk, FAULTS};

const END: u64 = 31;

#[test]
fn a_truncated_log_ends_before_any_height_and_goes_on() {
    for next in 1..=END + 1 {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(folder.path(), options()).unwrap();
        append_until(&mut log, END);
        assert!(segments(folder.path()).len() > 3);
        log.truncate(next).unwrap();
        let mut log = Log::open(folder.path(), options()).unwrap();
        assert_eq!(log.cut(), None);
        check(&log, 1, next.min(END));
        append_until(&mut log, END + 5);
        check(&log, 1, END + 5);
    }
}

#[test]
fn truncation_below_the_first_height_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), options()).unwrap();
    append_until(&mut log, END);
    let error = log.truncate(0).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::NotKept {
                height: 0,
                first: 1
            }
        ),
        "{error}"
    );
    check(&Log::open(folder.path(), options()).unwrap(), 1, END);
}

#[test]
fn a_fault_within_a_truncation_leaves_a_log_that_opens() {
    let mut between = 0;
    for next in [1, 8, 17, END - 1] {
        for (seed, fault) in (0_u64..).zip(FAULTS.repeat(3)) {
            for after in 0..20 {
                let disk = Disk::new(seed);
                let mut log = Log::open_in(Arc::new(disk.clone()), options()).unwrap();
                append_until(&mut log, END);
                disk.arm(after, fault);
                let done = log.truncate(next).is_ok();
                disk.crash();
                let log = Log::open_in(Arc::new(disk.clone()), options()).unwrap();
                let found = log.next_height();
                assert!((next..=END).contains(&found), "{found}");
                assert!(!done || found == next, "{found} after it has returned");
                check(&log, 1, found);
                between += u64::from(found > next);
                // Repeating it ends it.
                log.truncate(next).unwrap();
                let log = Log::open_in(Arc::new(disk), options()).unwrap();
                check(&log, 1, next);
            }
        }
    }
    assert!(between > 50, "{between}");
}
