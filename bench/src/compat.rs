//! The group `compat`: the calls of nodes that Fusee can serve, beside what serves them there:
//! nested VMs beside Substrate's own backend, contracts beside Wasmtime as Freenet uses it.

pub(crate) mod freenet;
pub(crate) mod page;
pub(crate) mod substrate;
#[cfg(test)]
mod tests;

use std::slice;

use anyhow::Result;

use self::substrate::SYSCALLS;
use crate::{
    Options,
    contest::{
        self,
        Contender::{Anew, Live},
        Contest,
        Way::{self, EachSyscall, InARow},
    },
    ours::{self, Backend, polkavm},
    peers,
    report::{Findings, Unit},
};

const INTERPRETER: Backend = Backend::Interpreter;
const GENERIC: Backend = Backend::GenericSandbox;
const PROCESS: Backend = Backend::ProcessSandbox;

/// Names of the peer of contracts.
const CALLER: &str = "wasmtime";
const THREAD: &str = "wasmtime, on a thread";

/// Calls in a measurement: some milliseconds of them.
const COMPILED: u32 = 1_000;
const COMPILED_BESIDE: u32 = 40;
const RUNS: u32 = 20_000;

/// So many calls that a process beside this one serves.
const fn beside(calls: u32) -> Way {
    Way::InRealTime {
        calls,
        parts: calls,
    }
}

/// One call of the program that asks, which a process beside this one serves.
const ASKING_BESIDE: Way = Way::InRealTime {
    calls: 1,
    parts: SYSCALLS,
};

/// A row of Substrate: the last word names what is done, on both sides.
macro_rules! substrate {
    ($name:literal, $unit:ident, $guest:ident, $way:expr, $backend:ident, $work:ident) => {
        Contest {
            name: concat!("nested/", $name),
            unit: Unit::$unit,
            guest: substrate::$guest,
            way: $way,
            ours: Live(|guest| ours::substrate::$work(polkavm($backend)?, guest)),
            peers: &[(
                "sc-virtualization",
                peers::substrate::apart($backend, stringify!($work)),
            )],
        }
    };
}

/// A row of Freenet: the number of bytes of the state, what is alive on both sides, and how our
/// side and the peer work.
macro_rules! freenet {
    ($name:literal, $bytes:literal, $way:expr, $alive:ident, $ours:ident, $peer:expr, $theirs:ident) => {
        Contest {
            name: concat!("freenet/", $name),
            unit: Unit::Microseconds,
            guest: || freenet::validate($bytes),
            way: $way,
            ours: $alive(ours::freenet::$ours),
            peers: &[($peer, $alive(peers::wasmtime::freenet::$theirs))],
        }
    };
}

#[rustfmt::skip]
const CONTESTS: &[Contest] = &[
    substrate!("interpreter/first", Microseconds, nothing, InARow(COMPILED), INTERPRETER, first),
    substrate!("interpreter/again", Microseconds, nothing, InARow(COMPILED), INTERPRETER, again),
    substrate!("interpreter/instance", Microseconds, nothing, InARow(COMPILED), INTERPRETER, instance),
    substrate!("interpreter/run", Nanoseconds, nothing, InARow(RUNS), INTERPRETER, run),
    substrate!("interpreter/syscall", Nanoseconds, asking, EachSyscall(SYSCALLS), INTERPRETER, run),
    substrate!("interpreter/compute", Milliseconds, compute, InARow(1), INTERPRETER, run),
    substrate!("generic/first", Microseconds, nothing, InARow(COMPILED_BESIDE), GENERIC, first),
    substrate!("generic/again", Microseconds, nothing, InARow(COMPILED_BESIDE), GENERIC, again),
    substrate!("generic/instance", Microseconds, nothing, InARow(COMPILED_BESIDE), GENERIC, instance),
    substrate!("generic/run", Nanoseconds, nothing, InARow(RUNS), GENERIC, run),
    substrate!("generic/syscall", Nanoseconds, asking, EachSyscall(SYSCALLS), GENERIC, run),
    substrate!("generic/compute", Milliseconds, compute, InARow(2), GENERIC, run),
    freenet!("caller/0B", 0, InARow(200), Live, on_caller, CALLER, on_caller),
    freenet!("caller/1MB", 1_000_000, InARow(10), Live, on_caller, CALLER, on_caller),
    freenet!("steps/0B", 0, beside(200), Anew, in_steps, THREAD, on_thread),
    freenet!("steps/1MB", 1_000_000, beside(10), Anew, in_steps, THREAD, on_thread),
    freenet!("worker/0B", 0, beside(100), Anew, on_worker, THREAD, on_thread),
    freenet!("worker/1MB", 1_000_000, beside(10), Anew, on_worker, THREAD, on_thread),
];

/// Each is measured by itself: the processes of a sandbox spin, and there are as few as possible.
#[rustfmt::skip]
const BY_THEMSELVES: &[Contest] = &[
    substrate!("process/first", Microseconds, nothing, beside(COMPILED_BESIDE), PROCESS, first),
    substrate!("process/again", Microseconds, nothing, beside(COMPILED_BESIDE), PROCESS, again),
    substrate!("process/instance", Microseconds, nothing, beside(COMPILED_BESIDE), PROCESS, instance),
    substrate!("process/run", Nanoseconds, nothing, beside(RUNS), PROCESS, run),
    substrate!("process/syscall", Nanoseconds, asking, ASKING_BESIDE, PROCESS, run),
    substrate!("process/compute", Milliseconds, compute, beside(2), PROCESS, run),
];

/// The rows that were asked for.
pub(crate) fn measure(options: &Options) -> Result<Findings> {
    let mut rows = contest::measure(CONTESTS, options)?;
    for contest in BY_THEMSELVES {
        rows.extend(contest::measure(slice::from_ref(contest), options)?);
    }
    Ok(Findings::from(rows))
}
