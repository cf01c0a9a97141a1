//! What a journal shows, undoes, and says in the end.

use std::sync::Arc;
use std::{error, io};

use fusee_state::{Diff, Journal, MemoryState, StateError, StateReader};

#[test]
fn reads_fall_through_to_the_base_until_a_change_hides_it() {
    let mut journal = journal(&[("a", "1"), ("b", "2")]);
    journal.write(key("a"), key("3"));
    journal.remove(key("b"));
    assert_eq!(read(&journal, "a"), Some("3".into()));
    assert_eq!(read(&journal, "b"), None);
    assert_eq!(read(&journal, "c"), None);
}

#[test]
fn an_empty_value_is_a_value() {
    let mut journal = journal(&[]);
    journal.write(key("a"), key(""));
    assert_eq!(read(&journal, "a"), Some(String::new()));
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
    assert_eq!(read(&journal, "a"), Some("2".into()));
    assert_eq!(read(&journal, "b"), None);
    check(journal, &[("a", Some("2"))]);
}

#[test]
fn revert_uncovers_the_base() {
    let mut journal = journal(&[("a", "1")]);
    let checkpoint = journal.checkpoint();
    journal.remove(key("a"));
    journal.revert(checkpoint);
    assert_eq!(read(&journal, "a"), Some("1".into()));
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
fn the_diff_leaves_out_what_the_base_says_already() {
    let mut journal = journal(&[
        ("same", "1"),
        ("back", "1"),
        ("changed", "1"),
        ("gone", "1"),
    ]);
    journal.write(key("same"), key("1"));
    journal.write(key("back"), key("2"));
    journal.write(key("back"), key("1"));
    journal.write(key("changed"), key("2"));
    journal.remove(key("gone"));
    journal.remove(key("never was"));
    journal.write(key("came and went"), key("1"));
    journal.remove(key("came and went"));
    check(journal, &[("changed", Some("2")), ("gone", None)]);
}

#[test]
fn reading_changes_nothing() {
    let journal = journal(&[("a", "1")]);
    assert_eq!(read(&journal, "a"), Some("1".into()));
    assert_eq!(read(&journal, "b"), None);
    check(journal, &[]);
}

#[test]
#[should_panic(expected = "a checkpoint is ended out of turn")]
fn committing_the_outer_checkpoint_first_panics() {
    let mut journal = journal(&[]);
    let outer = journal.checkpoint();
    let _inner = journal.checkpoint();
    journal.commit(outer);
}

#[test]
#[should_panic(expected = "a checkpoint is ended out of turn")]
fn dropping_a_checkpoint_does_not_end_it() {
    let mut journal = journal(&[]);
    let outer = journal.checkpoint();
    drop(journal.checkpoint());
    journal.revert(outer);
}

#[test]
#[should_panic(expected = "a diff is taken while a checkpoint is open")]
fn a_diff_with_an_open_checkpoint_panics() {
    let mut journal = journal(&[]);
    let _open = journal.checkpoint();
    let _ = journal.into_diff();
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
        read(&journal, "a"),
        Some("1".into()),
        "a changed key needs no base"
    );
    journal.into_diff().unwrap_err();
}

#[test]
fn journals_move_between_threads() {
    fn check<T: Send>() {}
    check::<Journal>();
}

struct Unreadable;

impl StateReader for Unreadable {
    fn read(&self, _key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Err(StateError::new(io::Error::other("the disk is on fire")))
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

fn read(journal: &Journal, name: &str) -> Option<String> {
    let value = journal.read(name.as_bytes()).unwrap();
    value.map(|value| String::from_utf8(value).unwrap())
}

fn check(journal: Journal, expected: &[(&str, Option<&str>)]) {
    let expected: Diff = expected
        .iter()
        .map(|(name, value)| (key(name), value.map(key)))
        .collect();
    assert_eq!(journal.into_diff().unwrap(), expected);
}
