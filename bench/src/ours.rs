//! Our side: programs as an embedder runs them, through the executor.

pub(crate) mod calls;
pub(crate) mod children;
pub(crate) mod contract;
pub(crate) mod freenet;
pub(crate) mod substrate;
pub(crate) mod system;

use std::sync::Arc;

use anyhow::{Result, bail};
pub(crate) use fusee::engines::PolkaVmBackend as Backend;
use fusee::engines::{
    AddressSpace, PolkaVmEngine, WasmiEngine, WasmtimeEngine, WasmtimeEngineBuilder,
};
use fusee::sandbox::{
    Compiler, Engine, Executor, Gas, LiveInstance, Outcome, Rules, RunRequest, Value,
};

use crate::kernels::{Contender, ENTRY, End, Looper};

/// Maximum number of live instances. A process has address space for few engines with the default
/// number, and the benches create dozens of engines.
const INSTANCES: u32 = 100;

/// Wasmtime with addresses for instances, whatever the process has: under callgrind it has few, and
/// what is counted there is code that guard pages protect.
fn reserving() -> WasmtimeEngineBuilder {
    WasmtimeEngine::builder().address_space(AddressSpace::Ample)
}

/// Wasmtime alone.
pub(crate) fn wasmtime() -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(reserving().instances(INSTANCES).build()?))
}

/// The same, with the default number of instances.
pub(crate) fn roomy_wasmtime() -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(reserving().build()?))
}

/// Wasmtime, for programs that run on the interpreter until they are compiled.
fn compiler() -> Result<Arc<dyn Compiler>> {
    Ok(Arc::new(reserving().instances(INSTANCES).build()?))
}

/// The interpreter.
pub(crate) fn wasmi() -> Arc<WasmiEngine> {
    Arc::new(WasmiEngine::new())
}

/// PolkaVM alone.
pub(crate) fn polkavm(backend: Backend) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(PolkaVmEngine::on(backend)?))
}

/// Wasmtime for wasm, and PolkaVM for its own programs.
pub(crate) fn wasmtime_and_polkavm(backend: Backend) -> Result<Executor> {
    let executor = Executor::builder(wasmtime()?);
    Ok(executor.engine(polkavm(backend)?).build())
}

/// Metered, on Wasmtime.
pub(crate) fn on_wasmtime(wasm: &[u8]) -> Result<Contender> {
    metered(wasmtime()?, wasm)
}

/// Metered, on wasmi.
pub(crate) fn on_wasmi(wasm: &[u8]) -> Result<Contender> {
    metered(wasmi(), wasm)
}

/// Gas is handed out in slices of the usual size, and never ends.
fn metered(engine: Arc<dyn Engine>, wasm: &[u8]) -> Result<Contender> {
    let executor = Executor::builder(engine).build();
    let prepared = executor.prepare(wasm, &Rules::v1(Vec::new()))?;
    let mut live: Option<LiveInstance> = None;
    Ok(Box::new(move |n| {
        let args = [Value::I32(n)];
        let request = RunRequest::new(ENTRY, &args, Gas::MAX);
        let outcome = match live.take() {
            Some(instance) => instance.run(request, ())?,
            None => executor.run(&prepared, request, ())?,
        };
        let finished = match outcome {
            Outcome::Finished(finished) => finished,
            other => bail!("the guest did not finish: {other:?}"),
        };
        let checksum = match finished.values() {
            [Value::I64(checksum)] => *checksum,
            other => bail!("the guest returned {other:?}"),
        };
        (live, ()) = finished.into_instance();
        Ok(checksum)
    }))
}

/// Loops that end by gas, on Wasmtime.
pub(crate) fn looping_on_wasmtime(wasm: &[u8]) -> Result<Looper> {
    looping(wasmtime()?, wasm)
}

/// Loops that end by gas, on wasmi.
pub(crate) fn looping_on_wasmi(wasm: &[u8]) -> Result<Looper> {
    looping(wasmi(), wasm)
}

/// Each run has an instance of its own.
fn looping(engine: Arc<dyn Engine>, wasm: &[u8]) -> Result<Looper> {
    let executor = Executor::builder(engine).build();
    let prepared = executor.prepare(wasm, &Rules::v1(Vec::new()))?;
    Ok(Box::new(move |rounds, gas| {
        let args = [Value::I32(rounds)];
        let request = RunRequest::new(ENTRY, &args, Gas::new(gas));
        match executor.run(&prepared, request, ())? {
            Outcome::Finished(finished) => Ok(End::Returned {
                gas: finished.gas_used().units(),
            }),
            Outcome::OutOfGas(_) => Ok(End::OutOfGas),
            other => bail!("the guest neither finished nor used its gas: {other:?}"),
        }
    }))
}
