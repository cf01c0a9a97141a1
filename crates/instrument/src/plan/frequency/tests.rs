//! Estimates of single constructs.

use super::{ENTRY, Frequencies, ROUNDS};

fn body() -> Frequencies {
    Frequencies::new()
}

#[test]
fn the_arms_of_an_if_share_its_frequency() {
    let mut found = body();
    found.open_if();
    assert_eq!(found.current(), ENTRY / 2);
    found.alternative();
    assert_eq!(found.current(), ENTRY / 2);
    found.close();
    assert_eq!(found.current(), ENTRY);
}

#[test]
fn an_if_without_else_is_skipped_every_second_time() {
    let mut found = body();
    found.open_if();
    found.leave();
    found.close();
    assert_eq!(found.current(), ENTRY / 2);
}

#[test]
fn a_loop_is_left_as_often_as_it_is_entered() {
    let mut found = body();
    found.open_loop();
    assert_eq!(found.current(), ENTRY * ROUNDS);
    found.branch_if(Some(0));
    found.close();
    assert_eq!(found.current(), ENTRY);
}

#[test]
fn a_branch_out_of_a_loop_is_taken_in_one_round() {
    let mut found = body();
    found.open();
    found.open_loop();
    found.branch_if(Some(0));
    assert_eq!(found.current(), ENTRY * (ROUNDS - 1));
    found.leave();
    found.close();
    assert_eq!(found.current(), 0);
    found.close();
    assert_eq!(found.current(), ENTRY);
}

#[test]
fn a_branch_out_of_the_function_leaves_a_loop() {
    let mut found = body();
    found.open_loop();
    found.branch_if(None);
    assert_eq!(found.current(), ENTRY * (ROUNDS - 1));
}

#[test]
fn a_branch_forward_is_taken_every_second_time() {
    let mut found = body();
    found.open_loop();
    found.open();
    found.branch_if(Some(1));
    assert_eq!(found.current(), ENTRY * ROUNDS / 2);
    found.leave();
    found.close();
    assert_eq!(found.current(), ENTRY * ROUNDS / 2);
}

/// Both conditions leave the inner loop and the block around it. Without the bound, the code after
/// the block would be taken to run once for each branch.
#[test]
fn a_block_is_left_at_most_as_often_as_it_is_entered() {
    let mut found = body();
    found.open();
    found.open_loop();
    found.open_if();
    found.branch(Some(0), 1);
    found.leave();
    found.close();
    found.branch_if(Some(1));
    found.close();
    found.close();
    assert_eq!(found.current(), ENTRY);
}

#[test]
fn a_table_takes_its_branches_equally_often() {
    let mut found = body();
    found.open();
    found.open();
    for target in [0, 0, 0, 1] {
        found.branch(Some(target), 4);
    }
    found.leave();
    found.close();
    assert_eq!(found.current(), ENTRY / 4);
    found.close();
    assert_eq!(found.current(), ENTRY);
}

#[test]
fn a_deep_nest_of_loops_saturates() {
    let mut found = body();
    for _ in 0..100 {
        found.open_loop();
    }
    assert_eq!(found.current(), u64::MAX);
}
