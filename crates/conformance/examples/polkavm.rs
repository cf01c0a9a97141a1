//! What PolkaVM programs take on each backend: an instance, a syscall answered at once and one that
//! parks the guest; and what a program's gas is to its time.
//!
//! `polkavm [WASM POLKAVM EXPORT N]...` runs an export of a program in both formats instead, for
//! gas and time side by side. The one in wasm may be text.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "it measures, and prints what it finds"
)]

use std::{env, fmt::Debug, fs, hint::black_box, sync::Arc, time::Instant};

use fusee_engine::{Engine, Gas, Host, Stop, Syscall, Value, ValueType};
use fusee_engine_polkavm::{Backend, PolkaVmEngine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{Executor, LiveInstance, Outcome, RunRequest};
use fusee_instrument::{PolkaVmRules, Rules, SyscallPrice, SyscallRule};

const COMPUTE: &[u8] = include_bytes!("../../../guests/polkavm/compute.polkavm");
const COUNTER: &[u8] = include_bytes!("../../../guests/polkavm/counter.polkavm");
const ROUNDS: u32 = 2_000;

/// Answers everything with zero, at once or not.
#[derive(Debug)]
struct Zero {
    parks: bool,
}

impl Host for Zero {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        if self.parks {
            Err(Stop::Suspend)
        } else {
            Ok(0)
        }
    }
}

/// The rules with the counter's syscalls, all of which may park it.
fn rules() -> Rules {
    let syscall = |(number, (name, params, has_result)): (u32, (&str, usize, bool))| SyscallRule {
        module: "fusee".to_owned(),
        name: name.to_owned(),
        number,
        params: vec![ValueType::I32; params],
        result: has_result.then_some(ValueType::I32),
        may_suspend: true,
        price: SyscallPrice::FREE,
    };
    let syscalls = [
        ("input_read", 2, true),
        ("output_write", 2, false),
        ("revert", 2, false),
        ("storage_read", 4, true),
        ("storage_write", 4, false),
        ("event_emit", 4, false),
    ];
    Rules::v1((0..).zip(syscalls).map(syscall).collect()).with_polkavm(PolkaVmRules::v1())
}

/// Nanoseconds of one of many rounds, the least of five times.
fn time(mut round: impl FnMut()) -> u128 {
    let measured = (0..5).map(|_| {
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| round());
        start.elapsed().as_nanos() / u128::from(ROUNDS)
    });
    measured.min().unwrap()
}

fn finish<H: Host + Debug>(mut outcome: Outcome<H>) -> LiveInstance {
    loop {
        outcome = match outcome {
            Outcome::Syscall(suspended) => suspended.resume(0).unwrap(),
            Outcome::Finished(finished) => return finished.into_instance().0.unwrap(),
            other => panic!("{other:?}"),
        };
    }
}

fn measure(name: &str, engine: Arc<dyn Engine>) {
    let executor = Executor::builder(engine).build();
    let rules = rules();
    let gas = Gas::new(1 << 40);
    let compute = executor.prepare(COMPUTE, &rules).unwrap();
    let fresh = time(|| {
        let request = RunRequest::new("nothing", &[], gas);
        black_box(finish(executor.run(&compute, request, ()).unwrap()));
    });
    let request = RunRequest::new("nothing", &[], gas);
    let mut live = Some(finish(executor.run(&compute, request, ()).unwrap()));
    let again = time(|| {
        let request = RunRequest::new("nothing", &[], gas);
        let outcome = live.take().unwrap().run(request, ()).unwrap();
        live = Some(finish(outcome));
    });
    let counter = executor.prepare(COUNTER, &rules).unwrap();
    let mut syscalls = [false, true].map(|parks| {
        let request = RunRequest::new("deploy", &[], gas);
        let outcome = executor.run(&counter, request, Zero { parks }).unwrap();
        let mut live = Some(finish(outcome));
        // Four syscalls.
        let time = time(|| {
            let request = RunRequest::new("increment", &[], gas);
            let outcome = live.take().unwrap().run(request, Zero { parks }).unwrap();
            live = Some(finish(outcome));
        });
        time.saturating_sub(again) / 4
    });
    let [inline, parked] = &mut syscalls;
    println!(
        "{name}: instance and call {fresh} ns, call {again} ns, syscall {inline} ns, parked {parked} ns"
    );
}

fn kernel(name: &str, engine: Arc<dyn Engine>, program: &[u8], entry: &str, args: &[Value]) {
    let executor = Executor::builder(engine).build();
    let prepared = executor.prepare(program, &rules()).unwrap();
    let mut best = u128::MAX;
    let mut used = 0;
    for _ in 0..3 {
        let request = RunRequest::new(entry, args, Gas::new(1 << 50));
        let start = Instant::now();
        let outcome = executor.run(&prepared, request, ()).unwrap();
        best = best.min(start.elapsed().as_nanos());
        let Outcome::Finished(finished) = outcome else {
            panic!("{outcome:?}");
        };
        used = finished.gas_used().units() - prepared.program().instantiation_gas.units();
    }
    let each = u64::try_from(best).unwrap() * 1_000 / used.max(1);
    println!(
        "  {name:20} {used:>12} gas {:>9} us, {each} ps a gas",
        best / 1_000
    );
}

fn polkavm(backend: Backend) -> Arc<dyn Engine> {
    Arc::new(PolkaVmEngine::on(backend).unwrap())
}

fn main() {
    let backends = [
        Backend::Interpreter,
        Backend::GenericSandbox,
        Backend::ProcessSandbox,
    ];
    let words: Vec<String> = env::args().skip(1).collect();
    if words.is_empty() {
        for backend in backends {
            measure(&format!("{backend:?}"), polkavm(backend));
        }
    }
    for case in words.chunks_exact(4) {
        let [wasm, blob, entry, n] = case else {
            continue;
        };
        println!("{blob} {n}");
        let n: i32 = n.parse().unwrap();
        let wasm = wat::parse_file(wasm).unwrap();
        let wasmtime = Arc::new(WasmtimeEngine::new().unwrap());
        kernel("wasmtime", wasmtime, &wasm, entry, &[Value::I32(n)]);
        kernel(
            "wasmi",
            Arc::new(WasmiEngine::new()),
            &wasm,
            entry,
            &[Value::I32(n)],
        );
        let blob = fs::read(blob).unwrap();
        for backend in backends {
            let name = format!("{backend:?}");
            kernel(
                &name,
                polkavm(backend),
                &blob,
                entry,
                &[Value::I64(n.into())],
            );
        }
    }
}
