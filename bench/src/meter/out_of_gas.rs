//! How long it takes to leave a guest whose gas ends.
//!
//! A guest that only loops runs twice in fresh instances: once for as many rounds as its gas pays
//! for, and once for more. Both do the same but for the way out, so that the difference of their
//! times is what leaving takes beyond returning.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::{
    Options,
    kernels::{End, Looper},
    measure::{Comparison, Side, interleave, processor_time},
    ours, peers,
    report::{Row, Unit},
};

/// Counts its parameter down to zero.
const LOOP: &str = r#"(module
    (func (export "run") (param i32) (result i64)
        (loop $again
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i64.const 0)))"#;

/// Rounds of the loop that are paid for: enough that gas is counted, too few to take long.
const ROUNDS: i32 = 100;

/// Pairs of runs in one measurement.
const PAIRS: u32 = 5_000;

/// One row.
struct Leaving {
    name: &'static str,
    peer_name: &'static str,
    ours: fn(&[u8]) -> Result<Looper>,
    peer: fn(&[u8]) -> Result<Looper>,
}

const ROWS: &[Leaving] = &[
    Leaving {
        name: "meter/out-of-gas",
        peer_name: "wasmtime fuel",
        ours: ours::looping_on_wasmtime,
        peer: peers::wasmtime::looping,
    },
    Leaving {
        name: "meter-wasmi/out-of-gas",
        peer_name: "wasmi fuel",
        ours: ours::looping_on_wasmi,
        peer: peers::wasmi::looping,
    },
];

pub(super) fn measure(options: &Options) -> Result<Vec<Row>> {
    let wasm = wat::parse_str(LOOP)?;
    let wanted: Vec<&Leaving> = ROWS.iter().filter(|row| options.wants(row.name)).collect();
    let mut comparisons = wanted
        .iter()
        .map(|row| {
            Ok(Comparison {
                ours: leaving((row.ours)(&wasm)?)?,
                peer: leaving((row.peer)(&wasm)?)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let samples = interleave(&mut comparisons, options.rounds)?;
    let rows = wanted.iter().zip(&samples);
    Ok(rows
        .map(|(row, samples)| Row::new(row.name.into(), row.peer_name, Unit::Microseconds, samples))
        .collect())
}

/// What leaving takes beyond returning, once: the difference of two sums, of runs by turns.
fn leaving(run: Looper) -> Result<Side> {
    let End::Returned { gas } = run(ROUNDS, u64::MAX >> 1)? else {
        bail!("a loop with endless gas ran out of it");
    };
    Ok(Box::new(move || {
        let (mut returning, mut leaving) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..PAIRS {
            let (end, time) = processor_time(|| run(ROUNDS, gas));
            let End::Returned { .. } = end? else {
                bail!("a loop ran out of the gas that it needs");
            };
            returning += time;
            let (end, time) = processor_time(|| run(i32::MAX, gas));
            let End::OutOfGas = end? else {
                bail!("a loop did not run out of gas");
            };
            leaving += time;
        }
        Ok(leaving.saturating_sub(returning) / PAIRS)
    }))
}
