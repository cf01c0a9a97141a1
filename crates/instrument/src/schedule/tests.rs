//! Properties of every version of the schedule that metering depends on.

use super::Schedule;

const VERSIONS: &[Schedule] = &[Schedule::v1(), Schedule::v2()];

/// Every loop and every recursion executes one of these operators. If one were free, a guest could
/// run forever without using gas.
#[test]
fn no_loop_is_free() {
    for schedule in VERSIONS {
        for name in ["br", "br_if", "br_table", "call", "call_indirect"] {
            let price = schedule
                .operators()
                .find(|(operator, _)| *operator == name)
                .unwrap()
                .1;
            assert!(price > 0, "{name} in version {}", schedule.version);
        }
    }
}

/// A single charge by length must not exceed the largest gas slice.
#[test]
fn no_length_overflows_the_counter() {
    for schedule in VERSIONS {
        let prices = schedule.dynamic;
        let charges = [
            u64::from(prices.grow_page.max(prices.grow_far_page)) * crate::length::MAX_PAGES,
            u64::from(prices.bulk_64_bytes) << (32 - 6),
            u64::from(prices.table_element) << 32,
            u64::from(prices.grow_element) << 32,
        ];
        for charge in charges {
            let max = fusee_engine::MAX_SLICE.units();
            let is_free = charge == 0 && schedule.version > 1;
            assert!(!is_free && charge <= max, "version {}", schedule.version);
        }
    }
}

#[test]
fn each_operator_has_one_price() {
    for schedule in VERSIONS {
        let mut names: Vec<&str> = schedule.operators().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), schedule.operators().count());
    }
}

/// What version 1 charges, version 2 charges too.
#[test]
fn version_2_extends_version_1() {
    let [v1, v2] = [Schedule::v1(), Schedule::v2()].map(|schedule| {
        let operators: Vec<_> = schedule.operators().collect();
        operators
    });
    assert_eq!(v2.get(..v1.len()), Some(v1.as_slice()));
    assert_eq!(v2.len(), super::OPERATORS.len());
    assert!(v1.len() < v2.len());
}
