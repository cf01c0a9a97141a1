//! What opening creates, finishes and refuses, on the real file system.

use std::fs;
use std::path::Path;

use fusee_store::log::{Damage, Log, LogError, Options, Retention};
use tempfile::TempDir;

use super::{IDENTITY, append_until, check, options, payload, segments};

const MARK: &str = "acknowledged";
const SEGMENT_HEADER: usize = 132;

/// A log of heights 1 to 19 in several segments.
fn example() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut log = Log::open(root.path(), options()).unwrap();
    append_until(&mut log, 20);
    log.close().unwrap();
    assert!(segments(root.path()).len() >= 4);
    root
}

/// Checks that the log is refused with a message, and that nothing was modified.
fn refused(folder: &Path, expected: &[&str]) -> LogError {
    let before = content(folder);
    let error = Log::open(folder, options()).unwrap_err();
    for part in expected {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(content(folder), before);
    error
}

/// Names and bytes of all files, but the lock.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let named = entries.filter(|entry| entry.file_name() != "lock");
    let mut content: Vec<_> = named
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    content.sort();
    content
}

#[test]
fn a_new_log_is_empty_and_begins_where_it_is_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a/b");
    let options = Options {
        first_height: 41,
        ..Options::new(IDENTITY)
    };
    let mut log = Log::open(&folder, options).unwrap();
    assert_eq!((log.first_height(), log.next_height()), (41, 41));
    assert_eq!(log.append(b"").unwrap(), 41);
    drop(log);
    let log = Log::open(&folder, Options::new(IDENTITY)).unwrap();
    assert_eq!((log.first_height(), log.next_height()), (41, 42));
    assert_eq!(log.cut(), None);
}

#[test]
fn a_log_is_the_same_after_it_is_opened_again() {
    let root = example();
    for end in [20, 21, 40] {
        let mut log = Log::open(root.path(), options()).unwrap();
        append_until(&mut log, end);
        check(&log, 1, end);
        drop(log);
        let log = Log::open(root.path(), options()).unwrap();
        check(&log, 1, end);
        assert_eq!(log.reader().verify().unwrap(), end - 1);
    }
}

#[test]
fn the_format_is_that_of_the_golden_bytes() {
    let root = tempfile::tempdir().unwrap();
    let mut log = Log::open(root.path(), options()).unwrap();
    log.append(b"one").unwrap();
    log.append(b"").unwrap();
    log.close().unwrap();
    // The bytes of version 1: a change needs another version.
    let expected = [
        (
            "00000000000000000001.seg",
            "9f68230ede81c712df69222f55b9634f1eff289753976d28ff8b8260b55e2fe6",
        ),
        (
            MARK,
            "9f41dbaeb7f7545dba29adcb67d090889194e7a19eea3ddaf61ad1e08dc1c7c6",
        ),
    ];
    for (name, digest) in expected {
        let bytes = fs::read(root.path().join(name)).unwrap();
        assert_eq!(blake3::hash(&bytes).to_hex().as_str(), digest, "{name}");
    }
}

#[test]
fn a_log_that_is_open_is_not_opened_again() {
    let root = example();
    let log = Log::open(root.path(), options()).unwrap();
    let error = refused(root.path(), &["in use by another process"]);
    assert!(matches!(error, LogError::Locked { .. }));
    drop(log);
    Log::open(root.path(), options()).unwrap();
}

#[test]
fn the_log_of_another_chain_is_refused() {
    let root = example();
    let other = Options {
        identity: [8; 32],
        ..options()
    };
    let error = Log::open(root.path(), other).unwrap_err();
    assert!(matches!(error, LogError::OtherIdentity { .. }), "{error}");
    assert!(error.to_string().contains("belongs to 0707"), "{error}");
}

#[test]
fn a_segment_of_another_chain_is_refused() {
    let (root, other) = (example(), tempfile::tempdir().unwrap());
    let identity = Options {
        identity: [8; 32],
        ..options()
    };
    let mut log = Log::open(other.path(), identity).unwrap();
    append_until(&mut log, 20);
    drop(log);
    let name = &segments(root.path())[1];
    fs::copy(other.path().join(name), root.path().join(name)).unwrap();
    let error = refused(root.path(), &[name, "belongs to 0808"]);
    assert!(matches!(error, LogError::OtherIdentity { .. }), "{error}");
}

#[test]
fn a_newer_version_is_refused_by_number() {
    for name in [MARK.to_owned(), segments(example().path())[0].clone()] {
        let root = example();
        let path = root.path().join(&name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[8] = 2;
        fs::write(&path, bytes).unwrap();
        let error = refused(root.path(), &[&name, "log format 2", "only format 1"]);
        assert!(matches!(error, LogError::Version { .. }), "{error}");
    }
}

#[test]
fn each_missing_file_is_named() {
    let names = segments(example().path());
    for name in names.iter().map(String::as_str).chain([MARK]) {
        let root = example();
        fs::remove_file(root.path().join(name)).unwrap();
        let error = refused(root.path(), &[]);
        let is_last = names.last().is_some_and(|last| last == name);
        match error {
            LogError::Missing { path } => assert_eq!(path, root.path().join(name)),
            // Without the last segment, the one before ends below the acknowledged height.
            LogError::Damaged {
                damage: Damage::Ends { acknowledged: 20 },
                ..
            } if is_last => {}
            error => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn each_cut_of_a_file_is_named() {
    for name in segments(example().path())
        .iter()
        .map(String::as_str)
        .chain([MARK])
    {
        let length = fs::read(example().path().join(name)).unwrap().len();
        for cut in [0, 7, 8, 20, 100, SEGMENT_HEADER, length - 1] {
            let root = example();
            let path = root.path().join(name);
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(u64::try_from(cut.min(length - 1)).unwrap())
                .unwrap();
            let error = refused(root.path(), &[name, "damaged"]);
            assert!(matches!(error, LogError::Damaged { .. }), "{error}");
        }
    }
}

#[test]
fn bytes_behind_the_end_are_refused_or_cut() {
    let names = segments(example().path());
    let (last, sealed) = names.split_last().unwrap();
    for name in sealed.iter().map(String::as_str).chain([MARK]) {
        let root = example();
        let path = root.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes.push(0);
        fs::write(&path, bytes).unwrap();
        refused(root.path(), &[name, "bytes instead of"]);
    }
    let root = example();
    let path = root.path().join(last);
    let before = fs::read(&path).unwrap();
    fs::write(&path, [before.as_slice(), &[0; 300]].concat()).unwrap();
    let log = Log::open(root.path(), options()).unwrap();
    let cut = log.cut().unwrap();
    assert_eq!((cut.height, cut.bytes), (20, 300));
    assert_eq!(fs::read(&path).unwrap(), before);
    check(&log, 1, 20);
}

#[test]
fn a_segment_under_another_name_is_refused() {
    let root = example();
    let names = segments(root.path());
    fs::rename(
        root.path().join(&names[1]),
        root.path().join("00000000000000000003.seg"),
    )
    .unwrap();
    refused(
        root.path(),
        &["00000000000000000003.seg", "header is that of height"],
    );
}

#[test]
fn a_foreign_file_is_named() {
    for name in ["notes.txt", "1.seg", "acknowledged.old", "x.seg.new"] {
        let root = example();
        fs::write(root.path().join(name), "").unwrap();
        let error = refused(root.path(), &[name]);
        assert!(matches!(error, LogError::Foreign { .. }), "{error}");
    }
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("state.db"), "").unwrap();
    refused(root.path(), &["state.db"]);
}

#[test]
fn what_a_crash_left_unfinished_is_removed() {
    let root = example();
    for name in ["acknowledged.new", "00000000000000000020.seg.new"] {
        fs::write(root.path().join(name), "unfinished").unwrap();
    }
    let mut log = Log::open(root.path(), options()).unwrap();
    append_until(&mut log, 30);
    check(&log, 1, 30);
    drop(log);
    assert!(
        content(root.path())
            .iter()
            .all(|(name, _)| !name.ends_with(".new"))
    );
}

#[test]
fn a_replaced_record_breaks_the_chain() {
    // The same heights with other payloads: each segment verifies by itself.
    let (root, other) = (example(), tempfile::tempdir().unwrap());
    let mut log = Log::open(other.path(), options()).unwrap();
    for height in 1..20 {
        let mut payload = payload(height);
        payload.iter_mut().for_each(|byte| *byte ^= 1);
        log.append(&payload).unwrap();
    }
    drop(log);
    let names = segments(root.path());
    for (index, name) in names.iter().enumerate() {
        let root = example();
        fs::copy(other.path().join(name), root.path().join(name)).unwrap();
        if index + 1 == names.len() {
            // It would continue the log, but its last record is not the one that was noted.
            refused(root.path(), &[name, "checksum of the record before"]);
            continue;
        }
        let log = Log::open(root.path(), options()).unwrap();
        let error = log.reader().verify().unwrap_err();
        let damage = Damage::Chain;
        assert!(
            matches!(&error, LogError::Damaged { damage: found, .. } if *found == damage),
            "{error}"
        );
    }
}

#[test]
fn a_record_of_another_history_is_refused_within_a_segment() {
    let (root, other) = (example(), tempfile::tempdir().unwrap());
    let mut log = Log::open(other.path(), options()).unwrap();
    for height in 1..20 {
        log.append(&vec![99; payload(height).len()]).unwrap();
    }
    drop(log);
    // The second record of the first segment, whose first has a payload of 37 bytes.
    let name = &segments(root.path())[0];
    let begin = SEGMENT_HEADER + 92 + payload(1).len();
    let end = begin + 92 + payload(2).len();
    let mut bytes = fs::read(root.path().join(name)).unwrap();
    let others = fs::read(other.path().join(name)).unwrap();
    bytes[begin..end].copy_from_slice(&others[begin..end]);
    fs::write(root.path().join(name), bytes).unwrap();

    let log = Log::open(root.path(), options()).unwrap();
    let error = log.reader().verify().unwrap_err();
    match error {
        LogError::Damaged {
            path,
            offset,
            height: 2,
            damage: Damage::Chain,
        } => {
            assert_eq!(path, root.path().join(name));
            assert_eq!(offset, u64::try_from(begin).unwrap());
        }
        error => panic!("{error}"),
    }
}

#[test]
fn a_repeated_record_is_refused_by_its_height() {
    let root = tempfile::tempdir().unwrap();
    let mut log = Log::open(root.path(), options()).unwrap();
    for _ in 1..10 {
        log.append(&[5; 30]).unwrap();
    }
    drop(log);
    // The second record of the first segment in place of the third.
    let (record, name) = (92 + 30, &segments(root.path())[0]);
    let mut bytes = fs::read(root.path().join(name)).unwrap();
    let second = SEGMENT_HEADER + record;
    bytes.copy_within(second..second + record, second + record);
    fs::write(root.path().join(name), bytes).unwrap();

    let log = Log::open(root.path(), options()).unwrap();
    let reader = log.reader();
    assert_eq!(reader.records(1).filter(Result::is_ok).count(), 2);
    for error in [reader.verify().unwrap_err(), reader.read(3).unwrap_err()] {
        assert!(
            error.to_string().contains("the record is that of height 2"),
            "{error}"
        );
        assert!(
            matches!(error, LogError::Damaged { height: 3, .. }),
            "{error}"
        );
    }
}

#[test]
fn retention_deletes_whole_segments_and_says_which() {
    let root = example();
    let mut log = Log::open(root.path(), options()).unwrap();
    let names = segments(root.path());
    let begins: Vec<u64> = names
        .iter()
        .map(|name| name.trim_end_matches(".seg").parse().unwrap())
        .collect();

    let nothing = Retention {
        keep_from: begins[1] - 1,
        limit: u64::MAX,
    };
    assert_eq!(log.prune(nothing).unwrap(), []);

    let limited = Retention {
        keep_from: u64::MAX,
        limit: begins[2] + 1,
    };
    let bytes = fs::metadata(root.path().join(&names[0])).unwrap().len();
    let deleted = log.prune(limited).unwrap();
    assert_eq!(deleted.len(), 2);
    assert_eq!(deleted[0].path, root.path().join(&names[0]));
    assert_eq!(deleted[0].heights, 1..begins[1]);
    assert_eq!(deleted[0].bytes, bytes);
    assert_eq!(segments(root.path()), names[2..]);
    check(&log, begins[2], 20);
    let error = log.reader().read(1).unwrap_err();
    assert!(
        matches!(error, LogError::NotKept { height: 1, .. }),
        "{error}"
    );
    assert!(log.reader().records(1).next().unwrap().is_err());

    let all = Retention {
        keep_from: u64::MAX,
        limit: u64::MAX,
    };
    log.prune(all).unwrap();
    drop(log);
    assert_eq!(segments(root.path()), names[names.len() - 1..]);
    let mut log = Log::open(root.path(), options()).unwrap();
    append_until(&mut log, 30);
    check(&log, *begins.last().unwrap(), 30);
}

#[test]
fn readers_go_on_while_records_are_appended_and_deleted() {
    let root = tempfile::tempdir().unwrap();
    let mut log = Log::open(root.path(), options()).unwrap();
    let reader = log.reader();
    let following = std::thread::spawn(move || {
        let mut next = 1;
        while next < 400 {
            for record in reader.records(next) {
                match record {
                    Ok(record) => {
                        assert_eq!((record.height, &record.payload), (next, &payload(next)));
                        next += 1;
                    }
                    Err(LogError::NotKept { first, .. }) => {
                        assert!(first > next);
                        next = first;
                        break;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    for height in 1..400 {
        append_until(&mut log, height + 1);
        if height % 50 == 0 {
            let retention = Retention {
                keep_from: height - 20,
                limit: u64::MAX,
            };
            log.prune(retention).unwrap();
        }
    }
    following.join().unwrap();
}
