//! The group `ledger`: what a chain takes for signed transactions, from their bytes to the disk.
//!
//! Our chain and the peer's have the same state, and commit the same blocks by turns.

pub(crate) mod page;
mod parts;
mod proofs;
mod sides;
#[cfg(test)]
mod tests;
mod threads;
mod throughput;
mod world;

use anyhow::Result;

use crate::{
    Options,
    ledger::sides::Sides,
    report::{Findings, Row},
};

/// The name of the peer that has the same state.
const REDB: &str = "redb + jmt";

/// The rows that were asked for.
pub(crate) fn measure(options: &Options) -> Result<Findings> {
    let mut sides = Sides::new(options.accounts)?;
    let mut rows: Vec<Row> = Vec::new();
    // First: it replays the chain from genesis.
    if options.wants(throughput::REPLAY) {
        rows.push(throughput::replay(&mut sides)?);
    }
    for contest in throughput::CONTESTS {
        rows.extend(throughput::measure(contest, &mut sides, options)?);
    }
    rows.extend(threads::measure(&mut sides, options)?);
    rows.extend(parts::measure(&mut sides, options)?);
    rows.extend(proofs::measure(&mut sides, options)?);
    let mut latencies = Vec::new();
    if options.wants(parts::LATENCY) {
        latencies.extend(parts::latencies(&mut sides, options)?);
    }
    if options.wants(proofs::OPEN) {
        rows.push(proofs::open(sides, options)?);
    }
    Ok(Findings {
        latencies,
        ..rows.into()
    })
}
