//! Budgets whose memory grows after it was reserved.

use super::*;

#[test]
fn a_reservation_follows_memory_that_has_grown_beyond_the_budget() {
    let budget = MemoryBudget::new(10);
    let mut grown = budget.reserve(4).expect("it fits");
    grown.resize(12);
    assert_eq!(budget.reserved(), 12);
    assert!(budget.reserve(0).is_none(), "nothing is left");
    grown.resize(3);
    let other = budget.reserve(7).expect("it fits again");
    assert_eq!(budget.reserved(), 10);
    drop(grown);
    assert_eq!(budget.reserved(), 7, "what it held last is free");
    drop(other);
    assert_eq!(budget.reserved(), 0);
}
