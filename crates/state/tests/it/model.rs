//! The journal against the simplest thing that could be right: a stack of whole copies.

use std::collections::BTreeMap;
use std::sync::Arc;

use fusee_state::{Checkpoint, Diff, Journal, MemoryState};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Write(u8, u8),
    Remove(u8),
    Checkpoint,
    Commit,
    Revert,
}

/// Few keys and few values, so that changes meet each other and the base.
const KEYS: u8 = 6;
const VALUES: u8 = 3;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..KEYS, 0..VALUES).prop_map(|(key, value)| Step::Write(key, value)),
        2 => (0..KEYS).prop_map(Step::Remove),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Commit),
        1 => Just(Step::Revert),
    ]
}

type Entries = BTreeMap<u8, u8>;

/// The state now, and as it was at each open checkpoint.
struct Model {
    now: Entries,
    marks: Vec<Entries>,
}

struct Pair {
    journal: Journal,
    open: Vec<Checkpoint>,
    model: Model,
}

impl Pair {
    fn new(base: &Entries) -> Self {
        Self {
            journal: Journal::new(Arc::new(memory(base))),
            open: Vec::new(),
            model: Model {
                now: base.clone(),
                marks: Vec::new(),
            },
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Write(key, value) => {
                self.journal.write(vec![key], vec![value]);
                self.model.now.insert(key, value);
            }
            Step::Remove(key) => {
                self.journal.remove(vec![key]);
                self.model.now.remove(&key);
            }
            Step::Checkpoint => {
                self.open.push(self.journal.checkpoint());
                self.model.marks.push(self.model.now.clone());
            }
            Step::Commit => {
                if let Some(checkpoint) = self.open.pop() {
                    self.journal.commit(checkpoint);
                    self.model.marks.pop();
                }
            }
            Step::Revert => {
                if let Some(checkpoint) = self.open.pop() {
                    self.journal.revert(checkpoint);
                    self.model.now = self.model.marks.pop().unwrap();
                }
            }
        }
    }

    fn check_reads(&self) {
        for key in 0..KEYS {
            let expected = self.model.now.get(&key).map(|value| vec![*value]);
            assert_eq!(self.journal.read(&[key]).unwrap(), expected, "key {key}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_journal_agrees_with_a_stack_of_copies(
        base in btree_map(0..KEYS, 0..VALUES, 0..4),
        steps in vec(step(), 0..60),
        endings in vec(any::<bool>(), 60),
    ) {
        let mut pair = Pair::new(&base);
        for step in &steps {
            pair.take(step);
            pair.check_reads();
        }
        // What is still open ends one way or the other.
        for keep in endings.into_iter().take(pair.open.len()) {
            pair.take(if keep { &Step::Commit } else { &Step::Revert });
            pair.check_reads();
        }

        let diff = pair.journal.into_diff().unwrap();
        prop_assert_eq!(&diff, &difference(&base, &pair.model.now));
        let mut state = memory(&base);
        state.apply(&diff);
        prop_assert_eq!(state, memory(&pair.model.now));
        prop_assert_eq!(Diff::decode(&diff.encode()), Ok(diff));
    }
}

fn memory(entries: &Entries) -> MemoryState {
    entries
        .iter()
        .map(|(key, value)| (vec![*key], vec![*value]))
        .collect()
}

/// The least change that leads from one state to the other.
fn difference(from: &Entries, to: &Entries) -> Diff {
    (0..KEYS)
        .filter(|key| from.get(key) != to.get(key))
        .map(|key| (vec![key], to.get(&key).map(|value| vec![*value])))
        .collect()
}
