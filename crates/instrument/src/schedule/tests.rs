//! What every version of the schedule must hold, for the meter to be sound.

use super::Schedule;

const VERSIONS: &[Schedule] = &[Schedule::v1()];

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

/// A length is below 2^32; its price must stay a positive `i64`.
#[test]
fn no_length_overflows_the_counter() {
    for schedule in VERSIONS {
        let prices = schedule.dynamic;
        for price in [prices.grow_page, prices.bulk_64_bytes, prices.table_element] {
            assert!(price > 0 && price < 1 << 31, "version {}", schedule.version);
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
