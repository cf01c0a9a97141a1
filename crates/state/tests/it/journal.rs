//! What a journal shows, undoes, and says in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{error, io};

use fusee_state::{Diff, Journal, MemoryState, StateError, StateReader, Value};

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

struct Unreadable;

impl StateReader for Unreadable {
    fn read(&self, _key: &[u8]) -> Result<Option<Value>, StateError> {
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
