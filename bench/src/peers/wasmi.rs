//! wasmi by itself, configured as our backend configures it.

pub(crate) mod calls;
pub(crate) mod children;
pub(crate) mod system;

use anyhow::{Result, bail};
use wasmi::{CompilationMode, Config, Engine, Linker, Module, Store, TrapCode};

use crate::kernels::{Contender, ENTRY, End, Looper};

/// Nothing counts what the guest does.
pub(crate) fn bare(wasm: &[u8]) -> Result<Contender> {
    contender(&config(), wasm, |_| Ok(()))
}

/// Counted by wasmi's own fuel, which never ends.
pub(crate) fn fuelled(wasm: &[u8]) -> Result<Contender> {
    let mut config = config();
    config.consume_fuel(true);
    contender(&config, wasm, |store| Ok(store.set_fuel(u64::MAX)?))
}

/// Loops that end by wasmi's own fuel. Each run has an instance of its own.
pub(crate) fn looping(wasm: &[u8]) -> Result<Looper> {
    let mut config = config();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, wasm)?;
    let linker = Linker::new(&engine);
    Ok(Box::new(move |rounds, fuel| {
        let mut store = Store::new(&engine, ());
        store.set_fuel(fuel)?;
        let instance = linker.instantiate_and_start(&mut store, &module)?;
        let run = instance.get_typed_func::<i32, i64>(&store, ENTRY)?;
        match run.call(&mut store, rounds) {
            Ok(_) => Ok(End::Returned {
                gas: fuel.saturating_sub(store.get_fuel()?),
            }),
            Err(error) if error.as_trap_code() == Some(TrapCode::OutOfFuel) => Ok(End::OutOfGas),
            Err(error) => bail!(error),
        }
    }))
}

fn contender(
    config: &Config,
    wasm: &[u8],
    refuel: fn(&mut Store<()>) -> Result<()>,
) -> Result<Contender> {
    let engine = Engine::new(config);
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::new(&engine, ());
    refuel(&mut store)?;
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let run = instance.get_typed_func::<i32, i64>(&store, ENTRY)?;
    Ok(Box::new(move |n| {
        refuel(&mut store)?;
        Ok(run.call(&mut store, n)?)
    }))
}

/// What our backend sets and translated code can feel.
fn config() -> Config {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::LazyTranslation)
        .set_max_stack_height(64 << 20)
        .set_max_recursion_depth(1 << 20)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(true);
    config
}
