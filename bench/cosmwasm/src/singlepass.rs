//! Wasmer by itself, as cosmwasm-vm uses it: with Singlepass and the metering middleware.

use std::{path::Path, sync::Arc};

use anyhow::{Result, ensure};
use tempfile::NamedTempFile;
use wasmer::{
    Engine, Extern, Function, Imports, Instance, Module, RuntimeError, Store, TypedFunction,
    imports,
    sys::{CompilerConfig, EngineBuilder, NativeEngineExt, Singlepass},
};
use wasmer_middlewares::Metering;

use crate::contender::{Contender, Guest};

/// Points that no run uses up.
const ENDLESS: u64 = u64::MAX >> 1;

/// A fresh instance for each call, in a store of its own.
pub(crate) fn fresh(guest: Guest) -> Result<Contender> {
    let engine = engine();
    let module = Module::new(&engine, &guest.wasm)?;
    Ok(Contender::Shared(Box::new(move || {
        call(&engine, &module, &guest)
    })))
}

/// One instance, which is called again.
pub(crate) fn again(guest: Guest) -> Result<Contender> {
    let engine = engine();
    let module = Module::new(&engine, &guest.wasm)?;
    let mut store = Store::new(engine);
    let entry = instantiate(&mut store, &module, &guest)?;
    Ok(Contender::Alone(Box::new(move || {
        check(&guest, entry.call(&mut store, guest.argument)?)
    })))
}

/// From the bytes of a program to its first answer.
pub(crate) fn deployed(guest: Guest) -> Result<Contender> {
    Ok(Contender::Alone(Box::new(move || {
        // The middleware counts for one module.
        let engine = engine();
        let module = Module::new(&engine, &guest.wasm)?;
        call(&engine, &module, &guest)
    })))
}

/// From a compiled artifact on disk to the first answer. Nothing checks that the artifact is whole.
pub(crate) fn restarted(guest: Guest) -> Result<Contender> {
    let artifact = NamedTempFile::new()?;
    Module::new(&engine(), &guest.wasm)?.serialize_to_file(artifact.path())?;
    Ok(Contender::Alone(Box::new(move || {
        let engine = Engine::headless();
        let module = load(&engine, artifact.path())?;
        call(&engine, &module, &guest)
    })))
}

#[expect(unsafe_code, reason = "Wasmer trusts artifacts, and says so")]
fn load(engine: &Engine, artifact: &Path) -> Result<Module> {
    // SAFETY: this process wrote the file, under a name that is its own.
    Ok(unsafe { Module::deserialize_from_file(engine, artifact) }?)
}

fn engine() -> Engine {
    let mut compiler = Singlepass::new();
    compiler.push_middleware(Arc::new(Metering::new(ENDLESS, |_| 1)));
    EngineBuilder::new(compiler).engine().into()
}

fn call(engine: &Engine, module: &Module, guest: &Guest) -> Result<()> {
    let mut store = Store::new(engine.clone());
    let entry = instantiate(&mut store, module, guest)?;
    check(guest, entry.call(&mut store, guest.argument)?)
}

fn check(guest: &Guest, answer: i32) -> Result<()> {
    ensure!(
        answer == guest.answer,
        "the guest answers {answer}, not {}",
        guest.answer
    );
    Ok(())
}

fn instantiate(
    store: &mut Store,
    module: &Module,
    guest: &Guest,
) -> Result<TypedFunction<i32, i32>> {
    let note = Function::new_typed(store, |argument: i32| argument);
    let mut imports: Imports = imports! { "env" => { "note" => note } };
    for import in module.imports().functions() {
        // What no guest here calls.
        if import.name() != "note" {
            let missing = Function::new(store, import.ty(), |_| {
                Err(RuntimeError::new("a host function that is not there"))
            });
            imports.define(import.module(), import.name(), Extern::from(missing));
        }
    }
    let instance = Instance::new(store, module, &imports)?;
    Ok(instance.exports.get_typed_function(store, &guest.entry)?)
}
