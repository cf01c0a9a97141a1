//! The group `system`: what a call of a system program takes, whose instance stays alive, how long
//! a guest runs on that was interrupted, and what the imports for cryptography take.

mod cancel;
pub(crate) mod crypto;
pub(crate) mod guest;
pub(crate) mod page;

use anyhow::Result;
use fusee::system::Billing::{Metered, SelfMetered};

use crate::{
    Options,
    contest::{
        self,
        Contender::{Here, Live},
        Contest, Way,
    },
    ours::{self, wasmi, wasmtime},
    peers,
    report::{Findings, Unit},
};

/// Calls in a measurement: some milliseconds of them.
const CALLS: Way = Way::InARow(50_000);
const ROUND_TRIPS: Way = Way::InARow(10_000);

const CONTESTS: &[Contest] = &[
    Contest {
        name: "system/live",
        unit: Unit::Nanoseconds,
        guest: guest::idle,
        way: CALLS,
        ours: Live(|guest| ours::system::call(wasmtime()?, Metered, guest)),
        peers: &[
            ("wasmtime", Live(peers::wasmtime::system::call)),
            (
                "fresh, ours",
                Here(|guest| ours::system::fresh(wasmtime()?, guest)),
            ),
        ],
    },
    Contest {
        name: "system/live-unbilled",
        unit: Unit::Nanoseconds,
        guest: guest::idle,
        way: CALLS,
        ours: Live(|guest| ours::system::call(wasmtime()?, SelfMetered, guest)),
        peers: &[("wasmtime", Live(peers::wasmtime::system::call))],
    },
    Contest {
        name: "system/call",
        unit: Unit::Nanoseconds,
        guest: guest::copying,
        way: CALLS,
        ours: Live(|guest| ours::system::call(wasmtime()?, Metered, guest)),
        peers: &[("wasmtime", Live(peers::wasmtime::system::call))],
    },
    Contest {
        name: "system/interrupt",
        unit: Unit::Nanoseconds,
        guest: guest::interrupted,
        way: ROUND_TRIPS,
        ours: Live(|guest| ours::system::call(wasmtime()?, Metered, guest)),
        peers: &[("wasmtime", Live(peers::wasmtime::system::call))],
    },
    Contest {
        name: "system/exec",
        unit: Unit::Nanoseconds,
        guest: guest::executing,
        way: ROUND_TRIPS,
        ours: Live(|guest| ours::system::call(wasmtime()?, Metered, guest)),
        peers: &[("wasmtime", Live(peers::wasmtime::system::parked))],
    },
    Contest {
        name: "system-wasmi/live",
        unit: Unit::Nanoseconds,
        guest: guest::idle,
        way: CALLS,
        ours: Live(|guest| ours::system::call(wasmi(), Metered, guest)),
        peers: &[
            ("wasmi", Live(peers::wasmi::system::call)),
            (
                "fresh, ours",
                Here(|guest| ours::system::fresh(wasmi(), guest)),
            ),
        ],
    },
    Contest {
        name: "system-wasmi/call",
        unit: Unit::Nanoseconds,
        guest: guest::copying,
        way: CALLS,
        ours: Live(|guest| ours::system::call(wasmi(), Metered, guest)),
        peers: &[("wasmi", Live(peers::wasmi::system::call))],
    },
    Contest {
        name: "system-wasmi/interrupt",
        unit: Unit::Nanoseconds,
        guest: guest::interrupted,
        way: ROUND_TRIPS,
        ours: Live(|guest| ours::system::call(wasmi(), Metered, guest)),
        peers: &[("wasmi", Live(peers::wasmi::system::call))],
    },
    Contest {
        name: "system-wasmi/exec",
        unit: Unit::Nanoseconds,
        guest: guest::executing,
        way: ROUND_TRIPS,
        ours: Live(|guest| ours::system::call(wasmi(), Metered, guest)),
        peers: &[("wasmi", Live(peers::wasmi::system::parked))],
    },
];

/// The rows that were asked for, how long what was interrupted ran on, and what imports take.
pub(crate) fn measure(options: &Options) -> Result<Findings> {
    Ok(Findings {
        rows: contest::measure(CONTESTS, options)?,
        latencies: cancel::measure(options)?,
        costs: crypto::measure(options)?,
    })
}
