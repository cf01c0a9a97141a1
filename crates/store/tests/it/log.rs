//! The block log at its boundary.

mod crashes;
mod damage;
#[cfg(unix)]
mod kill;
mod opening;
mod speed;
mod torture;
mod truncate;

use std::path::Path;

use fusee_store::log::{Log, LogError, Options, Record};

const IDENTITY: [u8; 32] = [7; 32];

/// Segments of a few small records, so that a short test has several.
fn options() -> Options {
    Options {
        first_height: 1,
        segment_bytes: 600,
        ..Options::new(IDENTITY)
    }
}

/// The payload of a height.
fn payload(height: u64) -> Vec<u8> {
    let length = usize::try_from(height * 37 % 90).unwrap();
    vec![height.to_le_bytes()[0]; length]
}

/// Appends records up to a height.
fn append_until(log: &mut Log, end: u64) {
    for height in log.next_height()..end {
        assert_eq!(log.append(&payload(height)).unwrap(), height);
    }
}

/// Checks that the log has exactly the records up to a height, by both ways of reading.
fn check(log: &Log, first: u64, end: u64) {
    assert_eq!((log.first_height(), log.next_height()), (first, end));
    let reader = log.reader();
    let records: Result<Vec<Record>, LogError> = reader.records(first).collect();
    let expected: Vec<Record> = (first..end)
        .map(|height| Record {
            height,
            payload: payload(height),
        })
        .collect();
    assert_eq!(records.unwrap(), expected);
    for height in (first..end).rev() {
        assert_eq!(reader.read(height).unwrap(), Some(payload(height)));
    }
    assert_eq!(reader.read(end).unwrap(), None);
}

/// The names of the segments, lowest first.
fn segments(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut segments: Vec<String> = names.filter(|name| name.ends_with(".seg")).collect();
    segments.sort();
    segments
}
