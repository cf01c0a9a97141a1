//! The paths whose instructions are counted: calls, syscalls and nested VMs, ours and on the bare
//! engine.

use anyhow::Result;
use fusee::{sandbox, system::Billing::Metered};

use super::counted_run;
use crate::{
    contest::{Call, Recall, guest::Guest},
    ours::{self, Backend, children, polkavm, wasmi, wasmtime},
    peers::{self, wasmtime::calls::Cleaning},
    system, virtualization,
};

/// One path, taken so many times in a count.
struct Path {
    name: &'static str,
    times: u32,
    ours: fn() -> Result<Recall>,
    peer: fn() -> Result<Recall>,
}

/// Instances in a pool of the peer's: few, since callgrind leaves a process few addresses.
const POOL: u32 = 2;

/// Syscalls of one call.
const ASKED: u32 = 2_000;

/// Nested blocks, fewer than the rules admit.
const NESTED: usize = 1_000;

const PATHS: &[Path] = &[
    // The peer validates: what preparing takes beside that.
    Path {
        name: "prepare",
        times: 5,
        ours: || prepare(large()),
        peer: || Ok(peers::wasmtime::validate(large().wasm)),
    },
    // The peer prepares the same operators without nesting, which must not be cheaper.
    Path {
        name: "prepare/nested",
        times: 5,
        ours: || {
            prepare(blocks(
                &"(loop (local.set 0 (i64.const 1))".repeat(NESTED),
                NESTED,
            )?)
        },
        peer: || {
            prepare(blocks(
                &"(loop (local.set 0 (i64.const 1)))".repeat(NESTED),
                0,
            )?)
        },
    },
    Path {
        name: "wasmtime/path/fresh",
        times: 300,
        ours: || recall(ours::calls::fresh(wasmtime()?, Guest::tiny()?)?),
        peer: || {
            recall(peers::wasmtime::calls::fresh_of(
                POOL,
                Cleaning::WrittenPages,
                Guest::tiny()?,
            )?)
        },
    },
    Path {
        name: "wasmtime/path/reused",
        times: 3_000,
        ours: || ours::calls::again(wasmtime()?, Guest::tiny()?),
        peer: || peers::wasmtime::calls::again(Guest::tiny()?),
    },
    Path {
        name: "wasmtime/path/syscall",
        times: 5,
        ours: || recall(ours::calls::fresh(wasmtime()?, Guest::asking(ASKED)?)?),
        peer: || {
            recall(peers::wasmtime::calls::fresh_of(
                POOL,
                Cleaning::Everything,
                Guest::asking(ASKED)?,
            )?)
        },
    },
    Path {
        name: "wasmtime/path/suspend",
        times: 2,
        ours: || recall(ours::calls::parked(wasmtime()?, Guest::asking(ASKED)?)?),
        peer: || {
            recall(peers::wasmtime::calls::parked(
                Guest::asking(ASKED)?.suspendable(),
            )?)
        },
    },
    Path {
        name: "wasmtime/path/nested",
        times: 1_000,
        ours: || children::run(wasmtime()?, Guest::tiny()?),
        peer: || peers::wasmtime::children::run(Guest::tiny()?),
    },
    Path {
        name: "wasmtime/path/system",
        times: 3_000,
        ours: || ours::system::call(wasmtime()?, Metered, system::guest::idle()?),
        peer: || peers::wasmtime::system::call(system::guest::idle()?),
    },
    Path {
        name: "wasmi/path/fresh",
        times: 300,
        ours: || recall(ours::calls::fresh(wasmi(), Guest::tiny()?)?),
        peer: || recall(peers::wasmi::calls::fresh(Guest::tiny()?)?),
    },
    Path {
        name: "wasmi/path/reused",
        times: 3_000,
        ours: || ours::calls::again(wasmi(), Guest::tiny()?),
        peer: || peers::wasmi::calls::again(Guest::tiny()?),
    },
    Path {
        name: "wasmi/path/syscall",
        times: 5,
        ours: || recall(ours::calls::fresh(wasmi(), Guest::asking(ASKED)?)?),
        peer: || recall(peers::wasmi::calls::fresh(Guest::asking(ASKED)?)?),
    },
    Path {
        name: "polkavm/path/nested",
        times: 1_000,
        ours: || {
            children::run(
                polkavm(Backend::Interpreter)?,
                virtualization::guest::polkavm()?,
            )
        },
        peer: || peers::polkavm::run(Backend::Interpreter, virtualization::guest::polkavm()?),
    },
];

/// The names and how many runs there are of each, in the order in which [`run`] takes the paths.
pub(super) fn names() -> Vec<(String, u32)> {
    let paths = PATHS.iter();
    paths
        .map(|path| (path.name.to_owned(), path.times))
        .collect()
}

/// Takes each path, ours and then the peer's.
pub(super) fn run() -> Result<()> {
    for path in PATHS {
        for make in [path.ours, path.peer] {
            let mut call = make()?;
            // The first call makes what is made once.
            call()?;
            counted_run(&mut || {
                for _ in 0..path.times {
                    call()?;
                }
                Ok(0)
            })?;
        }
    }
    Ok(())
}

fn prepare(guest: Guest) -> Result<Recall> {
    let rules = guest.rules()?;
    Ok(Box::new(move || {
        sandbox::prepare(&guest.wasm, &rules)?;
        Ok(0)
    }))
}

/// The largest program of the guests.
fn large() -> Guest {
    let wasm = include_bytes!("../../../guests/wasm/verifier.wasm");
    Guest::prepared(wasm.to_vec())
}

/// A program of one function with this code and so many ends.
fn blocks(code: &str, ends: usize) -> Result<Guest> {
    let ends = ")".repeat(ends);
    let text = format!("(module (func (export \"f\") (local i64) {code} {ends}))");
    Ok(Guest::prepared(wat::parse_str(text)?))
}

fn recall(call: Call) -> Result<Recall> {
    Ok(Box::new(call))
}
