//! Tests of the contests, and of what is told apart.

use super::{CONTESTS, apart, page::PAGE};
use crate::Options;

fn options(filter: &str) -> Options {
    Options {
        json: false,
        rounds: 1,
        filter: filter.to_owned(),
        accounts: 2,
        anvil: String::new(),
        abci_cli: String::new(),
        cometbft: String::new(),
        write: false,
    }
}

#[test]
fn each_row_is_in_one_section_of_the_page() {
    for contest in CONTESTS {
        for name in [
            contest.name.to_owned(),
            format!("{}{}", apart::PREFIX, contest.name),
        ] {
            let prefixes = PAGE.sections.iter().flat_map(|section| section.prefixes);
            let held = prefixes.filter(|prefix| name.starts_with(**prefix)).count();
            assert_eq!(held, 1, "{name}");
        }
    }
}

#[test]
fn every_side_does_its_work() {
    for contest in CONTESTS {
        for side in 0..=contest.peers.len() {
            let mut gauge = contest.side(side).unwrap();
            let seconds = gauge().unwrap();
            assert!(seconds > 0.0, "{} {side}", contest.name);
        }
        assert!(contest.side(contest.peers.len() + 1).is_err());
    }
}

#[test]
fn a_process_is_told_a_contest_and_a_side() {
    for filter in ["interpreter/run", "interpreter/run 7", "nothing 0"] {
        assert!(apart::tell(&options(filter)).is_err(), "{filter}");
    }
}
