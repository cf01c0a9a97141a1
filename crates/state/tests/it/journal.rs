//! What a journal shows, undoes, and says in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{error, io};

use fusee_state::{
    Diff, Direction, Journal, KeyRange, MemoryState, StateError, StateReader, Step, Value,
};

#[test]
fn reads_fall_through_to_the_base_until_a_change_hides_it() {
    let mut journal = journal(&[("a", "1"), ("b", "2")]);
    journal.write(key("a"), key("3"));
    journal.remove(key("b"));
    assert_eq!(read(&mut journal, "a"), Some("3".into()));
    assert_eq!(read(&mut journal, "b"), None);
    assert_eq!(read(&mut journal, "c"), None);
}

#[test]
fn a_peek_shows_what_a_read_would_and_records_nothing() {
    let mut journal = journal(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let peek = |journal: &Journal, name| {
        let value = journal.peek(&key(name)).unwrap();
        value.map(|value| String::from_utf8(value.to_vec()).unwrap())
    };
    journal.write(key("a"), key("4"));
    journal.remove(key("b"));
    assert_eq!(peek(&journal, "a"), Some("4".into()));
    assert_eq!(peek(&journal, "b"), None);
    assert_eq!(peek(&journal, "c"), Some("3".into()));
    journal.record_read(&key("c"));
    assert_eq!(peek(&journal, "c"), Some("3".into()));
    assert_eq!(peek(&journal, "d"), None);
    let (_, reads) = journal.into_parts();
    assert!(reads.iter().eq([b"c"]), "{reads:?}");
}

#[test]
fn an_empty_value_is_a_value() {
    let mut journal = journal(&[]);
    journal.write(key("a"), key(""));
    assert_eq!(read(&mut journal, "a"), Some(String::new()));
    check(journal, &[("a", Some(""))]);
}

#[test]
fn revert_restores_what_was_written_before_the_checkpoint() {
    let mut journal = journal(&[("a", "1")]);
    journal.write(key("a"), key("2"));
    let checkpoint = journal.checkpoint();
    journal.write(key("a"), key("3"));
    journal.write(key("a"), key("4"));
    journal.write(key("b"), key("5"));
    journal.revert(checkpoint);
    assert_eq!(read(&mut journal, "a"), Some("2".into()));
    assert_eq!(read(&mut journal, "b"), None);
    check(journal, &[("a", Some("2"))]);
}

#[test]
fn revert_uncovers_the_base() {
    let mut journal = journal(&[("a", "1")]);
    let checkpoint = journal.checkpoint();
    journal.remove(key("a"));
    journal.revert(checkpoint);
    assert_eq!(read(&mut journal, "a"), Some("1".into()));
    check(journal, &[]);
}

#[test]
fn revert_of_the_outer_checkpoint_undoes_a_committed_inner_one() {
    let mut journal = journal(&[]);
    let outer = journal.checkpoint();
    journal.write(key("a"), key("1"));
    let inner = journal.checkpoint();
    journal.write(key("a"), key("2"));
    journal.write(key("b"), key("3"));
    journal.commit(inner);
    journal.revert(outer);
    check(journal, &[]);
}

#[test]
fn revert_in_callee_keeps_the_callers_writes() {
    let mut journal = journal(&[]);
    let caller = journal.checkpoint();
    journal.write(key("a"), key("caller"));
    let callee = journal.checkpoint();
    journal.write(key("a"), key("callee"));
    journal.revert(callee);
    journal.commit(caller);
    check(journal, &[("a", Some("caller"))]);
}

#[test]
fn the_diff_has_the_last_value_of_each_written_key_whatever_the_base_says() {
    let mut journal = journal(&[("same", "1"), ("back", "1"), ("gone", "1"), ("read", "1")]);
    journal.write(key("same"), key("1"));
    journal.write(key("back"), key("2"));
    journal.write(key("back"), key("1"));
    journal.remove(key("gone"));
    journal.remove(key("never was"));
    journal.write(key("came and went"), key("1"));
    journal.remove(key("came and went"));
    read(&mut journal, "read");
    let expected = [
        ("same", Some("1")),
        ("back", Some("1")),
        ("gone", None),
        ("never was", None),
        ("came and went", None),
    ];
    check(journal, &expected);
}

#[test]
fn writing_and_taking_the_diff_read_nothing() {
    let base = Arc::new(Counting::default());
    let mut journal = Journal::new(Arc::<Counting>::clone(&base));
    let checkpoint = journal.checkpoint();
    journal.write(key("a"), key("1"));
    journal.remove(key("b"));
    journal.commit(checkpoint);
    let (diff, reads) = journal.into_parts();
    assert_eq!(diff.len(), 2);
    assert!(reads.is_empty());
    assert_eq!(base.reads.load(Ordering::Relaxed), 0);
}

#[test]
fn the_read_set_has_what_the_base_answered() {
    let mut journal = journal(&[("a", "1")]);
    read(&mut journal, "a");
    read(&mut journal, "absent");
    journal.write(key("written"), key("1"));
    read(&mut journal, "written");
    journal.write(key("a"), key("2"));
    read(&mut journal, "a");
    check_reads(journal, &["a", "absent"]);
}

#[test]
fn what_a_reverted_call_read_stays_in_the_read_set() {
    let mut journal = journal(&[("a", "1")]);
    let call = journal.checkpoint();
    read(&mut journal, "a");
    journal.write(key("b"), key("1"));
    read(&mut journal, "b");
    journal.revert(call);
    check_reads(journal, &["a"]);
}

#[test]
fn a_key_whose_write_was_reverted_is_read_from_the_base() {
    let mut journal = journal(&[("a", "1")]);
    let call = journal.checkpoint();
    journal.write(key("a"), key("2"));
    journal.revert(call);
    assert_eq!(read(&mut journal, "a"), Some("1".into()));
    check_reads(journal, &["a"]);
}

#[test]
fn the_base_is_asked_once_for_each_key() {
    let base = Arc::new(Counting::default());
    let mut journal = Journal::new(Arc::<Counting>::clone(&base));
    for _ in 0..3 {
        read(&mut journal, "a");
        read(&mut journal, "absent");
        let call = journal.checkpoint();
        journal.write(key("a"), key("2"));
        journal.revert(call);
    }
    assert_eq!(base.reads.load(Ordering::Relaxed), 2);
}

#[test]
fn a_read_is_not_copied() {
    let mut journal = Journal::new(Arc::new(Counting::default()));
    let first = journal.read(b"a").unwrap().unwrap();
    let second = journal.read(b"a").unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    journal.write(key("b"), Arc::clone(&first));
    let written = journal.read(b"b").unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &written));
}

#[test]
fn a_recorded_read_reads_nothing_until_the_value_is_asked_for() {
    let base = Arc::new(Counting::default());
    let mut journal = Journal::new(Arc::<Counting>::clone(&base));
    journal.record_read(b"a");
    journal.record_read(b"b");
    journal.write(key("c"), key("1"));
    journal.record_read(b"c");
    assert_eq!(base.reads.load(Ordering::Relaxed), 0);
    assert_eq!(read(&mut journal, "a"), Some("counted".into()));
    journal.record_read(b"a");
    assert_eq!(read(&mut journal, "a"), Some("counted".into()));
    assert_eq!(base.reads.load(Ordering::Relaxed), 1);
    check_reads(journal, &["a", "b"]);
}

#[test]
fn reading_changes_nothing() {
    let mut journal = journal(&[("a", "1")]);
    assert_eq!(read(&mut journal, "a"), Some("1".into()));
    assert_eq!(read(&mut journal, "b"), None);
    check(journal, &[]);
}

#[test]
#[should_panic(expected = "a checkpoint is closed out of order")]
fn committing_the_outer_checkpoint_first_panics() {
    let mut journal = journal(&[]);
    let outer = journal.checkpoint();
    let _inner = journal.checkpoint();
    journal.commit(outer);
}

#[test]
#[should_panic(expected = "a checkpoint is closed out of order")]
fn dropping_a_checkpoint_does_not_end_it() {
    let mut journal = journal(&[]);
    let outer = journal.checkpoint();
    drop(journal.checkpoint());
    journal.revert(outer);
}

#[test]
#[should_panic(expected = "the journal has an open checkpoint")]
fn a_diff_with_an_open_checkpoint_panics() {
    let mut journal = journal(&[]);
    let _open = journal.checkpoint();
    drop(journal.into_diff());
}

#[test]
fn a_failing_base_is_an_error_with_its_cause() {
    let mut journal = Journal::new(Arc::new(Unreadable));
    let failure = journal.read(b"a").unwrap_err();
    assert_eq!(failure.to_string(), "state cannot be read");
    let cause = error::Error::source(&failure).unwrap();
    assert_eq!(cause.to_string(), "the disk is on fire");

    journal.write(key("a"), key("1"));
    assert_eq!(
        read(&mut journal, "a"),
        Some("1".into()),
        "a changed key needs no base"
    );
    check(journal, &[("a", Some("1"))]);
}

#[test]
fn a_failed_read_is_not_recorded() {
    let mut journal = Journal::new(Arc::new(Unreadable));
    journal.read(b"a").unwrap_err();
    assert!(journal.into_parts().1.is_empty());
}

#[test]
fn journals_move_between_threads() {
    fn check<T: Send>() {}
    check::<Journal>();
}

#[test]
fn a_search_stops_at_entries_and_at_removed_keys() {
    let mut journal = journal(&[("b", "1"), ("d", "2"), ("f", "3")]);
    journal.write(key("c"), key("4"));
    journal.remove(key("d"));
    let mut step = |start: &str, end: &str, direction| {
        let range = KeyRange::new(start.as_bytes(), end.as_bytes());
        match journal.step(range, direction).unwrap() {
            None => "none".to_owned(),
            Some(Step::Removed(key)) => format!("removed {}", String::from_utf8(key).unwrap()),
            Some(Step::Entry(key, value)) => {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                format!("{}={}", text(&key), text(&value))
            }
        }
    };
    use Direction::{Ascending, Descending};
    assert_eq!(step("a", "z", Ascending), "b=1");
    assert_eq!(step("b\0", "z", Ascending), "c=4");
    assert_eq!(step("c\0", "z", Ascending), "removed d");
    assert_eq!(step("d\0", "z", Ascending), "f=3");
    assert_eq!(step("f\0", "z", Ascending), "none");
    assert_eq!(step("a", "f", Descending), "removed d");
    assert_eq!(step("a", "d", Descending), "c=4");
    assert_eq!(step("a", "b", Descending), "none");
    assert_eq!(step("f", "f", Ascending), "none");
    assert_eq!(step("z", "a", Descending), "none");
}

/// The read set has as much of the range as the result depends on.
#[test]
fn a_search_records_what_it_searched() {
    let check = |start: &str, end: &str, direction, keys: &[&str], ranges: &[(&str, &str)]| {
        let mut journal = journal(&[("b", "1"), ("f", "3")]);
        journal.write(key("d"), key("2"));
        let range = KeyRange::new(start.as_bytes(), end.as_bytes());
        let checkpoint = journal.checkpoint();
        journal.step(range, direction).unwrap();
        journal.revert(checkpoint);
        let (_, reads) = journal.into_parts();
        let found = reads
            .ranges()
            .map(|(start, end)| (start.to_vec(), end.to_vec()));
        let expected = ranges.iter().map(|(start, end)| (key(start), key(end)));
        assert!(found.eq(expected), "{reads:?}");
        assert!(reads.iter().eq(keys.iter().map(|key| key.as_bytes())));
        assert_eq!(reads.is_empty(), keys.is_empty() && ranges.is_empty());
        for (start, _) in ranges {
            assert!(reads.contains(start.as_bytes()) && !reads.contains(b"zz"));
        }
    };
    use Direction::{Ascending, Descending};
    check("a", "z", Ascending, &["b"], &[("a", "b\0")]);
    check("c", "z", Ascending, &[], &[("c", "d")]);
    check("e", "f", Ascending, &[], &[("e", "f")]);
    check("a", "z", Descending, &["f"], &[("f", "z")]);
    check("a", "f", Descending, &[], &[("d\0", "f")]);
    check("a", "d", Descending, &["b"], &[("b", "d")]);
    check("d", "d", Descending, &[], &[]);
}

#[test]
fn a_state_that_cannot_be_searched_is_an_error() {
    let mut journal = Journal::new(Arc::new(Unreadable));
    let range = KeyRange::new(b"a", b"b");
    assert!(journal.step(range, Direction::Ascending).is_err());
    assert!(journal.into_parts().1.is_empty());
}

#[test]
fn only_what_was_changed_is_a_change() {
    let mut journal = journal(&[("a", "1"), ("b", "1")]);
    journal.write(key("a"), key("2"));
    journal.remove(key("b"));
    assert_eq!(journal.changed(b"a"), Some(Some(&Value::from(*b"2"))));
    assert_eq!(journal.changed(b"b"), Some(None));
    assert_eq!(journal.changed(b"c"), None);
    assert!(journal.into_parts().1.is_empty());
}

struct Unreadable;

impl StateReader for Unreadable {
    fn read(&self, _key: &[u8]) -> Result<Option<Value>, StateError> {
        Err(StateError::new(io::Error::other("the disk is on fire")))
    }

    fn seek(
        &self,
        _range: KeyRange<'_>,
        _direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        Err(StateError::new(io::Error::other("the disk is on fire")))
    }
}

/// Holds "counted" under every key but `absent`, and counts who asks.
#[derive(Default)]
struct Counting {
    reads: AtomicUsize,
}

impl StateReader for Counting {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok((key != b"absent").then(|| Value::from(b"counted".as_slice())))
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        _direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        let value = self.read(range.start())?;
        Ok(value.map(|value| (range.start().to_vec(), value)))
    }
}

fn journal(base: &[(&str, &str)]) -> Journal {
    let base: MemoryState = base
        .iter()
        .map(|(name, value)| (key(name), key(value)))
        .collect();
    Journal::new(Arc::new(base))
}

fn key(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn read(journal: &mut Journal, name: &str) -> Option<String> {
    let value = journal.read(name.as_bytes()).unwrap();
    value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

fn check(journal: Journal, expected: &[(&str, Option<&str>)]) {
    let expected: Diff = expected
        .iter()
        .map(|(name, value)| (key(name), value.map(key)))
        .collect();
    assert_eq!(journal.into_diff(), expected);
}

fn check_reads(journal: Journal, expected: &[&str]) {
    let (_, reads) = journal.into_parts();
    let expected = expected.iter().map(|name| name.as_bytes());
    assert!(reads.iter().eq(expected), "{reads:?}");
}
