//! Wasmtime by itself, configured as our backend configures it.

mod artifact;
pub(crate) mod calls;
pub(crate) mod children;
pub(crate) mod freenet;
pub(crate) mod system;

use wasmtime::{
    Config, Engine, Global, Instance, InstancePre, Linker, Module, OptLevel, Result, Store, Trap,
    Val, WasmFeatures,
};

use crate::{
    contest::Recall,
    kernels::{Contender, ENTRY, End, Looper},
};

/// Nothing counts what the guest does.
pub(crate) fn bare(wasm: &[u8]) -> anyhow::Result<Contender> {
    contender(&config(), wasm, |_, _| Ok(())).map_err(into_anyhow)
}

/// Counted by Wasmtime's own fuel, which never ends.
pub(crate) fn fuelled(wasm: &[u8]) -> anyhow::Result<Contender> {
    let mut config = config();
    config.consume_fuel(true);
    contender(&config, wasm, |store, _| store.set_fuel(u64::MAX)).map_err(into_anyhow)
}

/// Interruptible by Wasmtime's epochs, whose deadline is never reached. Nothing is counted.
pub(crate) fn interruptible(wasm: &[u8]) -> anyhow::Result<Contender> {
    let mut config = config();
    config.epoch_interruption(true);
    contender(&config, wasm, |store, _| {
        store.set_epoch_deadline(u64::MAX >> 1);
        Ok(())
    })
    .map_err(into_anyhow)
}

/// Nothing is counted but by the guest itself, in the exported global `gas`, which never ends.
pub(crate) fn with_gas_in_global(wasm: &[u8], gas: &'static str) -> anyhow::Result<Contender> {
    let mut global: Option<Global> = None;
    contender(&config(), wasm, move |store, instance| {
        if global.is_none() {
            global = instance.and_then(|instance| instance.get_global(&mut *store, gas));
        }
        match global {
            Some(global) => global.set(store, Val::I64(i64::MAX)),
            None => Ok(()),
        }
    })
    .map_err(into_anyhow)
}

fn contender(
    config: &Config,
    wasm: &[u8],
    mut refuel: impl FnMut(&mut Store<()>, Option<Instance>) -> Result<()> + 'static,
) -> Result<Contender> {
    let engine = Engine::new(config)?;
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::new(&engine, ());
    refuel(&mut store, None)?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let run = instance.get_typed_func::<i32, i64>(&mut store, ENTRY)?;
    Ok(Box::new(move |n| {
        refuel(&mut store, Some(instance))
            .and_then(|()| run.call(&mut store, n))
            .map_err(into_anyhow)
    }))
}

/// Loops that end by Wasmtime's own fuel. Each run has an instance of its own.
pub(crate) fn looping(wasm: &[u8]) -> anyhow::Result<Looper> {
    let mut config = config();
    config.consume_fuel(true);
    let instance = prepare(&config, wasm).map_err(into_anyhow)?;
    Ok(Box::new(move |rounds, fuel| {
        run_loop(&instance, rounds, fuel).map_err(into_anyhow)
    }))
}

fn prepare(config: &Config, wasm: &[u8]) -> Result<InstancePre<()>> {
    let engine = Engine::new(config)?;
    let module = Module::new(&engine, wasm)?;
    Linker::new(&engine).instantiate_pre(&module)
}

fn run_loop(instance: &InstancePre<()>, rounds: i32, fuel: u64) -> Result<End> {
    let mut store = Store::new(instance.module().engine(), ());
    store.set_fuel(fuel)?;
    let instance = instance.instantiate(&mut store)?;
    let run = instance.get_typed_func::<i32, i64>(&mut store, ENTRY)?;
    match run.call(&mut store, rounds) {
        Ok(_) => Ok(End::Returned {
            gas: fuel.saturating_sub(store.get_fuel()?),
        }),
        Err(error) if error.downcast_ref() == Some(&Trap::OutOfFuel) => Ok(End::OutOfGas),
        Err(error) => Err(error),
    }
}

/// Wasmtime has an error type of its own, which anyhow does not take by itself.
/// Validates a program, and does nothing else.
pub(crate) fn validate(wasm: Vec<u8>) -> Recall {
    let engine = Engine::default();
    Box::new(move || {
        Module::validate(&engine, &wasm).map_err(into_anyhow)?;
        Ok(0)
    })
}

fn into_anyhow(error: wasmtime::Error) -> anyhow::Error {
    anyhow::Error::from_boxed(error.into())
}

/// What our backend sets and compiled code can feel.
fn config() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .native_unwind_info(false)
        .generate_address_map(false)
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(2 << 20)
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(
            WasmFeatures::MUTABLE_GLOBAL
                | WasmFeatures::SIGN_EXTENSION
                | WasmFeatures::SATURATING_FLOAT_TO_INT
                | WasmFeatures::FLOATS
                | WasmFeatures::MULTI_VALUE
                | WasmFeatures::BULK_MEMORY
                | WasmFeatures::REFERENCE_TYPES
                | WasmFeatures::WIDE_ARITHMETIC,
            true,
        );
    config
}
