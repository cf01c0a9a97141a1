//! Proofs, and the opening of a store.

use anyhow::{Context, Result, ensure};
use fusee::chain::StateReader;
use redb::Database;

use crate::{
    Options,
    ledger::{
        REDB,
        sides::Sides,
        world::{World, token_key},
    },
    measure::{Sample, processor_time, real_time},
    peers::redb_jmt,
    report::{Row, Unit},
};

/// The row of the opening.
pub(super) const OPEN: &str = "ledger/open";

const ROWS: [(&str, Unit); 3] = [
    ("ledger/proof/make", Unit::Microseconds),
    ("ledger/proof/verify", Unit::Microseconds),
    ("ledger/proof/size", Unit::Bytes),
];

/// The proofs of a round.
const PROOFS: u32 = 1_000;

/// The number of times that the stores are opened, at most.
const OPENED: u32 = 3;

/// The rows of proofs that were asked for.
pub(super) fn measure(sides: &mut Sides, options: &Options) -> Result<Vec<Row>> {
    if !ROWS.iter().any(|(name, _)| options.wants(name)) {
        return Ok(Vec::new());
    }
    sides.peer()?;
    let mut rounds = Vec::new();
    for round in 0..=options.rounds {
        let keys: Vec<_> = (0..PROOFS)
            .map(|_| sides.world.any())
            .map(token_key)
            .collect();
        let (ours, peer) = (our_proofs(sides, &keys)?, peer_proofs(sides, &keys)?);
        if round > 0 {
            rounds.push(ours.into_iter().zip(peer).collect::<Vec<_>>());
        }
    }
    let rows = ROWS.into_iter().zip(0..).map(|((name, unit), index)| {
        let samples = rounds.iter().filter_map(|round| round.get::<usize>(index));
        let samples: Vec<_> = samples.map(|&(ours, peer)| Sample { ours, peer }).collect();
        Row::new(name.to_owned(), REDB, unit, &samples)
    });
    Ok(rows.filter(|row| options.wants(&row.name)).collect())
}

/// The seconds to make and to verify a proof, and its bytes.
fn our_proofs(sides: &Sides, keys: &[Vec<u8>]) -> Result<[f64; 3]> {
    let version = sides.ours.version(None)?;
    let root = version.root();
    let values = keys.iter().map(|key| version.read(key));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let (proofs, made) = processor_time(|| {
        keys.iter()
            .map(|key| version.prove(key))
            .collect::<Vec<_>>()
    });
    let (verified, time) = processor_time(|| {
        let all = proofs.iter().zip(keys).zip(&values);
        let mut all = all.map(|((proof, key), value)| proof.verify(&root, key, value.as_deref()));
        all.try_for_each(|verified| verified)
    });
    verified?;
    let bytes = proofs.iter().map(|proof| proof.encode().len()).sum();
    means([made.as_secs_f64(), time.as_secs_f64()], bytes, keys.len())
}

fn peer_proofs(sides: &mut Sides, keys: &[Vec<u8>]) -> Result<[f64; 3]> {
    let snapshot = sides.peer()?.snapshot()?;
    let root = snapshot.root()?;
    let values = keys.iter().map(|key| snapshot.read(key));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let (proofs, made) = processor_time(|| {
        let proofs = keys.iter().map(|key| snapshot.prove(key));
        proofs.collect::<Result<Vec<_>>>()
    });
    let proofs = proofs?;
    let (verified, time) = processor_time(|| {
        let all = proofs.iter().zip(keys).zip(&values);
        let mut all = all
            .map(|((proof, key), value)| proof.verify(root, redb_jmt::hash(key), value.as_deref()));
        all.try_for_each(|verified| verified)
    });
    verified?;
    let bytes = proofs
        .iter()
        .map(|proof| borsh::to_vec(proof).map(|bytes| bytes.len()));
    let bytes = bytes.sum::<Result<usize, _>>()?;
    means([made.as_secs_f64(), time.as_secs_f64()], bytes, keys.len())
}

fn means([made, verified]: [f64; 2], bytes: usize, count: usize) -> Result<[f64; 3]> {
    let count = f64::from(u32::try_from(count)?);
    let bytes = f64::from(u32::try_from(bytes)?);
    Ok([made, verified, bytes].map(|sum| sum / count))
}

/// Opens both stores, up to the state root.
pub(super) fn open(mut sides: Sides, options: &Options) -> Result<Row> {
    sides.peer()?;
    let (ours, peer) = (sides.our_folder(), sides.peer_file());
    let root = sides.ours.version(None)?.root();
    let (world, _folder): (World, _) = sides.close();
    let mut samples = Vec::new();
    for round in 0..=options.rounds.min(OPENED) {
        let (chain, time) = real_time(|| world.open(&ours));
        let chain = chain?;
        ensure!(
            chain.version(None)?.root() == root,
            "another state was opened"
        );
        drop(chain);
        let (database, peer_time) = real_time(|| Database::open(&peer));
        database.context("the peer does not open")?;
        if round > 0 {
            samples.push(Sample {
                ours: time.as_secs_f64(),
                peer: peer_time.as_secs_f64(),
            });
        }
    }
    Ok(Row::new(
        OPEN.to_owned(),
        REDB,
        Unit::Milliseconds,
        &samples,
    ))
}
