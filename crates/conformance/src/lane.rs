//! Lanes: the ways to run a program.

use std::{fmt::Debug, sync::Arc};

use fusee_engine::{Engine, Gas, Value};
use fusee_engine_polkavm::{Backend, PolkaVmEngine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::{AddressSpace, Bounds, WasmtimeEngine};
use fusee_executor::{Executor, RunRequest, Suspension};

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
            interrupt: None,
            ..RunRequest::new(entry, args, gas)
        }
    }
}

/// Every engine, plain and suspendable, with large slices and tiny ones; Wasmtime with guard pages,
/// with explicit bounds checks, and without reservations, where memories move.
///
/// # Panics
///
/// If an engine does not work on this machine.
#[must_use]
pub fn lanes() -> Vec<Lane> {
    lanes_beside(None)
}

/// The [`lanes`], whose executors also run PolkaVM programs so.
///
/// # Panics
///
/// As [`lanes`], or if this machine does not run PolkaVM programs so.
#[must_use]
pub fn mixed_lanes(backend: Backend) -> Vec<Lane> {
    let engine = PolkaVmEngine::on(backend).expect("PolkaVM works on this machine");
    lanes_beside(Some(Arc::new(engine)))
}

fn lanes_beside(polkavm: Option<Arc<dyn Engine>>) -> Vec<Lane> {
    let wasmtime = |bounds, address_space| -> Arc<dyn Engine> {
        // As many as the tests of the specification keep alive at once.
        let engine = WasmtimeEngine::builder()
            .instances(2_048)
            .growing(bounds)
            .address_space(address_space);
        Arc::new(engine.build().expect("Wasmtime works on this machine"))
    };
    let checked = wasmtime(Bounds::Checked, AddressSpace::Ample);
    let unreserved = wasmtime(Bounds::Guarded, AddressSpace::Scarce);
    let wasmtime = wasmtime(Bounds::Guarded, AddressSpace::Ample);
    let wasmi: Arc<dyn Engine> = Arc::new(WasmiEngine::new());
    let large = Gas::new(1 << 24);
    let tiny = Gas::new(97);
    let lane = |name, engine: &Arc<dyn Engine>, slice, suspension| {
        let mut builder = Executor::builder(Arc::clone(engine)).slice(slice);
        if let Some(other) = &polkavm {
            builder = builder.engine(Arc::clone(other));
        }
        Lane {
            name,
            executor: builder.build(),
            suspension,
        }
    };
    vec![
        lane("wasmtime", &wasmtime, large, Suspension::AsNeeded),
        lane("wasmi", &wasmi, large, Suspension::AsNeeded),
        lane(
            "wasmtime, suspendable",
            &wasmtime,
            large,
            Suspension::Always,
        ),
        lane("wasmi, suspendable", &wasmi, large, Suspension::Always),
        lane(
            "wasmtime, checked, tiny slices",
            &checked,
            tiny,
            Suspension::AsNeeded,
        ),
        lane("wasmi, tiny slices", &wasmi, tiny, Suspension::AsNeeded),
        lane(
            "wasmtime, unreserved, suspendable, tiny slices",
            &unreserved,
            tiny,
            Suspension::Always,
        ),
        lane(
            "wasmi, suspendable, tiny slices",
            &wasmi,
            tiny,
            Suspension::Always,
        ),
    ]
}

/// The ways to run a PolkaVM program: interpreted, and compiled in this process where the machine
/// supports it.
///
/// # Panics
///
/// If the interpreter does not work on this machine, or on Linux and AMD64 a sandbox does not.
#[must_use]
pub fn polkavm_lanes() -> Vec<Lane> {
    let large = Gas::new(1 << 24);
    let tiny = Gas::new(97);
    let lane = |name, engine: &Arc<dyn Engine>, slice, suspension| Lane {
        name,
        executor: Executor::builder(Arc::clone(engine)).slice(slice).build(),
        suspension,
    };
    let engine = |backend| -> Arc<dyn Engine> {
        Arc::new(PolkaVmEngine::on(backend).expect("PolkaVM works on this machine"))
    };
    let interpreter = engine(Backend::Interpreter);
    let mut lanes = vec![
        lane("interpreter", &interpreter, large, Suspension::AsNeeded),
        lane(
            "interpreter, suspendable, tiny slices",
            &interpreter,
            tiny,
            Suspension::Always,
        ),
        lane(
            "interpreter, slices of one",
            &interpreter,
            Gas::new(1),
            Suspension::AsNeeded,
        ),
    ];
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let generic = engine(Backend::GenericSandbox);
        lanes.extend([
            lane("generic sandbox", &generic, large, Suspension::AsNeeded),
            lane(
                "generic sandbox, suspendable, tiny slices",
                &generic,
                tiny,
                Suspension::Always,
            ),
        ]);
    }
    lanes
}

/// The interpreter, and PolkaVM programs in processes of their own where the machine supports it.
/// Few tests use these lanes: a run there keeps two cores busy, one of which only waits, so many at
/// once take turns (`docs/book/src/polkavm.md`).
///
/// # Panics
///
/// As [`polkavm_lanes`].
#[must_use]
pub fn process_lanes() -> Vec<Lane> {
    let mut lanes = polkavm_lanes();
    lanes.truncate(1);
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let engine = PolkaVmEngine::on(Backend::ProcessSandbox);
        let engine: Arc<dyn Engine> = Arc::new(engine.expect("PolkaVM works on this machine"));
        let small = Gas::new(9_973);
        for (name, slice, suspension) in [
            ("process sandbox", Gas::new(1 << 24), Suspension::AsNeeded),
            ("process sandbox, small slices", small, Suspension::Always),
        ] {
            let executor = Executor::builder(Arc::clone(&engine)).slice(slice).build();
            lanes.push(Lane {
                name,
                executor,
                suspension,
            });
        }
    }
    lanes
}

/// What `observe` finds on every one of the lanes.
///
/// # Panics
///
/// If it finds different things on two of them.
pub fn agreed<T: PartialEq + Debug>(lanes: &[Lane], mut observe: impl FnMut(&Lane) -> T) -> T {
    let mut first: Option<(&Lane, T)> = None;
    for lane in lanes {
        let found = observe(lane);
        match &first {
            None => first = Some((lane, found)),
            Some((other, expected)) => {
                assert_eq!(found, *expected, "{} against {}", lane.name, other.name);
            }
        }
    }
    first.map(|(_, found)| found).expect("there is a lane")
}
