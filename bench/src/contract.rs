//! The group `contract`: what whole transactions of contracts take, on a state in memory.

mod guest;
pub(crate) mod page;

use anyhow::Result;

use crate::{
    Options,
    calibrate::contracts,
    contest::{self, Call, Contender::Here, Contest, Way, guest::Guest},
    ours::{self, wasmi, wasmtime},
    peers::{self, cosmwasm, soroban, wasmtime::calls::Cleaning::Everything},
    report::{Findings, Unit},
};

/// Transactions in a measurement: some milliseconds of them.
const TRANSFERS: Way = Way::InARow(500);

/// Calls in the one transaction of a measurement.
const NESTED: u32 = 1_000;

/// Entries in the one transaction of a measurement.
const ENTRIES: u32 = 10_000;

const CONTESTS: &[Contest] = &[
    Contest {
        name: "contract/transfer",
        unit: Unit::Microseconds,
        guest: token,
        way: TRANSFERS,
        ours: Here(|_| ours::contract::transfer(wasmtime()?)),
        peers: &[
            ("cosmwasm-vm pinned", cosmwasm::apart("token-pinned")),
            ("cosmwasm-vm memory", cosmwasm::apart("token-memory")),
            (
                "cosmwasm-vm, instance reused",
                cosmwasm::apart("token-reused"),
            ),
            ("soroban-env-host, module cached", soroban::apart("cached")),
            ("soroban-env-host, module parsed", soroban::apart("parsed")),
        ],
    },
    Contest {
        name: "contract-wasmi/transfer",
        unit: Unit::Microseconds,
        guest: token,
        way: TRANSFERS,
        ours: Here(|_| ours::contract::transfer(wasmi())),
        peers: &[
            ("cosmwasm-vm pinned", cosmwasm::apart("token-pinned")),
            ("soroban-env-host, module cached", soroban::apart("cached")),
        ],
    },
    Contest {
        name: "contract/nested",
        unit: Unit::Nanoseconds,
        guest: guest::callee,
        way: Way::EachSyscall(NESTED),
        ours: Here(|callee| {
            ours::contract::nested(wasmtime()?, &guest::caller()?, &callee.wasm, NESTED)
        }),
        peers: &[(
            "wasmtime, an instance and a call",
            Here(|guest| {
                let call = peers::wasmtime::calls::fresh(Everything, guest)?;
                Ok(repeated(call, NESTED))
            }),
        )],
    },
    Contest {
        name: "contract-wasmi/nested",
        unit: Unit::Nanoseconds,
        guest: guest::callee,
        way: Way::EachSyscall(NESTED),
        ours: Here(|callee| {
            ours::contract::nested(wasmi(), &guest::caller()?, &callee.wasm, NESTED)
        }),
        peers: &[(
            "wasmi, an instance and a call",
            Here(|guest| Ok(repeated(peers::wasmi::calls::fresh(guest)?, NESTED))),
        )],
    },
    Contest {
        name: "contract/iterate",
        unit: Unit::Nanoseconds,
        guest: guest::entries,
        way: Way::EachSyscall(ENTRIES),
        ours: Here(|guest| ours::contract::iterated(wasmtime()?, &guest.wasm, ENTRIES)),
        peers: &[("BTreeMap", Here(|_| guest::in_a_map(ENTRIES)))],
    },
    Contest {
        name: "contract-wasmi/iterate",
        unit: Unit::Nanoseconds,
        guest: guest::entries,
        way: Way::EachSyscall(ENTRIES),
        ours: Here(|guest| ours::contract::iterated(wasmi(), &guest.wasm, ENTRIES)),
        peers: &[("BTreeMap", Here(|_| guest::in_a_map(ENTRIES)))],
    },
    Contest {
        name: "contract/trace",
        unit: Unit::Microseconds,
        guest: token,
        way: TRANSFERS,
        ours: Here(|_| ours::contract::traced(wasmtime()?)),
        peers: &[(
            "ours, without a trace",
            Here(|_| ours::contract::transfer(wasmtime()?)),
        )],
    },
    Contest {
        name: "contract/replay",
        unit: Unit::Microseconds,
        guest: token,
        way: TRANSFERS,
        ours: Here(|_| ours::contract::replayed(wasmtime()?)),
        peers: &[(
            "ours, on the state",
            Here(|_| ours::contract::transfer(wasmtime()?)),
        )],
    },
];

/// Each side has a token of its own, in its own program.
fn token() -> Result<Guest> {
    Ok(Guest {
        entry: "transfer",
        ..Guest::prepared(Vec::new())
    })
}

/// A call so many times.
fn repeated(call: Call, times: u32) -> Call {
    Box::new(move || {
        let mut answer = 0;
        for _ in 0..times {
            answer = call()?;
        }
        Ok(answer)
    })
}

/// The rows that were asked for, by their own names or by their peers'.
pub(crate) fn measure(options: &Options) -> Result<Findings> {
    Ok(Findings {
        costs: contracts::costs(options)?,
        ..contest::measure(CONTESTS, options)?.into()
    })
}
