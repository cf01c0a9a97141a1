//! The group `meter`: what metering costs while a guest computes.
//!
//! Each kernel runs metered through the executor, and by itself on the same engine with the same
//! configuration. Instances are made before the clock starts, and live for all rounds. How long it
//! takes to leave where gas ends is measured on a guest that does nothing else.

pub(crate) mod out_of_gas;

use anyhow::{Result, ensure};

use crate::{
    Options,
    kernels::{KERNELS, Kernel, Timed, timed},
    measure::{Comparison, Side, interleave},
    ours, peers,
    report::{Findings, Row, Unit},
};

/// All kernels, one way to run them against another.
struct Family {
    name: &'static str,
    peer_name: &'static str,
    /// Ours, but where a peer is measured against itself.
    ours: fn(&[u8]) -> Result<Timed>,
    peer: fn(&[u8]) -> Result<Timed>,
    /// The n that takes both sides long enough.
    size: fn(&Kernel) -> i32,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "meter",
        peer_name: "wasmtime",
        ours: |wasm| ours::on_wasmtime(wasm).map(timed),
        peer: |wasm| peers::wasmtime::bare(wasm).map(timed),
        size: |kernel| kernel.compiled,
    },
    Family {
        name: "meter-vs-fuel",
        peer_name: "wasmtime fuel",
        ours: |wasm| ours::on_wasmtime(wasm).map(timed),
        peer: |wasm| peers::wasmtime::fuelled(wasm).map(timed),
        size: |kernel| kernel.compiled,
    },
    Family {
        name: "meter-vs-epochs",
        peer_name: "wasmtime epochs",
        ours: |wasm| ours::on_wasmtime(wasm).map(timed),
        peer: |wasm| peers::wasmtime::interruptible(wasm).map(timed),
        size: |kernel| kernel.compiled,
    },
    Family {
        name: "meter-vs-wasm-instrument",
        peer_name: "wasm-instrument",
        ours: |wasm| ours::on_wasmtime(wasm).map(timed),
        peer: |wasm| peers::wasm_instrument::metered(wasm).map(timed),
        size: |kernel| kernel.compiled,
    },
    Family {
        name: "meter-vs-wasmer",
        peer_name: "wasmer metering",
        ours: |wasm| ours::on_wasmtime(wasm).map(timed),
        peer: peers::wasmer::metered,
        size: |kernel| kernel.compiled,
    },
    Family {
        name: "wasmer-metering",
        peer_name: "wasmer",
        ours: peers::wasmer::metered,
        peer: peers::wasmer::bare,
        size: |kernel| kernel.compiled,
    },
    Family {
        name: "meter-wasmi",
        peer_name: "wasmi",
        ours: |wasm| ours::on_wasmi(wasm).map(timed),
        peer: |wasm| peers::wasmi::bare(wasm).map(timed),
        size: |kernel| kernel.interpreted,
    },
    Family {
        name: "meter-wasmi-vs-fuel",
        peer_name: "wasmi fuel",
        ours: |wasm| ours::on_wasmi(wasm).map(timed),
        peer: |wasm| peers::wasmi::fuelled(wasm).map(timed),
        size: |kernel| kernel.interpreted,
    },
];

pub(crate) fn measure(options: &Options) -> Result<Findings> {
    let mut rows = Vec::new();
    for family in FAMILIES {
        rows.extend(family.measure(options)?);
    }
    rows.retain(|row| options.wants(&row.name));
    rows.extend(out_of_gas::measure(options)?);
    Ok(rows.into())
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
        let expected = peer(n)?.checksum;
        Ok(Comparison {
            ours: side(ours, kernel.name, n, expected),
            peer: side(peer, kernel.name, n, expected),
        })
    }
}

fn side(mut contender: Timed, name: &'static str, n: i32, expected: i64) -> Side {
    Box::new(move || {
        let work = contender(n)?;
        ensure!(
            work.checksum == expected,
            "the sides disagree about {name} of {n}"
        );
        Ok(work.time)
    })
}
