//! Tests of dates.

use super::date_of;

#[test]
fn a_date_follows_the_calendar() {
    let days = [
        (0, "1970-01-01"),
        (58, "1970-02-28"),
        (59, "1970-03-01"),
        (364, "1970-12-31"),
        (11_016, "2000-02-29"),
        (20_778, "2026-11-21"),
    ];
    for (day, date) in days {
        assert_eq!(date_of(day), date);
    }
}
