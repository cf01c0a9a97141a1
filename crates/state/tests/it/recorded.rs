//! A recorded state answers what was read of a state, and nothing else.

use std::sync::Arc;

use fusee_state::{
    Direction, Journal, KeyRange, MemoryState, ReadSet, RecordedState, StateReader, Step, Value,
};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Ask {
    Read(u8),
    Record(u8),
    Write(u8),
    Remove(u8),
    Step(u8, u8, bool),
}

#[derive(Debug, PartialEq)]
enum Answer {
    Value(Option<Value>),
    Step(Option<Step>),
}

fn ask() -> impl Strategy<Value = Ask> {
    let key = 0..24_u8;
    prop_oneof![
        key.clone().prop_map(Ask::Read),
        key.clone().prop_map(Ask::Record),
        key.clone().prop_map(Ask::Write),
        key.clone().prop_map(Ask::Remove),
        (key.clone(), key, any::<bool>()).prop_map(|(start, end, up)| Ask::Step(start, end, up)),
    ]
}

fn direction(ascends: bool) -> Direction {
    match ascends {
        true => Direction::Ascending,
        false => Direction::Descending,
    }
}

/// What a transaction that asks this learns, and what it reads.
fn run(base: Arc<dyn StateReader>, asks: &[Ask]) -> (Vec<Answer>, ReadSet) {
    let mut journal = Journal::new(base);
    let mut answers = Vec::new();
    for ask in asks {
        match *ask {
            Ask::Read(key) => answers.push(Answer::Value(journal.read(&[key]).unwrap())),
            Ask::Record(key) => journal.record_read(&[key]),
            Ask::Write(key) => journal.write(vec![key], [9].as_slice()),
            Ask::Remove(key) => journal.remove(vec![key]),
            Ask::Step(start, end, up) => {
                let (start, end) = ([start], [end]);
                let range = KeyRange::new(&start, &end);
                answers.push(Answer::Step(journal.step(range, direction(up)).unwrap()));
            }
        }
    }
    let (_, reads) = journal.into_parts();
    (answers, reads)
}

fn base(keys: &[u8]) -> MemoryState {
    keys.iter().map(|key| (vec![*key], vec![*key])).collect()
}

proptest! {
    #[test]
    fn a_transaction_learns_the_same_of_what_it_read(
        keys in vec(0..24_u8, 0..12),
        asks in vec(ask(), 0..24),
    ) {
        let base = base(&keys);
        let (answers, reads) = run(Arc::new(base.clone()), &asks);
        let recorded = RecordedState::record(&reads, &base).unwrap();
        let (again, reads_again) = run(Arc::new(recorded), &asks);
        prop_assert_eq!(again, answers);
        prop_assert_eq!(reads_again, reads);
    }

    /// Whatever is asked: the state's own answer, or an error.
    #[test]
    fn no_answer_is_wrong(
        keys in vec(0..24_u8, 0..12),
        asks in vec(ask(), 0..24),
        (start, end, up) in (0..24_u8, 0..24_u8, any::<bool>()),
    ) {
        let base = base(&keys);
        let (_, reads) = run(Arc::new(base.clone()), &asks);
        let recorded = RecordedState::record(&reads, &base).unwrap();
        for key in 0..24 {
            match recorded.read(&[key]) {
                Ok(value) => {
                    prop_assert!(reads.contains(&[key]));
                    prop_assert_eq!(value, base.read(&[key]).unwrap());
                }
                Err(_) => prop_assert!(!reads.contains(&[key])),
            }
        }
        let (start, end) = ([start], [end]);
        let range = KeyRange::new(&start, &end);
        if let Ok(found) = recorded.seek(range, direction(up)) {
            prop_assert_eq!(found, base.seek(range, direction(up)).unwrap());
        }
    }
}

#[test]
fn what_was_not_read_is_an_error_that_names_it() {
    let base = base(&[1, 5]);
    let mut journal = Journal::new(Arc::new(base.clone()));
    journal.read(&[1]).unwrap();
    journal.read(&[2]).unwrap();
    journal
        .step(KeyRange::new(&[4], &[9]), Direction::Ascending)
        .unwrap();
    let (_, reads) = journal.into_parts();
    let recorded = RecordedState::record(&reads, &base).unwrap();

    let text = |error: fusee_state::StateError| {
        let source = std::error::Error::source(&error).unwrap();
        source.to_string()
    };
    assert_eq!(recorded.read(&[2]).unwrap(), None);
    assert_eq!(recorded.read(&[4]).unwrap(), None, "in the range");
    assert_eq!(
        text(recorded.read(&[3]).unwrap_err()),
        "the recorded state does not have the key 0x03"
    );
    // The search ended at 5.
    let behind = recorded.seek(KeyRange::new(&[5, 0], &[9]), Direction::Ascending);
    assert_eq!(
        text(behind.unwrap_err()),
        "the recorded state does not have all keys from 0x0500 to 0x09"
    );
    let before = recorded.seek(KeyRange::new(&[4], &[6]), Direction::Descending);
    assert!(before.is_err(), "nothing is known from 5 to 6");
    let empty = KeyRange::new(&[7], &[7]);
    assert_eq!(recorded.seek(empty, Direction::Ascending).unwrap(), None);
}
