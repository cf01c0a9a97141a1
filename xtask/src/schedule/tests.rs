//! The page says every number of the schedule.

use fusee_instrument::{Limits, Schedule};

use super::page;

#[test]
fn every_price_has_a_row() {
    check(&Schedule::v1());
    check(&Schedule::v2());
}

fn check(schedule: &Schedule) {
    let page = page(schedule, &Limits::v1());
    for (name, price) in schedule.operators() {
        assert!(
            page.contains(&format!("\n| `{name}` | {price} |\n")),
            "{name}"
        );
    }
    for (name, most) in Limits::v1().iter() {
        assert!(
            page.contains(&format!("\n| `{name}` | {most} |\n")),
            "{name}"
        );
    }
    let grow = schedule.dynamic.grow_page;
    assert!(page.contains(&format!("\n| `memory.grow` | 1 | {grow} | 65536 |\n")));
    let bulk = schedule.dynamic.bulk_64_bytes;
    assert!(page.contains(&format!("\n| `memory.fill` | 64 | {bulk} | 4294967295 |\n")));
}
