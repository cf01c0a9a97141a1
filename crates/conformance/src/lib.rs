//! One suite that every engine must pass, and the means to write such tests.
//!
//! A [`Lane`] is one way to run a program: an engine, plain or suspendable, with large slices or
//! tiny ones. No outcome and no gas may depend on the lane, so a test runs on [`lanes`] and compares.
#![forbid(unsafe_code)]

use std::sync::Arc;

use fusee_engine::{Engine, Gas, Host, Interrupt, Stop, Syscall, Trap, Value};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{Executor, Outcome, RunRequest, Suspension};

/// One way to run a program.
#[derive(Debug)]
pub struct Lane {
    /// What it is called in a failed comparison.
    pub name: &'static str,
    /// Its engine and slices.
    pub executor: Executor,
    /// Whether it runs suspendable where it need not.
    pub suspension: Suspension,
}

impl Lane {
    /// A request to run on this lane.
    #[must_use]
    pub fn request<'a>(&self, entry: &'a str, args: &'a [Value], gas: Gas) -> RunRequest<'a> {
        RunRequest {
            suspension: self.suspension,
            interrupt: Interrupt::new(),
            ..RunRequest::new(entry, args, gas)
        }
    }
}

/// Every engine, plain and suspendable, with large slices and tiny ones.
///
/// # Panics
///
/// If an engine does not work on this machine.
#[must_use]
pub fn lanes() -> Vec<Lane> {
    let wasmtime: Arc<dyn Engine> =
        Arc::new(WasmtimeEngine::new().expect("Wasmtime works on this machine"));
    let wasmi: Arc<dyn Engine> = Arc::new(WasmiEngine::new());
    let large = Gas::new(1 << 30);
    let tiny = Gas::new(97);
    let lane = |name, engine: &Arc<dyn Engine>, slice, suspension| Lane {
        name,
        executor: Executor::builder(Arc::clone(engine)).slice(slice).build(),
        suspension,
    };
    vec![
        lane("wasmtime", &wasmtime, large, Suspension::AsNeeded),
        lane(
            "wasmtime, suspendable",
            &wasmtime,
            large,
            Suspension::Always,
        ),
        lane(
            "wasmtime, tiny slices",
            &wasmtime,
            tiny,
            Suspension::AsNeeded,
        ),
        lane(
            "wasmtime, suspendable, tiny slices",
            &wasmtime,
            tiny,
            Suspension::Always,
        ),
        lane("wasmi", &wasmi, large, Suspension::AsNeeded),
        lane("wasmi, suspendable", &wasmi, large, Suspension::Always),
        lane("wasmi, tiny slices", &wasmi, tiny, Suspension::AsNeeded),
        lane(
            "wasmi, suspendable, tiny slices",
            &wasmi,
            tiny,
            Suspension::Always,
        ),
    ]
}

/// What of an outcome machines must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How the run ended.
    pub ending: Ending,
    /// The gas that it used.
    pub gas_used: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Well, with these values.
    Finished(Vec<Value>),
    /// In a trap.
    Trapped(Trap),
    /// Out of gas.
    OutOfGas,
    /// It has not ended: it is parked.
    Parked,
}

impl Verdict {
    /// The verdict on an outcome. A run that is parked is dropped.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Finished(finished) => Verdict {
                ending: Ending::Finished(finished.values().to_vec()),
                gas_used: finished.gas_used().units(),
            },
            Outcome::Trapped(trap, ended) => Verdict {
                ending: Ending::Trapped(trap),
                gas_used: ended.gas_used().units(),
            },
            Outcome::OutOfGas(ended) => Verdict {
                ending: Ending::OutOfGas,
                gas_used: ended.gas_used().units(),
            },
            Outcome::Syscall(_) | Outcome::GasEnd(_) => Verdict {
                ending: Ending::Parked,
                gas_used: 0,
            },
        }
    }
}

/// A host that answers no syscall.
#[derive(Debug)]
pub struct NoHost;

impl Host for NoHost {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Stop::Trap(Trap::SyscallRefused))
    }
}
