//! Wasmtime by itself, configured as our backend configures it.

use wasmtime::{Config, Engine, Instance, Module, OptLevel, Result, Store, WasmFeatures};

use crate::kernels::{Contender, ENTRY};

/// Nothing counts what the guest does.
pub(crate) fn bare(wasm: &[u8]) -> anyhow::Result<Contender> {
    contender(&config(), wasm, |_| Ok(())).map_err(into_anyhow)
}

/// Counted by Wasmtime's own fuel, which never ends.
pub(crate) fn fuelled(wasm: &[u8]) -> anyhow::Result<Contender> {
    let mut config = config();
    config.consume_fuel(true);
    contender(&config, wasm, |store| store.set_fuel(u64::MAX)).map_err(into_anyhow)
}

fn contender(
    config: &Config,
    wasm: &[u8],
    refuel: fn(&mut Store<()>) -> Result<()>,
) -> Result<Contender> {
    let engine = Engine::new(config)?;
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::new(&engine, ());
    refuel(&mut store)?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let run = instance.get_typed_func::<i32, i64>(&mut store, ENTRY)?;
    Ok(Box::new(move |n| {
        refuel(&mut store)
            .and_then(|()| run.call(&mut store, n))
            .map_err(into_anyhow)
    }))
}

/// Wasmtime has an error type of its own, which anyhow does not take by itself.
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
        .max_wasm_stack(2 << 20)
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(
            WasmFeatures::MUTABLE_GLOBAL
                | WasmFeatures::SIGN_EXTENSION
                | WasmFeatures::SATURATING_FLOAT_TO_INT
                | WasmFeatures::FLOATS
                | WasmFeatures::MULTI_VALUE
                | WasmFeatures::BULK_MEMORY
                | WasmFeatures::REFERENCE_TYPES,
            true,
        );
    config
}
