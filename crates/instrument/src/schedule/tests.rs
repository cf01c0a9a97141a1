//! What every version of the schedule must hold, for the meter to be sound.

use super::Schedule;

const VERSIONS: &[Schedule] = &[Schedule::v1(), Schedule::v2()];

/// A loop goes round by one of these. Were it free, a guest could run for ever on no gas.
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

/// What one charge by a length takes must not be more than a guest's counter can fall.
#[test]
fn no_length_overflows_the_counter() {
    for schedule in VERSIONS {
        let prices = schedule.dynamic;
        let charges = [
            u64::from(prices.grow_page) * crate::length::MOST_PAGES,
            u64::from(prices.bulk_64_bytes) << (32 - 6),
            u64::from(prices.table_element) << 32,
        ];
        for charge in charges {
            let most = fusee_engine::MAX_SLICE.units();
            assert!(charge > 0 && charge <= most, "version {}", schedule.version);
        }
    }
}

#[test]
fn each_operator_has_one_price() {
    for schedule in VERSIONS {
        let mut names: Vec<&str> = schedule.operators().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), super::OPERATORS.len());
    }
}
