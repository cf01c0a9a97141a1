//! Tests of the contests: those that need no process of a peer.

use super::{BY_THEMSELVES, CONTESTS, page::PAGE};

#[test]
fn each_row_is_in_one_section_of_the_page() {
    for contest in CONTESTS.iter().chain(BY_THEMSELVES) {
        let prefixes = PAGE.sections.iter().flat_map(|section| section.prefixes);
        let held = prefixes.filter(|prefix| contest.name.starts_with(**prefix));
        assert_eq!(held.count(), 1, "{}", contest.name);
    }
}

#[test]
fn our_side_and_the_contracts_do_their_work() {
    for contest in CONTESTS.iter().chain(BY_THEMSELVES) {
        let sides = match contest.name.starts_with("freenet/") {
            true => 0..=1,
            false => 0..=0,
        };
        for side in sides {
            let seconds = contest.side(side).unwrap()().unwrap();
            assert!(seconds > 0.0, "{} {side}", contest.name);
        }
    }
}
