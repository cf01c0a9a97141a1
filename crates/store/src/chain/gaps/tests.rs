//! Tests of gaps, against the keys that every height has.

use std::collections::BTreeSet;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::{Diff, Gaps, LIMIT, after};

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(0_u8..3, 0..3)
}

#[derive(Clone, Debug)]
enum Action {
    /// Writes a key, or removes it.
    Block(Vec<(Vec<u8>, bool)>),
    /// Searches from a key on.
    Search(Vec<u8>),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        btree_map(key(), proptest::bool::weighted(0.4), 0..6)
            .prop_map(|changes| Action::Block(changes.into_iter().collect())),
        key().prop_map(Action::Search),
    ]
}

fn diff(changes: &[(Vec<u8>, bool)]) -> Diff {
    let changes = changes.iter();
    let changes = changes.map(|(key, written)| (key.clone(), written.then(|| vec![1])));
    changes.collect()
}

proptest! {
    #[test]
    fn no_gap_has_a_key_at_any_height_that_uses_it(
        actions in vec(action(), 1..60),
        probes in vec(key(), 8),
    ) {
        let gaps = Gaps::new(Some(0));
        let mut heights = vec![BTreeSet::new()];
        for action in actions {
            let height = u64::try_from(heights.len()).unwrap() - 1;
            match action {
                Action::Block(changes) => {
                    let mut keys = heights.last().unwrap().clone();
                    for (key, written) in &changes {
                        match written {
                            true => keys.insert(key.clone()),
                            false => keys.remove(key),
                        };
                    }
                    heights.push(keys);
                    gaps.advance(height + 1, &diff(&changes));
                }
                Action::Search(from) => {
                    let keys = heights.last().unwrap();
                    let end = keys.range(from.clone()..).next().cloned().unwrap_or(vec![9]);
                    gaps.add(&from, &end, height);
                    if from < end {
                        prop_assert!(gaps.end(&from, height) >= Some(end));
                    }
                }
            }
            for (height, keys) in (0..).zip(&heights) {
                for probe in &probes {
                    if let Some(end) = gaps.end(probe, height) {
                        let inside = keys.range(probe.clone()..end).next();
                        prop_assert_eq!(inside, None, "from {:?} at {}", probe, height);
                    }
                    if let Some(start) = gaps.start(probe, height) {
                        let inside = keys.range(start..probe.clone()).next();
                        prop_assert_eq!(inside, None, "before {:?} at {}", probe, height);
                    }
                }
            }
        }
    }
}

#[test]
fn what_was_found_before_the_last_block_is_ignored() {
    let gaps = Gaps::new(Some(4));
    gaps.advance(5, &diff(&[]));
    gaps.add(b"a", b"c", 4);
    assert_eq!(gaps.end(b"a", 5), None);
    gaps.add(b"a", b"c", 5);
    assert_eq!(gaps.end(b"b", 5), Some(b"c".to_vec()));
    assert_eq!(gaps.start(b"c", 6), Some(b"a".to_vec()));
    // An older state may have a key there.
    assert_eq!(gaps.end(b"b", 4), None);
}

#[test]
fn a_written_key_divides_a_gap() {
    let gaps = Gaps::new(Some(0));
    gaps.add(b"a", b"z", 0);
    gaps.advance(1, &diff(&[(b"m".to_vec(), true), (b"n".to_vec(), false)]));
    assert_eq!(gaps.end(b"b", 1), Some(b"m".to_vec()));
    assert_eq!(gaps.end(b"m", 1), None);
    assert_eq!(gaps.start(b"z", 1), Some(after(b"m")));
}

#[test]
fn gaps_take_a_bounded_number_of_bytes() {
    let gaps = Gaps::new(Some(0));
    let key = |number: u32, last: u8| {
        let mut key = vec![0; 1_000];
        key[..4].copy_from_slice(&number.to_be_bytes());
        key[999] = last;
        key
    };
    for number in 0..20_000 {
        gaps.add(&key(number, 0), &key(number, 1), 0);
        let state = gaps.lock();
        assert!(state.bytes <= LIMIT);
        let bytes = state
            .gaps
            .iter()
            .map(|(start, gap)| super::size(start, gap));
        if number % 1_000 == 0 {
            assert_eq!(bytes.sum::<usize>(), state.bytes);
        }
    }
    assert!(gaps.end(&key(19_999, 0), 0).is_some());
}
