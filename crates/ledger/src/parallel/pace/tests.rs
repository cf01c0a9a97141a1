//! The pace, without threads.

use super::Pace;

/// The indices of `count` transactions that run in turn if `conflicts` says which others are in
/// conflict.
fn in_turn(count: usize, conflicts: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut pace = Pace::new(2);
    let mut found = Vec::new();
    for index in 0..count {
        if pace.is_in_turn(index) {
            found.push(index);
        } else if pace.note(conflicts(index)) {
            pace.begin(index + 1);
        }
    }
    found
}

#[test]
fn where_half_of_the_transactions_are_in_conflict_few_run_ahead() {
    assert_eq!(10_000 - in_turn(10_000, |_| true).len(), 28);
    let half = in_turn(10_000, |index| index % 2 == 0);
    assert!(10_000 - half.len() <= 128);
}

#[test]
fn where_fewer_are_in_conflict_all_run_ahead() {
    assert!(in_turn(10_000, |index| index % 16 < 7).is_empty());
}

#[test]
fn a_burst_of_conflicts_costs_one_stretch() {
    let burst = |index| index % 1_000 < 8;
    let expected = (0..10_000).filter(|index| (8..264).contains(&(index % 1_000)));
    assert!(in_turn(10_000, burst).into_iter().eq(expected));
}

#[test]
fn the_distance_grows_while_there_are_no_conflicts() {
    let mut pace = Pace::new(2);
    assert_eq!(pace.distance(), 4);
    for _ in 0..1_000 {
        pace.note(false);
    }
    assert_eq!(pace.distance(), 512);
    pace.note(true);
    assert_eq!(pace.distance(), 256);
    assert_eq!(Pace::new(16).distance(), 16, "no thread waits");
}
