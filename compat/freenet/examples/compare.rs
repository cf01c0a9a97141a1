//! The time of `validate_state` of nothing, in a fresh instance each, beside plain Wasmtime as a
//! node uses it: no gas, a store for each instance, calls on the caller's thread.
//!
//! ```sh
//! cargo build --release --target wasm32-unknown-unknown --package freenet-contract
//! cd target/wasm32-unknown-unknown/release
//! cargo run --release --example compare -- freenet_contract.wasm
//! ```

use std::{error::Error, sync::Arc, time::Instant};

use freenet_stdlib::prelude::{RelatedContracts, ValidateResult};
use fusee::{engines::WasmtimeEngine, lifecycle::WhenFull, sandbox::Executor};
use fusee_compat_freenet::{Config, Later, Node, Runtime};
use wasmtime::{Engine, InstancePre, Linker, Module, PoolingAllocationConfig, Store};

const ROUNDS: usize = 2_001;

/// A contract asks nothing of it.
struct NoNode;

impl Node for NoNode {
    fn secret(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn set_secret(&self, _: &[u8], _: &[u8]) -> bool {
        false
    }

    fn remove_secret(&self, _: &[u8]) -> bool {
        false
    }

    fn contract_state(&self, _: [u8; 32]) -> Later<'_, Option<Vec<u8>>> {
        Box::pin(std::future::ready(None))
    }

    fn create_delegate(&self, _: &[u8], _: &[u8]) -> Result<[[u8; 32]; 2], i32> {
        Err(-1)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("give the path of the contract")?;
    let wasm = std::fs::read(path)?;
    let related = bincode::serialize(&RelatedContracts::new())?;

    let mut config = wasmtime::Config::new();
    config.allocation_strategy(PoolingAllocationConfig::new());
    let engine = Engine::new(&config)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap(
        "freenet_contract_io",
        "__frnt__fill_buffer",
        |_: i64, _: i64| 0_i32,
    )?;
    let plain = linker.instantiate_pre(&Module::new(&engine, &wasm)?)?;

    let executor = Executor::builder(Arc::new(WasmtimeEngine::new()?)).build();
    let runtime = Runtime::new(Arc::new(executor), Arc::new(NoNode), Config::default())?;
    let module = runtime.compile(&wasm)?;
    let ours = || -> bool {
        let made = runtime.create_instance(&module, 7, 0);
        let mut contract = made.expect("there is room");
        let result = contract.validate_state(b"", b"", &RelatedContracts::new());
        result.expect("it has a result").expect("it is no error") == ValidateResult::Valid
    };
    let worker = {
        let (runtime, module) = (runtime.clone(), module.clone());
        move || {
            let (runtime, module) = (runtime.clone(), module.clone());
            move || {
                let made = runtime.create_instance(&module, 7, 0);
                let mut contract = made.expect("there is room");
                let result = contract.validate_state(b"", b"", &RelatedContracts::new());
                result.expect("it has a result").is_ok()
            }
        }
    };

    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let [on_plain, on_caller, on_worker] = &mut times;
        measure(on_plain, || validate(&engine, &plain, &related).is_ok());
        measure(on_caller, ours);
        measure(on_worker, || {
            let steps = worker();
            let done = runtime.sandbox().on_worker_blocking(WhenFull::Wait, steps);
            done.expect("the worker lives")
        });
    }
    let [plain, caller, worker] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or_default()
    });
    println!("plain Wasmtime:          {plain:6.1} us");
    println!(
        "on the caller's thread:  {caller:6.1} us, {:.2} of plain",
        caller / plain
    );
    println!(
        "steps on a worker:       {worker:6.1} us, {:.2} of plain",
        worker / plain
    );
    Ok(())
}

/// Microseconds of what has to succeed.
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn measure(times: &mut Vec<f64>, run: impl FnOnce() -> bool) {
    let began = Instant::now();
    let is_done = run();
    times.push(began.elapsed().as_secs_f64() * 1e6);
    assert!(is_done);
}

/// The same steps without Fusee.
fn validate(
    engine: &Engine,
    plain: &InstancePre<()>,
    related: &[u8],
) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut store = Store::new(engine, ());
    let instance = plain.instantiate(&mut store)?;
    let memory = instance
        .get_memory(&mut store, "memory")
        .ok_or("no memory")?;
    let set_id = instance.get_typed_func::<i64, ()>(&mut store, "__frnt_set_id")?;
    set_id.call(&mut store, 7)?;
    let allocate = instance.get_typed_func::<u32, i64>(&mut store, "__frnt__initiate_buffer")?;
    let mut args = [0; 3];
    for (arg, input) in args.iter_mut().zip([&[], &[], related]) {
        let length = u32::try_from(input.len())?;
        *arg = allocate.call(&mut store, length + 4)?;
        let at = usize::try_from(*arg)?;
        let [start, written] = [0, 24].map(|field| {
            let mut bytes = [0; 8];
            let read = memory.read(&store, at + field, &mut bytes);
            read.map(|()| i64::from_le_bytes(bytes))
        });
        let (start, written) = (usize::try_from(start?)?, usize::try_from(written?)?);
        memory.write(&mut store, start, &[&length.to_le_bytes(), input].concat())?;
        memory.write(&mut store, written, &(length + 4).to_le_bytes())?;
    }
    let [a, b, c] = args;
    let validate = instance.get_typed_func::<(i64, i64, i64), i64>(&mut store, "validate_state")?;
    let header = usize::try_from(validate.call(&mut store, (a, b, c))?)?;
    let mut result = vec![0; 16];
    memory.read(&store, header, &mut result)?;
    Ok(result)
}
