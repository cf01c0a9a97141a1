//! The parts of a block, one after another on one thread, each beside its limit.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use fusee::chain::{Diff, Tree, log};
use fusee::ledger::{Block, LedgerRules, SignedTransaction};

use crate::{
    Options,
    contest::Call,
    ledger::{REDB, sides::Sides, world::Load},
    measure::{Sample, processor_time, real_time},
    ours,
    peers::{redb_jmt::RedbChain, zebra},
    report::{Latency, Row, Unit},
};

/// The row of a block with one transaction.
pub(super) const LATENCY: &str = "ledger/commit-latency";

/// The blocks of a round, and their transactions.
const BLOCKS: (u32, u32) = (10, 1_000);

/// The blocks of a round with one transaction each.
const SINGLE: u32 = 100;

/// The rows, with their peers.
pub(super) const ROWS: [(&str, &str); 6] = [
    ("ledger/verify", "limit, the batch of ed25519-zebra alone"),
    ("ledger/execute", "limit, the contract alone"),
    ("ledger/execute", REDB),
    ("ledger/seal", "limit, the tree alone"),
    ("ledger/commit", "limit, append and sync alone"),
    ("ledger/seal-and-commit", REDB),
];

/// The rows that were asked for: processor time of a transaction.
pub(super) fn measure(sides: &mut Sides, options: &Options) -> Result<Vec<Row>> {
    if !ROWS.iter().any(|(name, _)| options.wants(name)) {
        return Ok(Vec::new());
    }
    sides.peer()?;
    let contract = ours::contract::transfer(ours::wasmtime()?)?;
    let mut log = Alone::new(sides)?;
    let mut rounds = Vec::new();
    for round in 0..=options.rounds {
        let blocks = sides.world.blocks(BLOCKS.0, BLOCKS.1, Load::Transfers)?;
        let samples = all_parts(sides, &mut log, &contract, &blocks)?;
        if round > 0 {
            rounds.push(samples);
        }
    }
    let rows = (0..).zip(ROWS).filter(|(_, (name, _))| options.wants(name));
    let row = |(index, (name, peer)): (usize, (&str, &'static str))| {
        let samples = rounds.iter().filter_map(|round| round.get(index));
        let samples: Vec<_> = samples.copied().collect();
        Row::new(name.to_owned(), peer, Unit::Microseconds, &samples)
    };
    Ok(rows.map(row).collect())
}

/// A sample of each row, in seconds of a transaction.
fn all_parts(
    sides: &mut Sides,
    log: &mut Alone,
    contract: &Call,
    blocks: &[Block],
) -> Result<[Sample; 6]> {
    let mut sums = [0.0; 10];
    let mut count = 0;
    for block in blocks {
        count += u32::try_from(block.transactions.len())?;
        let ours = our_parts(sides, log, block)?;
        let peer = peer_parts(sides.peer()?, block)?;
        let alone = verification_alone(block)?;
        let called = contracts_alone(contract, block.transactions.len())?;
        let all = ours.into_iter().chain(peer).chain([alone, called]);
        for (sum, seconds) in sums.iter_mut().zip(all) {
            *sum += seconds;
        }
    }
    let [
        verify,
        execute,
        seal,
        commit,
        tree,
        append,
        peer_execute,
        peer_commit,
        zebra,
        called,
    ] = sums.map(|seconds| seconds / f64::from(count));
    let sample = |ours, peer| Sample { ours, peer };
    Ok([
        sample(verify, zebra),
        sample(execute, called),
        sample(execute, peer_execute),
        sample(seal, tree),
        sample(commit, append),
        sample(seal + commit, peer_commit),
    ])
}

/// Verify, execute, seal, commit; and the tree alone, the log alone.
fn our_parts(sides: &Sides, log: &mut Alone, block: &Block) -> Result<[f64; 6]> {
    let (chain, height) = (&sides.ours, block.height);
    let block = block.clone();
    let (verified, verify) = processor_time(|| chain.verify(block));
    let verified = verified?;
    let tip = chain.tip()?;
    let (executed, execute) = processor_time(|| chain.execute(&tip, verified));
    let executed = executed?;
    Load::Transfers.check(executed.finalized())?;
    drop(tip);
    let (sealed, seal) = processor_time(|| chain.seal(executed));
    let sealed = sealed?;
    let (committed, commit) = processor_time(|| chain.commit(sealed));
    let (header, _) = committed?;
    let stored = chain.store().block(height)?.context("no block")?;
    let tree = log.tree.take().context("no tree")?;
    let (tree, time) = processor_time(|| tree.apply(&stored.changes));
    ensure!(
        tree.root() == header.state_root,
        "the tree has another root"
    );
    log.tree = Some(tree);
    let bytes = bytes(&stored.changes, &stored.body);
    let (appended, append) = processor_time(|| log.log.append(&bytes));
    appended?;
    Ok([verify, execute, seal, commit, time, append].map(|time| time.as_secs_f64()))
}

/// Execute; root and commit.
pub(super) fn peer_parts(chain: &mut RedbChain, block: &Block) -> Result<[f64; 2]> {
    let verified = chain.verifier()(block);
    let (finalized, execute) = processor_time(|| chain.execute(verified));
    let finalized = finalized?;
    let of_block = Some((block, &finalized));
    let (committed, commit) = processor_time(|| chain.commit(&finalized.changes, of_block));
    committed?;
    Ok([execute, commit].map(|time| time.as_secs_f64()))
}

pub(super) fn verification_alone(block: &Block) -> Result<f64> {
    let rules = LedgerRules::latest();
    let transactions = block.transactions.iter();
    let transactions = transactions.map(|bytes| SignedTransaction::decode(bytes, &rules));
    let transactions = transactions.collect::<Result<Vec<_>, _>>()?;
    let (verified, time) = processor_time(|| zebra::verify(&transactions));
    verified?;
    Ok(time.as_secs_f64())
}

fn contracts_alone(contract: &Call, times: usize) -> Result<f64> {
    let (called, time) = processor_time(|| (0..times).try_for_each(|_| contract().map(|_| ())));
    called?;
    Ok(time.as_secs_f64())
}

/// A log and a tree without the rest.
struct Alone {
    log: log::Log,
    tree: Option<Tree>,
}

impl Alone {
    fn new(sides: &Sides) -> Result<Self> {
        let folder = sides.other_folder("log");
        let entries = sides.ours.version(None)?;
        let entries = entries.entries().collect::<Result<Vec<_>, _>>()?;
        let pairs = entries.iter();
        let pairs = pairs.map(|(key, value)| (key.as_slice(), value.as_ref()));
        Ok(Self {
            log: log::Log::open(&folder, log::Options::new([1; 32]))?,
            tree: Some(Tree::of(pairs)),
        })
    }
}

fn bytes(changes: &Diff, body: &[u8]) -> Vec<u8> {
    [changes.encode().as_slice(), body].concat()
}

/// Blocks of one transaction, from their bytes to the end of the sync.
pub(super) fn latencies(sides: &mut Sides, options: &Options) -> Result<Vec<Latency>> {
    sides.peer()?;
    let folder = sides.other_folder("small-log");
    let mut log = log::Log::open(&folder, log::Options::new([2; 32]))?;
    let names = ["ours", REDB, "limit, append and sync alone"];
    let mut latencies = names.map(|side| Latency {
        name: LATENCY,
        side,
        milliseconds: Vec::new(),
    });
    for round in 0..=options.rounds {
        for block in sides.world.blocks(SINGLE, 1, Load::Transfers)? {
            let chain = Arc::clone(&sides.ours);
            let copy = block.clone();
            let (committed, ours) = real_time(|| {
                let executed = chain.execute(&chain.tip()?, chain.verify(copy)?)?;
                chain.commit(chain.seal(executed)?)
            });
            Load::Transfers.check(&committed?.1)?;
            let (committed, peer) = real_time(|| single(sides.peer()?, &block));
            committed?;
            let stored = sides
                .ours
                .store()
                .block(block.height)?
                .context("no block")?;
            let bytes = bytes(&stored.changes, &stored.body);
            let (appended, append) = real_time(|| log.append(&bytes));
            appended?;
            for (latency, time) in latencies.iter_mut().zip([ours, peer, append]) {
                if round > 0 {
                    latency.milliseconds.push(time.as_secs_f64() * 1e3);
                }
            }
        }
    }
    Ok(latencies.into())
}

fn single(chain: &mut RedbChain, block: &Block) -> Result<()> {
    let verified = chain.verifier()(block);
    let finalized = chain.execute(verified)?;
    chain.commit(&finalized.changes, Some((block, &finalized)))?;
    Ok(())
}
