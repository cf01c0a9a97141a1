//! The journal against the simplest thing that could be right: a stack of whole copies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fusee_state::{Checkpoint, Diff, Direction, Journal, KeyRange, MemoryState, Step as Found};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Write(u8, u8),
    Remove(u8),
    Read(u8),
    Search(u8, u8, bool),
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
        2 => (0..KEYS).prop_map(Step::Read),
        2 => (0..=KEYS, 0..=KEYS, any::<bool>())
            .prop_map(|(start, end, ascends)| Step::Search(start, end, ascends)),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Commit),
        1 => Just(Step::Revert),
    ]
}

type Entries = BTreeMap<u8, u8>;

/// What is written, and as it was at each open checkpoint; and what was read from the base.
struct Model {
    base: Entries,
    written: BTreeMap<u8, Option<u8>>,
    marks: Vec<BTreeMap<u8, Option<u8>>>,
    read: BTreeSet<u8>,
    /// The keys that searches passed in the base, whether it has them or not.
    searched: BTreeSet<u8>,
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
                base: base.clone(),
                written: BTreeMap::new(),
                marks: Vec::new(),
                read: BTreeSet::new(),
                searched: BTreeSet::new(),
            },
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Write(key, value) => {
                self.journal.write(vec![key], vec![value]);
                self.model.written.insert(key, Some(value));
            }
            Step::Remove(key) => {
                self.journal.remove(vec![key]);
                self.model.written.insert(key, None);
            }
            Step::Read(key) => self.check_read(key),
            Step::Search(start, end, ascends) => self.check_search(start, end, ascends),
            Step::Checkpoint => {
                self.open.push(self.journal.checkpoint());
                self.model.marks.push(self.model.written.clone());
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
                    self.model.written = self.model.marks.pop().unwrap();
                }
            }
        }
    }

    /// Goes through the range key by key.
    fn check_search(&mut self, start: u8, end: u8, ascends: bool) {
        let model = &mut self.model;
        let mut keys: Vec<u8> = (start..end).collect();
        if !ascends {
            keys.reverse();
        }
        let mut expected = None;
        for key in keys {
            if let Some(written) = model.written.get(&key) {
                expected = Some(match written {
                    Some(value) => Found::Entry(vec![key], [*value].as_slice().into()),
                    None => Found::Removed(vec![key]),
                });
                break;
            }
            model.searched.insert(key);
            if let Some(value) = model.base.get(&key) {
                model.read.insert(key);
                expected = Some(Found::Entry(vec![key], [*value].as_slice().into()));
                break;
            }
        }
        let direction = match ascends {
            true => Direction::Ascending,
            false => Direction::Descending,
        };
        let (start, end) = ([start], [end]);
        let found = self.journal.step(KeyRange::new(&start, &end), direction);
        assert_eq!(found.unwrap(), expected);
    }

    fn check_read(&mut self, key: u8) {
        let expected = match self.model.written.get(&key) {
            Some(written) => *written,
            None => {
                self.model.read.insert(key);
                self.model.base.get(&key).copied()
            }
        };
        let found = self.journal.read(&[key]).unwrap();
        assert_eq!(
            found.as_deref(),
            expected
                .map(|value| [value])
                .as_ref()
                .map(<[u8; 1]>::as_slice)
        );
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
        }
        // What is still open ends one way or the other.
        for keep in endings.into_iter().take(pair.open.len()) {
            pair.take(if keep { &Step::Commit } else { &Step::Revert });
        }

        let Model { written, read, searched, .. } = pair.model;
        let (diff, reads) = pair.journal.into_parts();
        let expected: Diff = written.iter().map(|(key, value)| (vec![*key], value.map(|value| vec![value]))).collect();
        prop_assert_eq!(&diff, &expected);
        prop_assert!(reads.iter().eq(read.iter().map(std::slice::from_ref)), "{:?}", reads);
        for key in 0..KEYS {
            let is_read = read.contains(&key) || searched.contains(&key);
            prop_assert_eq!(reads.contains(&[key]), is_read, "{}", key);
        }
        prop_assert_eq!(Diff::decode(&diff.encode()), Ok(diff));
    }
}

fn memory(entries: &Entries) -> MemoryState {
    entries
        .iter()
        .map(|(key, value)| (vec![*key], vec![*value]))
        .collect()
}
