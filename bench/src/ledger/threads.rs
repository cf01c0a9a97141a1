//! The transactions of a block on two threads, beside one after another.

use std::num::NonZeroUsize;

use anyhow::{Result, ensure};
use fusee::chain::Executed;
use fusee::ledger::Block;

use crate::{
    Options,
    ledger::{parts::peer_parts, sides::Sides, world::Load},
    measure::{Sample, real_time},
    report::{Row, Unit},
};

/// The rows, with what their transactions are.
pub(super) const ROWS: [(&str, Load); 2] = [
    ("ledger/threads/independent", Load::Transfers),
    ("ledger/threads/conflicting", Load::OneReceiver),
];

/// Of both rows.
const PEER: &str = "ours, one thread";

/// The blocks of a round, and their transactions.
const BLOCKS: (u32, u32) = (4, 1_000);

/// The rows that were asked for: real time of a transaction.
pub(super) fn measure(sides: &mut Sides, options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, load) in ROWS.into_iter().filter(|(name, _)| options.wants(name)) {
        // It has to have what ours has before these blocks.
        sides.peer()?;
        let mut samples = Vec::new();
        for round in 0..=options.rounds {
            let mut sums = [0.0; 2];
            for block in sides.world.blocks(BLOCKS.0, BLOCKS.1, load)? {
                let times = both(sides, block, load, round)?;
                for (sum, seconds) in sums.iter_mut().zip(times) {
                    *sum += seconds;
                }
            }
            let [ours, peer] = sums.map(|sum| sum / f64::from(BLOCKS.0 * BLOCKS.1));
            if round > 0 {
                samples.push(Sample { ours, peer });
            }
        }
        let row = Row::new(name.to_owned(), PEER, Unit::Microseconds, &samples);
        rows.push(row);
    }
    Ok(rows)
}

/// The seconds of a block on two threads and on one, with equal results. Commits it.
fn both(sides: &mut Sides, block: Block, load: Load, round: u32) -> Result<[f64; 2]> {
    let chain = &sides.ours;
    let verified = chain.verify(block.clone())?;
    let tip = chain.tip()?;
    let execute = |threads: usize| {
        let ledger = sides.world.ledger.clone();
        let ledger = ledger.threads(NonZeroUsize::try_from(threads)?);
        let (state, verified) = (tip.state(), verified.clone());
        let (finalized, time) = real_time(|| ledger.finalize_verified(state, verified));
        anyhow::Ok((finalized?, time.as_secs_f64()))
    };
    // Both sides find in the caches what this reads.
    let (expected, _) = execute(1)?;
    load.check(&expected)?;
    let mut times = [0.0; 2];
    let mut order = [(0_usize, 2_usize), (1, 1)];
    if round.is_multiple_of(2) {
        order.reverse();
    }
    for (side, threads) in order {
        let (found, seconds) = execute(threads)?;
        ensure!(
            found.results == expected.results && found.changes == expected.changes,
            "{threads} threads have other results"
        );
        if let Some(time) = times.get_mut(side) {
            *time = seconds;
        }
    }
    drop(tip);
    let executed = Executed::of(block.clone(), expected);
    chain.commit(chain.seal(executed)?)?;
    peer_parts(sides.peer()?, &block)?;
    Ok(times)
}
