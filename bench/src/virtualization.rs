//! The group `virtualization`: what it takes to make, run and answer a child, over PolkaVM and the
//! bare engines.

pub(crate) mod apart;
pub(crate) mod guest;
pub(crate) mod page;
#[cfg(test)]
mod tests;

use anyhow::Result;
use fusee::sandbox::Executor;

use self::guest::ROUNDS;
use crate::{
    Options,
    contest::{
        self,
        Contender::{Here, Live},
        Contest, Way,
        guest::Guest,
    },
    ours::{self, Backend, children, polkavm, wasmi, wasmtime},
    peers,
    report::{Findings, Unit},
};

/// Instances, and runs, in a measurement: some milliseconds of them.
const INSTANCES: Way = Way::InARow(2_000);
const RUNS: Way = Way::InARow(20_000);

const INTERPRETER: Backend = Backend::Interpreter;
const RECOMPILER: Backend = Backend::GenericSandbox;

const CONTESTS: &[Contest] = &[
    Contest {
        name: "interpreter/instance",
        unit: Unit::Microseconds,
        guest: guest::polkavm,
        way: INSTANCES,
        ours: Live(|guest| children::instance(polkavm(INTERPRETER)?, guest)),
        peers: &[(
            "polkavm",
            Live(|guest| peers::polkavm::instance(INTERPRETER, guest)),
        )],
    },
    Contest {
        name: "interpreter/run",
        unit: Unit::Nanoseconds,
        guest: guest::polkavm,
        way: RUNS,
        ours: Live(|guest| children::run(polkavm(INTERPRETER)?, guest)),
        peers: &[(
            "polkavm",
            Live(|guest| peers::polkavm::run(INTERPRETER, guest)),
        )],
    },
    Contest {
        name: "interpreter/whole",
        unit: Unit::Microseconds,
        guest: guest::polkavm,
        way: INSTANCES,
        ours: Live(|guest| children::whole(polkavm(INTERPRETER)?, guest)),
        peers: &[(
            "polkavm",
            Live(|guest| peers::polkavm::whole(INTERPRETER, guest)),
        )],
    },
    Contest {
        name: "recompiler/instance",
        unit: Unit::Microseconds,
        guest: guest::polkavm,
        way: INSTANCES,
        ours: Live(|guest| children::instance(polkavm(RECOMPILER)?, guest)),
        peers: &[(
            "polkavm",
            Live(|guest| peers::polkavm::instance(RECOMPILER, guest)),
        )],
    },
    Contest {
        name: "recompiler/run",
        unit: Unit::Nanoseconds,
        guest: guest::polkavm,
        way: RUNS,
        ours: Live(|guest| children::run(polkavm(RECOMPILER)?, guest)),
        peers: &[(
            "polkavm",
            Live(|guest| peers::polkavm::run(RECOMPILER, guest)),
        )],
    },
    Contest {
        name: "recompiler/whole",
        unit: Unit::Microseconds,
        guest: guest::polkavm,
        way: INSTANCES,
        ours: Live(|guest| children::whole(polkavm(RECOMPILER)?, guest)),
        peers: &[(
            "polkavm",
            Live(|guest| peers::polkavm::whole(RECOMPILER, guest)),
        )],
    },
    Contest {
        name: "wasmtime/instance",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: INSTANCES,
        ours: Live(|guest| children::instance(wasmtime()?, guest)),
        peers: &[("wasmtime", Live(peers::wasmtime::children::instance))],
    },
    Contest {
        name: "wasmtime/run",
        unit: Unit::Nanoseconds,
        guest: Guest::tiny,
        way: RUNS,
        ours: Live(|guest| children::run(wasmtime()?, guest)),
        peers: &[("wasmtime", Live(peers::wasmtime::children::run))],
    },
    Contest {
        name: "wasmtime/whole",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: INSTANCES,
        ours: Live(|guest| children::whole(wasmtime()?, guest)),
        peers: &[("wasmtime", Live(peers::wasmtime::children::whole))],
    },
    Contest {
        name: "wasmi/instance",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: INSTANCES,
        ours: Live(|guest| children::instance(wasmi(), guest)),
        peers: &[("wasmi", Live(peers::wasmi::children::instance))],
    },
    Contest {
        name: "wasmi/run",
        unit: Unit::Nanoseconds,
        guest: Guest::tiny,
        way: RUNS,
        ours: Live(|guest| children::run(wasmi(), guest)),
        peers: &[("wasmi", Live(peers::wasmi::children::run))],
    },
    Contest {
        name: "wasmi/whole",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: INSTANCES,
        ours: Live(|guest| children::whole(wasmi(), guest)),
        peers: &[("wasmi", Live(peers::wasmi::children::whole))],
    },
    Contest {
        name: "parent/wasmtime",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: Way::EachSyscall(ROUNDS),
        ours: Here(|guest| children::by_guest(Executor::builder(wasmtime()?).build(), guest)),
        peers: &[(
            "no parent, ours",
            Here(|guest| children::by_embedder(Executor::builder(wasmtime()?).build(), guest)),
        )],
    },
    Contest {
        name: "parent/wasmi",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: Way::EachSyscall(ROUNDS),
        ours: Here(|guest| children::by_guest(Executor::builder(wasmi()).build(), guest)),
        peers: &[(
            "no parent, ours",
            Here(|guest| children::by_embedder(Executor::builder(wasmi()).build(), guest)),
        )],
    },
    Contest {
        name: "parent/interpreter",
        unit: Unit::Microseconds,
        guest: guest::polkavm,
        way: Way::EachSyscall(ROUNDS),
        ours: Here(|guest| children::by_guest(ours::wasmtime_and_polkavm(INTERPRETER)?, guest)),
        peers: &[(
            "no parent, ours",
            Here(|guest| children::by_embedder(ours::wasmtime_and_polkavm(INTERPRETER)?, guest)),
        )],
    },
];

/// The rows that were asked for: all sides in this process, and then each in processes of its own.
pub(crate) fn measure(options: &Options) -> Result<Findings> {
    let mut rows = contest::measure(CONTESTS, options)?;
    rows.extend(apart::measure(options)?);
    Ok(Findings::from(rows))
}
