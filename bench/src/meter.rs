//! The group `meter`: what metering costs while a guest computes.
//!
//! Each kernel runs metered through the executor, and by itself on the same engine with the same
//! configuration. Instances are made before the clock starts, and live for all rounds.

use anyhow::{Result, ensure};

use crate::{
    Options,
    kernels::{Contender, KERNELS, Kernel},
    measure::{Comparison, Side, interleave, processor_time},
    ours, peers,
    report::{Row, Unit},
};

/// All kernels, ours against one peer.
struct Family {
    name: &'static str,
    peer_name: &'static str,
    ours: fn(&[u8]) -> Result<Contender>,
    peer: fn(&[u8]) -> Result<Contender>,
    /// The n that takes both sides long enough.
    size: fn(&Kernel) -> i32,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "meter",
        peer_name: "wasmtime",
        ours: ours::on_wasmtime,
        peer: peers::wasmtime::bare,
        size: |kernel| kernel.compiled,
    },
    Family {
        name: "meter-vs-fuel",
        peer_name: "wasmtime fuel",
        ours: ours::on_wasmtime,
        peer: peers::wasmtime::fuelled,
        size: |kernel| kernel.compiled,
    },
    Family {
        name: "meter-wasmi",
        peer_name: "wasmi",
        ours: ours::on_wasmi,
        peer: peers::wasmi::bare,
        size: |kernel| kernel.interpreted,
    },
    Family {
        name: "meter-wasmi-vs-fuel",
        peer_name: "wasmi fuel",
        ours: ours::on_wasmi,
        peer: peers::wasmi::fuelled,
        size: |kernel| kernel.interpreted,
    },
];

pub(crate) fn measure(options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for family in FAMILIES {
        rows.extend(family.measure(options)?);
    }
    rows.retain(|row| options.wants(row.name()));
    Ok(rows)
}

impl Family {
    /// The rows that were asked for, and those that the mean needs if it was.
    fn measure(&self, options: &Options) -> Result<Vec<Row>> {
        let mean_name = format!("{}/geomean", self.name);
        let wants_mean = options.wants(&mean_name);
        let kernels: Vec<&Kernel> = KERNELS
            .iter()
            .filter(|kernel| wants_mean || options.wants(&self.row_name(kernel)))
            .collect();
        let mut comparisons = kernels
            .iter()
            .map(|kernel| self.comparison(kernel))
            .collect::<Result<Vec<_>>>()?;
        let samples = interleave(&mut comparisons, options.rounds)?;
        let mut rows: Vec<Row> = kernels
            .iter()
            .zip(&samples)
            .map(|(kernel, samples)| {
                let name = self.row_name(kernel);
                Row::new(name, self.peer_name, Unit::Milliseconds, samples)
            })
            .collect();
        if wants_mean {
            rows.extend(Row::geometric_mean(mean_name, &rows, &samples));
        }
        Ok(rows)
    }

    fn row_name(&self, kernel: &Kernel) -> String {
        format!("{}/{}", self.name, kernel.name)
    }

    /// Both sides, after they gave the right answers.
    fn comparison(&self, kernel: &Kernel) -> Result<Comparison> {
        let n = (self.size)(kernel);
        let mut ours = (self.ours)(kernel.wasm)?;
        let mut peer = (self.peer)(kernel.wasm)?;
        kernel.check(&mut ours)?;
        kernel.check(&mut peer)?;
        let expected = peer(n)?;
        Ok(Comparison {
            ours: side(ours, kernel.name, n, expected),
            peer: side(peer, kernel.name, n, expected),
        })
    }
}

fn side(mut contender: Contender, name: &'static str, n: i32, expected: i64) -> Side {
    Box::new(move || {
        let (checksum, time) = processor_time(|| contender(n));
        ensure!(
            checksum? == expected,
            "the sides disagree about {name} of {n}"
        );
        Ok(time)
    })
}
