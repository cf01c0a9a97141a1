//! Blocks through the whole chain: transactions a second, processor time, bytes written, replay.

use std::{
    fs,
    ops::ControlFlow,
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use cpu_time::ProcessTime;
use fusee::chain::{Chain, Pipeline, Scope, Start};
use fusee::ledger::Block;

use crate::{
    Options,
    ledger::{
        REDB, parts,
        sides::Sides,
        world::{Load, on_all_threads},
    },
    measure::{Sample, now, real_time},
    peers::redb_jmt::RedbChain,
    report::{Row, Unit},
};

/// Blocks of a size, through the pipeline.
pub(super) struct Contest {
    kind: &'static str,
    blocks: u32,
    size: u32,
    load: Load,
}

pub(super) const CONTESTS: &[Contest] = &[
    Contest {
        kind: "transfer",
        blocks: 30,
        size: 1_000,
        load: Load::Transfers,
    },
    Contest {
        kind: "transfer",
        blocks: 20,
        size: 10_000,
        load: Load::Transfers,
    },
    Contest {
        kind: "mixed",
        blocks: 20,
        size: 1_000,
        load: Load::Mixed,
    },
];

/// What the rates of transfers are limited by.
const LIMIT: &str = "limit, the signatures alone";

/// The row of the replay.
pub(super) const REPLAY: &str = "ledger/replay";

/// The blocks that are replayed, and their transactions.
const REPLAYED: (u32, u32) = (20, 1_000);

/// What a transaction took.
#[derive(Clone, Copy, Debug)]
struct Reading {
    seconds: f64,
    /// Of all threads.
    processor: f64,
    /// Bytes that were given to the disk.
    written: f64,
}

/// The results of the blocks, by which both sides are compared.
type Results = Vec<Vec<Vec<u8>>>;

impl Contest {
    /// The row whose limit is that of the signatures, if it has one.
    fn has_limit(&self) -> bool {
        self.load == Load::Transfers
    }

    /// The names of its rows.
    pub(super) fn names(&self) -> [String; 3] {
        let Self { kind, size, .. } = self;
        let names = ["", "-processor", "-written"];
        names.map(|what| format!("ledger/{kind}{what}/block={size}"))
    }
}

/// What a row shows of a reading, and its unit.
type Side = (fn(&Reading) -> f64, Unit);

/// The rows of a contest that were asked for.
pub(super) fn measure(contest: &Contest, sides: &mut Sides, options: &Options) -> Result<Vec<Row>> {
    let names = contest.names();
    if !names.iter().any(|name| options.wants(name)) {
        return Ok(Vec::new());
    }
    let [rate, ..] = names.clone();
    let mut readings = Vec::new();
    let mut limits = Vec::new();
    for round in 0..=options.rounds {
        let blocks = sides
            .world
            .blocks(contest.blocks, contest.size, contest.load)?;
        // Made before our side executes the blocks.
        sides.peer()?;
        let (expected, ours) = read(&blocks, || ours(&sides.ours, &blocks, contest.load))?;
        let (found, peer) = read(&blocks, || peer(sides.peer()?, &blocks))?;
        ensure!(found == expected, "the peer has other results");
        let limit = match contest.has_limit() {
            true => Some(verification_alone(&blocks)?),
            false => None,
        };
        if round > 0 {
            readings.push((ours, peer));
            limits.extend(limit.map(|peer| Sample {
                ours: ours.seconds,
                peer,
            }));
        }
    }
    let sides: [Side; 3] = [
        (|reading| reading.seconds, Unit::TransactionsPerSecond),
        (|reading| reading.processor, Unit::Microseconds),
        (|reading| reading.written, Unit::Bytes),
    ];
    let rows = names.into_iter().zip(sides).map(|(name, (side, unit))| {
        let samples = readings.iter().map(|(ours, peer)| Sample {
            ours: side(ours),
            peer: side(peer),
        });
        Row::new(name, REDB, unit, &samples.collect::<Vec<_>>())
    });
    let mut rows: Vec<_> = rows.filter(|row| options.wants(&row.name)).collect();
    if !limits.is_empty() && options.wants(&rate) {
        let limit = Row::new(rate, LIMIT, Unit::TransactionsPerSecond, &limits);
        rows.insert(1, limit);
    }
    Ok(rows)
}

/// The seconds of a transaction whose block is decoded and verified, and nothing else.
fn verification_alone(blocks: &[Block]) -> Result<f64> {
    let count: usize = blocks.iter().map(|block| block.transactions.len()).sum();
    let (verified, time) = real_time(|| on_all_threads(blocks, parts::verification_alone));
    verified.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(time.as_secs_f64() / f64::from(u32::try_from(count)?))
}

fn read(blocks: &[Block], work: impl FnOnce() -> Result<Results>) -> Result<(Results, Reading)> {
    let count: usize = blocks.iter().map(|block| block.transactions.len()).sum();
    let count = f64::from(u32::try_from(count)?);
    let (written, processor) = (written()?, ProcessTime::now());
    let (results, time) = real_time(work);
    let results = results?;
    let reading = Reading {
        seconds: time.as_secs_f64() / count,
        processor: processor.elapsed().as_secs_f64() / count,
        written: (self::written()? - written) / count,
    };
    Ok((results, reading))
}

/// The bytes that this process has given to disks.
fn written() -> Result<f64> {
    let counts = fs::read_to_string("/proc/self/io")?;
    let mut lines = counts.lines();
    let bytes = lines.find_map(|line| line.strip_prefix("write_bytes: "));
    Ok(bytes.context("the system does not count bytes")?.parse()?)
}

/// Our side: the pipeline.
fn ours(chain: &Arc<Chain>, blocks: &[Block], load: Load) -> Result<Results> {
    let mut pipeline = Pipeline::new(Arc::clone(chain))?;
    for block in blocks {
        pipeline.add(block.clone())?;
    }
    pipeline.close();
    let mut results = Vec::new();
    while let Some(committed) = pipeline.next() {
        let finalized = committed?.finalized;
        load.check(&finalized)?;
        results.push(finalized.results);
    }
    ensure!(results.len() == blocks.len(), "some blocks are missing");
    Ok(results)
}

/// The peer: one thread verifies, and one executes and commits.
fn peer(chain: &mut RedbChain, blocks: &[Block]) -> Result<Results> {
    let verify = chain.verifier();
    thread::scope(|scope| {
        let (verified, to_execute) = sync_channel(1);
        scope.spawn(move || {
            for block in blocks {
                if verified.send(verify(block)).is_err() {
                    break;
                }
            }
        });
        let mut results = Vec::new();
        for (block, verified) in blocks.iter().zip(to_execute) {
            let finalized = chain.execute(verified)?;
            chain.commit(&finalized.changes, Some((block, &finalized)))?;
            results.push(finalized.results);
        }
        Ok(results)
    })
}

/// Replays the chain, and measures its last blocks.
pub(super) fn replay(sides: &mut Sides) -> Result<Row> {
    let (count, size) = REPLAYED;
    let first = sides.world.next_height();
    let blocks = sides.world.blocks(count, size, Load::Transfers)?;
    let (_, made) = read(&blocks, || ours(&sides.ours, &blocks, Load::Transfers))?;
    let mut start = now();
    let mut time = Duration::ZERO;
    let (genesis, ledger) = (&sides.world.genesis, &sides.world.ledger);
    let start_with = Start::Genesis(genesis);
    let replayed = fusee::chain::replay(&sides.ours, start_with, ledger, Scope::Same, |height| {
        match height < first {
            true => start = now(),
            false => time = start.elapsed(),
        }
        ControlFlow::Continue(())
    })?;
    ensure!(
        replayed.differences.is_empty(),
        "the replay differs: {:?}",
        replayed.differences
    );
    let sample = Sample {
        ours: time.as_secs_f64() / f64::from(count * size),
        peer: made.seconds,
    };
    Ok(Row::new(
        REPLAY.to_owned(),
        "ours, the pipeline that made the blocks",
        Unit::TransactionsPerSecond,
        &[sample],
    ))
}
