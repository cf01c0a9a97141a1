//! The group `executor`: what a call takes, from a program's bytes to a call that waits for its
//! host.

pub(crate) mod page;
pub(crate) mod suspended;

use anyhow::Result;

use crate::{
    Options,
    contest::{
        self,
        Contender::{Here, Live, Timed},
        Contest, Way,
        guest::Guest,
    },
    ours::{self, wasmi, wasmtime},
    peers::{
        self,
        cosmwasm::apart,
        wasmtime::calls::Cleaning::{Everything, WrittenPages},
    },
    report::{Findings, Unit},
};

/// Calls in a measurement: some milliseconds of them.
const TINY_CALLS: Way = Way::InARow(4_000);
const HACKATOM_CALLS: Way = Way::InARow(200);
const RECALLS: Way = Way::InARow(100_000);

/// Syscalls in a measurement.
const INLINE: u32 = 1_000_000;
const SUSPENDED: u32 = 50_000;

const CONTESTS: &[Contest] = &[
    Contest {
        name: "call/fresh/tiny",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: TINY_CALLS,
        ours: Here(|guest| ours::calls::fresh(wasmtime()?, guest)),
        peers: &[
            (
                "wasmtime",
                Here(|guest| peers::wasmtime::calls::fresh(Everything, guest)),
            ),
            ("wasmi", Here(peers::wasmi::calls::fresh)),
            ("wasmer", apart("wasmer-fresh")),
        ],
    },
    Contest {
        name: "call/fresh/hackatom",
        unit: Unit::Microseconds,
        guest: Guest::hackatom,
        way: HACKATOM_CALLS,
        ours: Here(ours::calls::settled),
        peers: &[
            (
                "wasmtime",
                Here(|guest| peers::wasmtime::calls::fresh(WrittenPages, guest)),
            ),
            ("wasmi", Here(peers::wasmi::calls::fresh)),
            ("wasmer", apart("wasmer-fresh")),
            ("cosmwasm-vm pinned, no call", apart("cosmwasm-pinned")),
            ("cosmwasm-vm memory, no call", apart("cosmwasm-memory")),
            ("cosmwasm-vm file, no call", apart("cosmwasm-file")),
        ],
    },
    Contest {
        name: "call/reused/tiny",
        unit: Unit::Nanoseconds,
        guest: Guest::tiny,
        way: RECALLS,
        ours: Live(|guest| ours::calls::again(wasmtime()?, guest)),
        peers: &[
            ("wasmtime", Live(peers::wasmtime::calls::again)),
            ("wasmi", Live(peers::wasmi::calls::again)),
            ("wasmer", apart("wasmer-again")),
        ],
    },
    Contest {
        name: "call-wasmi/fresh/tiny",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: TINY_CALLS,
        ours: Here(|guest| ours::calls::fresh(wasmi(), guest)),
        peers: &[("wasmi", Here(peers::wasmi::calls::fresh))],
    },
    Contest {
        name: "call-wasmi/fresh/hackatom",
        unit: Unit::Microseconds,
        guest: Guest::hackatom,
        way: HACKATOM_CALLS,
        ours: Here(|guest| ours::calls::fresh(wasmi(), guest)),
        peers: &[("wasmi", Here(peers::wasmi::calls::fresh))],
    },
    Contest {
        name: "call-wasmi/reused/tiny",
        unit: Unit::Nanoseconds,
        guest: Guest::tiny,
        way: RECALLS,
        ours: Live(|guest| ours::calls::again(wasmi(), guest)),
        peers: &[("wasmi", Live(peers::wasmi::calls::again))],
    },
    Contest {
        name: "syscall/inline",
        unit: Unit::Nanoseconds,
        guest: || Guest::asking(INLINE),
        way: Way::EachSyscall(INLINE),
        ours: Here(|guest| ours::calls::fresh(wasmtime()?, guest)),
        peers: &[
            (
                "wasmtime",
                Here(|guest| peers::wasmtime::calls::fresh(Everything, guest)),
            ),
            ("wasmi", Here(peers::wasmi::calls::fresh)),
            ("wasmer", apart("wasmer-fresh")),
        ],
    },
    Contest {
        name: "syscall/suspend",
        unit: Unit::Nanoseconds,
        guest: || Guest::asking(SUSPENDED),
        way: Way::EachSyscall(SUSPENDED),
        ours: Here(|guest| ours::calls::parked(wasmtime()?, guest)),
        peers: &[
            ("wasmtime", Here(peers::wasmtime::calls::parked)),
            ("wasmi", Here(peers::wasmi::calls::parked)),
        ],
    },
    Contest {
        name: "syscall-wasmi/inline",
        unit: Unit::Nanoseconds,
        guest: || Guest::asking(INLINE),
        way: Way::EachSyscall(INLINE),
        ours: Here(|guest| ours::calls::fresh(wasmi(), guest)),
        peers: &[("wasmi", Here(peers::wasmi::calls::fresh))],
    },
    Contest {
        name: "syscall-wasmi/suspend",
        unit: Unit::Nanoseconds,
        guest: || Guest::asking(SUSPENDED),
        way: Way::EachSyscall(SUSPENDED),
        ours: Here(|guest| ours::calls::parked(wasmi(), guest)),
        peers: &[("wasmi", Here(peers::wasmi::calls::parked))],
    },
    Contest {
        name: "deploy/first-answer",
        unit: Unit::Milliseconds,
        guest: Guest::hackatom,
        way: Way::Once,
        ours: Timed(ours::calls::deployed),
        peers: &[
            ("wasmtime", Here(peers::wasmtime::calls::deployed)),
            ("wasmi", Here(peers::wasmi::calls::deployed)),
            ("wasmi eager", Here(peers::wasmi::calls::deployed_eagerly)),
            ("wasmer", apart("wasmer-deploy")),
            ("cosmwasm-vm, no call", apart("cosmwasm-deploy")),
        ],
    },
    Contest {
        name: "restart/first-answer",
        unit: Unit::Milliseconds,
        guest: Guest::hackatom,
        way: Way::Once,
        ours: Here(ours::calls::restarted),
        peers: &[
            (
                "wasmtime, unchecked",
                Here(peers::wasmtime::calls::restarted),
            ),
            ("wasmer, unchecked", apart("wasmer-restart")),
            ("cosmwasm-vm, no call", apart("cosmwasm-restart")),
        ],
    },
    Contest {
        name: "threads/1/tiny",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: Way::OnThreads {
            threads: 1,
            calls: 4_000,
        },
        ours: Here(|guest| ours::calls::fresh(wasmtime()?, guest)),
        peers: &[
            (
                "wasmtime",
                Here(|guest| peers::wasmtime::calls::fresh(Everything, guest)),
            ),
            ("wasmi", Here(peers::wasmi::calls::fresh)),
            ("wasmer", apart("wasmer-fresh")),
        ],
    },
    Contest {
        name: "threads/2/tiny",
        unit: Unit::Microseconds,
        guest: Guest::tiny,
        way: Way::OnThreads {
            threads: 2,
            calls: 4_000,
        },
        ours: Here(|guest| ours::calls::fresh(wasmtime()?, guest)),
        peers: &[
            (
                "wasmtime",
                Here(|guest| peers::wasmtime::calls::fresh(Everything, guest)),
            ),
            ("wasmi", Here(peers::wasmi::calls::fresh)),
            ("wasmer", apart("wasmer-fresh")),
        ],
    },
    Contest {
        name: "threads/1/hackatom",
        unit: Unit::Microseconds,
        guest: Guest::hackatom,
        way: Way::OnThreads {
            threads: 1,
            calls: 200,
        },
        ours: Here(ours::calls::settled),
        peers: &[
            (
                "wasmtime",
                Here(|guest| peers::wasmtime::calls::fresh(WrittenPages, guest)),
            ),
            ("wasmi", Here(peers::wasmi::calls::fresh)),
            ("wasmer", apart("wasmer-fresh")),
            ("cosmwasm-vm pinned, no call", apart("cosmwasm-pinned")),
        ],
    },
    Contest {
        name: "threads/2/hackatom",
        unit: Unit::Microseconds,
        guest: Guest::hackatom,
        way: Way::OnThreads {
            threads: 2,
            calls: 200,
        },
        ours: Here(ours::calls::settled),
        peers: &[
            (
                "wasmtime",
                Here(|guest| peers::wasmtime::calls::fresh(WrittenPages, guest)),
            ),
            ("wasmi", Here(peers::wasmi::calls::fresh)),
            ("wasmer", apart("wasmer-fresh")),
            ("cosmwasm-vm pinned, no call", apart("cosmwasm-pinned")),
        ],
    },
];

/// The rows that were asked for, by their own names or by their peers'.
pub(crate) fn measure(options: &Options) -> Result<Findings> {
    let mut rows = contest::measure(CONTESTS, options)?;
    rows.extend(suspended::measure(options)?);
    Ok(rows.into())
}
