//! Execution on many threads, against execution in order.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use fusee_ledger::parallel::{Executed, run};
use fusee_state::{
    Diff, Direction, Journal, KeyRange, MemoryState, Overlay, StateError, StateReader, Step, Value,
};
use proptest::collection::vec;
use proptest::prelude::*;
use thiserror::Error;

/// Few keys, so that transactions meet each other.
const KEYS: u8 = 12;

/// The numbers of threads beside one.
const THREADS: [usize; 4] = [2, 3, 4, 8];

/// A step of a transaction. What it writes, and where, depends on everything that it has seen.
#[derive(Clone, Debug)]
enum Action {
    Read(u8),
    Search(u8, u8, Direction),
    Write(u8),
    /// Writes a key that depends on what was seen.
    WriteSeen,
    Remove(u8),
    /// Ends the transaction without changes if what was seen has this remainder.
    EndIf(u64),
    /// Fails if what was seen has this remainder.
    FailIf(u64),
    /// Lets other threads run.
    Yield,
    /// Takes its time.
    Work(u16),
}

#[derive(Debug, Error, PartialEq)]
#[error("transaction {0} fails")]
struct Failed(usize);

/// What a run comes to: outputs or an error, and the changes.
type Ended = (Result<Vec<u64>, usize>, Diff);

fn action(failures: u32) -> impl Strategy<Value = Action> {
    let direction = prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)];
    prop_oneof![
        6 => (0..KEYS).prop_map(Action::Read),
        4 => (0..=KEYS, 0..=KEYS, direction)
            .prop_map(|(start, end, direction)| Action::Search(start, end, direction)),
        5 => (0..KEYS).prop_map(Action::Write),
        2 => Just(Action::WriteSeen),
        3 => (0..KEYS).prop_map(Action::Remove),
        1 => (0..5u64).prop_map(Action::EndIf),
        failures => (0..40u64).prop_map(Action::FailIf),
        2 => Just(Action::Yield),
        2 => any::<u16>().prop_map(Action::Work),
    ]
}

/// Mixes a number into what was seen.
fn mix(seen: u64, number: u64) -> u64 {
    let mixed = (seen ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

fn number(value: Option<&Value>) -> u64 {
    let bytes = value.and_then(|value| value.first_chunk());
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn execute(
    index: usize,
    actions: &[Action],
    state: Arc<dyn StateReader>,
) -> Result<Executed<u64>, Failed> {
    let mut journal = Journal::new(state);
    let mut seen = 1;
    for action in actions {
        match *action {
            Action::Read(key) => {
                let value = journal.read(&[key]).unwrap();
                seen = mix(seen, number(value.as_ref()));
            }
            Action::Search(start, end, direction) => {
                let (start, end) = ([start], [end]);
                let range = KeyRange::new(&start, &end);
                seen = match journal.step(range, direction).unwrap() {
                    None => mix(seen, 1),
                    Some(Step::Removed(key)) => mix(seen, u64::from(key[0])),
                    Some(Step::Entry(key, value)) => {
                        mix(mix(seen, u64::from(key[0])), number(Some(&value)))
                    }
                };
            }
            Action::Write(key) => journal.write(vec![key], seen.to_le_bytes()),
            Action::WriteSeen => {
                let key = seen.to_le_bytes()[0] % KEYS;
                journal.write(vec![key], seen.to_le_bytes());
            }
            Action::Remove(key) => journal.remove(vec![key]),
            Action::EndIf(remainder) if seen % 5 == remainder => {
                let changes = Diff::default();
                let output = seen;
                return Ok(Executed { changes, output });
            }
            Action::FailIf(remainder) if seen % 40 == remainder => return Err(Failed(index)),
            Action::EndIf(_) | Action::FailIf(_) => {}
            Action::Yield => thread::yield_now(),
            Action::Work(amount) => {
                for turn in 0..u64::from(amount) {
                    std::hint::black_box(mix(turn, 1));
                }
            }
        }
    }
    let changes = journal.into_diff();
    let output = seen;
    Ok(Executed { changes, output })
}

fn threads(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn ended(base: &Arc<MemoryState>, transactions: &[Vec<Action>], number: usize) -> Ended {
    let mut overlay = Overlay::new(Arc::<MemoryState>::clone(base));
    let count = transactions.len();
    let result = run(&mut overlay, count, threads(number), |index, state| {
        execute(index, &transactions[index], state)
    });
    (result.map_err(|Failed(index)| index), overlay.into_diff())
}

fn check(base: &Arc<MemoryState>, transactions: &[Vec<Action>]) -> Result<(), TestCaseError> {
    let expected = ended(base, transactions, 1);
    for number in THREADS {
        let found = ended(base, transactions, number);
        prop_assert_eq!(&found, &expected, "on {} threads", number);
    }
    Ok(())
}

fn base(keys: &[u8]) -> Arc<MemoryState> {
    let entry = |key: &u8| (vec![*key], u64::from(*key).to_le_bytes());
    Arc::new(keys.iter().map(entry).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_transactions_have_the_results_of_their_order(
        keys in vec(0..KEYS, 0..8),
        transactions in vec(vec(action(0), 0..8), 0..80),
    ) {
        check(&base(&keys), &transactions)?;
    }

    #[test]
    fn the_first_failure_of_the_order_ends_the_run(
        keys in vec(0..KEYS, 0..8),
        transactions in vec(vec(action(1), 0..8), 0..60),
    ) {
        check(&base(&keys), &transactions)?;
    }

    #[test]
    fn few_conflicts_among_many_transactions_are_found(
        hot in vec(any::<bool>(), 100..400),
        share in 1..16u8,
    ) {
        let mut transactions = Vec::new();
        for (index, hot) in hot.iter().enumerate() {
            let own = u8::try_from(index % 200).unwrap() + KEYS;
            let is_hot = *hot && u8::try_from(index % 16).unwrap() < share;
            let key = if is_hot { 0 } else { own };
            transactions.push(vec![
                Action::Read(key),
                Action::Work(200),
                Action::Write(key),
                Action::Read(own),
                Action::Write(own),
            ]);
        }
        check(&base(&[0, 1]), &transactions)?;
    }
}

/// Adds one to the counter under a key.
fn increment(key: u8, state: Arc<dyn StateReader>) -> Result<Executed<u64>, Failed> {
    let mut journal = Journal::new(state);
    let value = journal.read(&[key]).unwrap();
    let output = number(value.as_ref()) + 1;
    journal.write(vec![key], output.to_le_bytes());
    let changes = journal.into_diff();
    Ok(Executed { changes, output })
}

#[test]
fn a_counter_that_all_increment_counts_all() {
    for number in [1, 2, 3, 4, 8] {
        let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
        let outputs = run(&mut overlay, 3_000, threads(number), |_, state| {
            increment(0, state)
        });
        assert!(outputs.unwrap().into_iter().eq(1..=3_000));
        assert_eq!(overlay.into_diff(), diff(&[(0, Some(3_000))]));
    }
}

#[test]
fn no_transactions_have_no_results() {
    let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
    let outputs = run(&mut overlay, 0, threads(8), |_, state| increment(0, state));
    assert_eq!(outputs, Ok(vec![]));
    assert!(overlay.into_diff().is_empty());
}

#[test]
fn a_run_begins_behind_what_was_applied_before() {
    for number in [1, 2] {
        let mut overlay = Overlay::new(base(&[7]));
        overlay.apply(diff(&[(0, Some(40)), (7, None)]));
        let outputs = run(&mut overlay, 2, threads(number), |index, state| {
            increment([0, 7][index], state)
        });
        assert_eq!(outputs, Ok(vec![41, 1]));
        assert_eq!(overlay.into_diff(), diff(&[(0, Some(41)), (7, Some(1))]));
    }
}

fn diff(changes: &[(u8, Option<u64>)]) -> Diff {
    let change = |(key, value): &(u8, Option<u64>)| {
        let value = value.map(|value| value.to_le_bytes().to_vec());
        (vec![*key], value)
    };
    changes.iter().map(change).collect()
}

/// Runs two transactions on two threads so that the second one has ended once before the first one
/// ends. Returns how the run ended, and how often the second one ran.
fn overlapping(
    base: &Arc<MemoryState>,
    first: &[Action],
    second: impl Fn(Arc<dyn StateReader>) -> Result<Executed<u64>, Failed> + Sync,
) -> (Ended, usize) {
    let mut overlay = Overlay::new(Arc::<MemoryState>::clone(base));
    let runs = AtomicUsize::new(0);
    let has_ended = Barrier::new(2);
    let result = run(&mut overlay, 2, threads(2), |index, state| {
        if index == 0 {
            let executed = execute(0, first, state);
            has_ended.wait();
            return executed;
        }
        let is_first = runs.fetch_add(1, Ordering::SeqCst) == 0;
        let executed = catch_unwind(AssertUnwindSafe(|| second(state)));
        if is_first {
            has_ended.wait();
        }
        executed.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let result = result.map_err(|Failed(index)| index);
    ((result, overlay.into_diff()), runs.into_inner())
}

/// Checks how often a transaction runs if another one ends behind its first run.
fn check_overlap(keys: &[u8], first: Action, second: &Action, expected_runs: usize) {
    let base = base(keys);
    let transactions = [vec![first], vec![second.clone(), Action::Write(100)]];
    let expected = ended(&base, &transactions, 1);
    let (found, runs) = overlapping(&base, &transactions[0], |state| {
        execute(1, &transactions[1], state)
    });
    assert_eq!(found, expected, "{transactions:?}");
    assert_eq!(runs, expected_runs, "{transactions:?}");
}

#[test]
fn a_read_conflicts_with_a_change_of_its_key_alone() {
    check_overlap(&[3], Action::Write(3), &Action::Read(3), 2);
    check_overlap(&[3], Action::Remove(3), &Action::Read(3), 2);
    check_overlap(&[], Action::Write(3), &Action::Read(3), 2);
    check_overlap(&[3], Action::Write(2), &Action::Read(3), 1);
    check_overlap(&[3], Action::Write(100), &Action::Read(3), 1);
}

#[test]
fn a_search_conflicts_with_changes_up_to_the_key_that_it_found() {
    let (up, down) = (Direction::Ascending, Direction::Descending);
    let search = |direction| Action::Search(2, 8, direction);
    // The key that was found: changed or removed.
    for direction in [up, down] {
        check_overlap(&[5], Action::Write(5), &search(direction), 2);
        check_overlap(&[5], Action::Remove(5), &search(direction), 2);
    }
    // A new key before it, behind it, and outside the range.
    check_overlap(&[5], Action::Write(4), &search(up), 2);
    check_overlap(&[5], Action::Write(6), &search(up), 1);
    check_overlap(&[5], Action::Write(6), &search(down), 2);
    check_overlap(&[5], Action::Write(4), &search(down), 1);
    for direction in [up, down] {
        check_overlap(&[5], Action::Write(1), &search(direction), 1);
        check_overlap(&[5], Action::Write(8), &search(direction), 1);
        // Nothing was found.
        check_overlap(&[], Action::Write(2), &search(direction), 2);
        check_overlap(&[], Action::Write(7), &search(direction), 2);
        check_overlap(&[], Action::Write(8), &search(direction), 1);
    }
}

#[test]
fn an_error_that_the_order_does_not_have_does_not_count() {
    let fail_if_absent = |state: Arc<dyn StateReader>| match state.read(&[0]).unwrap() {
        None => Err(Failed(1)),
        Some(_) => increment(0, state),
    };
    let base = base(&[]);
    let (found, runs) = overlapping(&base, &[Action::Write(0)], fail_if_absent);
    assert_eq!(found, (Ok(vec![1, 2]), diff(&[(0, Some(2))])));
    assert_eq!(runs, 2);
    let (found, _) = overlapping(&base, &[Action::Write(1)], fail_if_absent);
    assert_eq!(found, (Err(1), diff(&[(1, Some(1))])));
}

#[test]
fn a_panic_that_the_order_does_not_have_does_not_count() {
    let panic_if_absent = |state: Arc<dyn StateReader>| match state.read(&[0]).unwrap() {
        None => panic!("the counter is absent"),
        Some(_) => increment(0, state),
    };
    let base = base(&[]);
    let (found, runs) = overlapping(&base, &[Action::Write(0)], panic_if_absent);
    assert_eq!(found, (Ok(vec![1, 2]), diff(&[(0, Some(2))])));
    assert_eq!(runs, 2);
    let ended = catch_unwind(|| overlapping(&base, &[Action::Write(1)], panic_if_absent));
    let panic = ended.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the counter is absent"));
}

#[test]
fn a_panic_ends_the_run_on_all_threads_with_its_words() {
    for number in [1, 2, 3, 8] {
        for place in [0, 1, 50, 999] {
            let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
            let ended = catch_unwind(AssertUnwindSafe(|| {
                run(&mut overlay, 1_000, threads(number), |index, state| {
                    assert!(index != place, "transaction {index} panics");
                    increment(0, state)
                })
            }));
            let panic = ended.unwrap_err();
            let words = panic.downcast_ref::<String>().unwrap();
            assert_eq!(*words, format!("transaction {place} panics"));
            let count = u64::try_from(place).unwrap();
            let changes = (place > 0).then(|| diff(&[(0, Some(count))]));
            assert_eq!(overlay.into_diff(), changes.unwrap_or_default());
        }
    }
}

/// A state whose reads of one key fail.
struct Broken;

impl StateReader for Broken {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        match key {
            [7] => Err(StateError::new(Failed(7))),
            _ => Ok(None),
        }
    }

    fn seek(&self, _: KeyRange<'_>, _: Direction) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        Ok(None)
    }
}

#[test]
fn a_failed_read_ends_the_run_unless_the_key_was_written_before() {
    for number in [1, 2, 3, 8] {
        for (writer, expected) in [(10, true), (12, false)] {
            let mut overlay = Overlay::new(Arc::new(Broken));
            let result = run(&mut overlay, 20, threads(number), |index, state| {
                let mut journal = Journal::new(state);
                if index == 11 {
                    journal.read(&[7])?;
                }
                let key = if index == writer { 7 } else { 100 };
                journal.write(vec![key], [1]);
                let changes = journal.into_diff();
                let output = ();
                Ok::<_, StateError>(Executed { changes, output })
            });
            assert_eq!(result.is_ok(), expected);
            assert_eq!(overlay.changed_keys(), if expected { 2 } else { 1 });
        }
    }
}

#[test]
fn one_thread_runs_each_transaction_once_in_order() {
    for (count, number) in [(100, 1), (1, 8)] {
        let calls = Mutex::new(Vec::new());
        let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
        let outputs = run(&mut overlay, count, threads(number), |index, state| {
            calls.lock().unwrap().push((index, thread::current().id()));
            increment(0, state)
        });
        assert_eq!(outputs.unwrap().len(), count);
        let expected = (0..count).map(|index| (index, thread::current().id()));
        assert!(calls.into_inner().unwrap().into_iter().eq(expected));
    }
}

#[test]
fn no_transaction_runs_more_than_twice() {
    let calls: Vec<_> = (0..2_000).map(|_| AtomicUsize::new(0)).collect();
    let mut overlay = Overlay::new(Arc::new(MemoryState::new()));
    let outputs = run(&mut overlay, calls.len(), threads(4), |index, state| {
        calls[index].fetch_add(1, Ordering::Relaxed);
        thread::yield_now();
        increment(0, state)
    });
    assert_eq!(outputs.unwrap().len(), calls.len());
    for calls in calls {
        assert!((1..=2).contains(&calls.into_inner()));
    }
}
