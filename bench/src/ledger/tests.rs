//! Tests of a small chain, on which both sides come to the same, and of the page.

use super::{measure, page::PAGE, parts, proofs, threads, throughput};
use crate::Options;

fn options(filter: &str) -> Options {
    Options {
        json: false,
        rounds: 1,
        filter: filter.to_owned(),
        accounts: 100,
        anvil: String::new(),
        abci_cli: String::new(),
        cometbft: String::new(),
        write: false,
    }
}

/// Fails by itself if a transaction of the load fails, or a proof or a root is another one.
#[test]
fn both_sides_commit_the_same_blocks() {
    for (filter, rows) in [
        ("ledger/mixed/", 1),
        ("ledger/threads", 2),
        ("ledger/verify", 1),
        ("ledger/proof", 3),
    ] {
        let found = measure(&options(filter)).expect("both sides have the same results");
        assert_eq!(found.rows.len(), rows, "{filter}");
        for row in found.rows {
            assert!(row.ours > 0.0 && row.peer > 0.0, "{row:?}");
        }
    }
}

#[test]
fn each_row_is_in_one_section_of_the_page() {
    let contests = throughput::CONTESTS.iter();
    let names = contests.flat_map(throughput::Contest::names);
    let parts = parts::ROWS.iter().map(|(name, _)| *name);
    let proofs = proofs::ROWS.iter().map(|(name, _)| *name);
    let threads = threads::ROWS.iter().map(|(name, _)| *name);
    let others = [throughput::REPLAY, parts::LATENCY, proofs::OPEN];
    let others = parts
        .chain(proofs)
        .chain(threads)
        .chain(others)
        .map(str::to_owned);
    for name in names.chain(others) {
        let prefixes = PAGE.sections.iter().flat_map(|section| section.prefixes);
        let held = prefixes.filter(|prefix| name.starts_with(**prefix)).count();
        assert_eq!(held, 1, "{name}");
    }
}
