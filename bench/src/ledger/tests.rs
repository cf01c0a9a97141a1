//! Tests of a small chain: both sides come to the same, and every row is on the page.

use super::{measure, page::PAGE};
use crate::Options;

#[test]
fn each_row_is_in_one_section_of_the_page() {
    let options = Options {
        json: false,
        rounds: 1,
        filter: String::new(),
        accounts: 100,
        write: false,
    };
    let found = measure(&options).expect("both sides have the same results");
    let rows = found.rows.iter().map(|row| row.name.as_str());
    let latencies = found.latencies.iter().map(|latency| latency.name);
    let names: Vec<_> = rows.chain(latencies).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let prefixes = PAGE.sections.iter().flat_map(|section| section.prefixes);
        let held = prefixes.filter(|prefix| name.starts_with(**prefix)).count();
        assert_eq!(held, 1, "{name}");
    }
}
