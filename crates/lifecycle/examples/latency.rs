//! The time until a worker is free again whose call is dropped while all workers are busy.
//!
//! ```sh
//! cargo run --release --package fusee-lifecycle --example latency
//! ```

use std::{
    error::Error,
    future::Future,
    io::Write,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use fusee_engine::{Engine, Gas};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::Executor;
use fusee_lifecycle::{CallRequest, InstanceRequest, Module, Sandbox, rules};

const SPIN: &str = r#"(module (memory 1)
  (func (export "spin") (loop $again (br $again)))
  (func $tree (export "tree") (param i32)
    (if (local.get 0) (then
      (call $tree (i32.sub (local.get 0) (i32.const 1)))
      (call $tree (i32.sub (local.get 0) (i32.const 1)))))))"#;

const GAS: Gas = Gas::new(1_000_000);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const ROUNDS: usize = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "cancelled by dropping, 2 of 2 workers busy, {ROUNDS} times: until the worker is free"
    )?;
    let engines: [Arc<dyn Engine>; 2] = [
        Arc::new(WasmtimeEngine::new()?),
        Arc::new(WasmiEngine::new()),
    ];
    for engine in engines {
        let name = engine.name();
        let executor = Arc::new(Executor::builder(engine).build());
        let sandbox = Sandbox::builder(executor, rules(vec![]))
            .workers(2)
            .build()?;
        let module = sandbox.compile(&wat::parse_str(SPIN)?)?;
        for (export, args) in [("spin", &[][..]), ("tree", &[64][..])] {
            let request = CallRequest {
                time: Some(DAY),
                ..CallRequest::new(export, args, Gas::MAX)
            };
            let mut times = measure(&sandbox, &module, &request)?;
            times.sort_unstable();
            let at = |share: usize| times.get((times.len() - 1) * share / 100).copied();
            writeln!(
                out,
                "{name:>8} {export}: p50 {:?}, p99 {:?}, max {:?}",
                at(50).unwrap_or_default(),
                at(99).unwrap_or_default(),
                at(100).unwrap_or_default(),
            )?;
        }
    }
    Ok(())
}

fn measure(
    sandbox: &Sandbox,
    module: &Module,
    request: &CallRequest<'_>,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let make = || -> Result<_, Box<dyn Error>> {
        let made = module.instantiate_blocking(InstanceRequest::new(1, GAS), ())?;
        Ok(made.into_result()?)
    };
    let mut context = Context::from_waker(Waker::noop());
    let mut other = make()?;
    let mut other = pin!(other.call(request.clone()));
    let _ = other.as_mut().poll(&mut context);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let mut instance = make()?;
        let mut call = Box::pin(instance.call(request.clone()));
        if let Poll::Ready(end) = call.as_mut().poll(&mut context) {
            end?;
        }
        wait_for(sandbox, 2);
        // Somewhere in a slice.
        thread::sleep(Duration::from_micros(1_500));
        let began = now();
        drop(call);
        wait_for(sandbox, 1);
        times.push(began.elapsed());
    }
    Ok(times)
}

fn wait_for(sandbox: &Sandbox, busy: usize) {
    while sandbox.health().busy != busy {
        thread::sleep(Duration::from_micros(20));
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn now() -> Instant {
    Instant::now()
}
