//! wasmi by itself in the group `executor`.

use anyhow::{Result, bail};
use wasmi::{
    CompilationMode, Config, Engine, Error, ExternType, Linker, Module, Store, TypedFunc,
    TypedResumableCall, Val,
};

use super::config;
use crate::contest::{Call, Parker, Recall, guest::Guest};

/// A guest that is parked, and whose it is.
type Parked = (Store<()>, TypedResumableCall<i32>);

/// A fresh instance for each call.
pub(crate) fn fresh(guest: Guest) -> Result<Call> {
    let program = Program::new(&config(), &guest, echo)?;
    Ok(Box::new(move || program.call(&guest)))
}

/// One instance, which is called again.
pub(crate) fn again(guest: Guest) -> Result<Recall> {
    let program = Program::new(&config(), &guest, echo)?;
    let (mut store, entry) = program.instantiate(&guest)?;
    Ok(Box::new(move || {
        let answer = entry.call(&mut store, guest.argument)?;
        guest.check(answer)?;
        Ok(answer)
    }))
}

/// Parked at each host call, and resumed.
pub(crate) fn parked(guest: Guest) -> Result<Call> {
    let program = Program::new(&config(), &guest, park)?;
    Ok(Box::new(move || {
        let (mut store, mut call) = program.start(&guest)?;
        loop {
            call = match call {
                TypedResumableCall::Finished(answer) => {
                    guest.check(answer)?;
                    return Ok(answer);
                }
                TypedResumableCall::HostTrap(trapped) => {
                    let reply = asked(trapped.host_error())?;
                    trapped.resume(&mut store, &[Val::I32(reply)])?
                }
                other => bail!("the guest is not parked by its host: {other:?}"),
            };
        }
    }))
}

/// Calls that stay parked.
pub(crate) fn parking(guest: Guest) -> Result<Parker> {
    let program = Program::new(&config(), &guest, park)?;
    Ok(Box::new(move || Ok(Box::new(program.start(&guest)?))))
}

/// From the bytes of a program to its first answer. Functions are translated when they are first
/// called.
pub(crate) fn deployed(guest: Guest) -> Result<Call> {
    Ok(Box::new(move || {
        Program::new(&config(), &guest, echo)?.call(&guest)
    }))
}

/// The same, but all functions are translated first.
pub(crate) fn deployed_eagerly(guest: Guest) -> Result<Call> {
    let mut config = config();
    config.compilation_mode(CompilationMode::Eager);
    Ok(Box::new(move || {
        Program::new(&config, &guest, echo)?.call(&guest)
    }))
}

pub(super) struct Program {
    module: Module,
    linker: Linker<()>,
}

impl Program {
    pub(super) fn new(
        config: &Config,
        guest: &Guest,
        note: fn(i32) -> std::result::Result<i32, Error>,
    ) -> Result<Self> {
        let engine = Engine::new(config);
        let module = Module::new(&engine, &guest.wasm)?;
        let mut linker = Linker::new(&engine);
        linker.func_wrap("env", "note", note)?;
        for import in module.imports() {
            // What no guest here calls.
            if let (ExternType::Func(signature), true) = (import.ty(), import.name() != "note") {
                linker.func_new("env", import.name(), signature.clone(), |_, _, _| {
                    Err(Error::new("a host function that is not there"))
                })?;
            }
        }
        Ok(Self { module, linker })
    }

    pub(super) fn instantiate(&self, guest: &Guest) -> Result<(Store<()>, TypedFunc<i32, i32>)> {
        let mut store = Store::new(self.linker.engine(), ());
        let instance = self
            .linker
            .instantiate_and_start(&mut store, &self.module)?;
        let entry = instance.get_typed_func(&store, guest.entry)?;
        Ok((store, entry))
    }

    fn call(&self, guest: &Guest) -> Result<i32> {
        let (mut store, entry) = self.instantiate(guest)?;
        let answer = entry.call(&mut store, guest.argument)?;
        guest.check(answer)?;
        Ok(answer)
    }

    fn start(&self, guest: &Guest) -> Result<Parked> {
        let (mut store, entry) = self.instantiate(guest)?;
        let call = entry.call_resumable(&mut store, guest.argument)?;
        Ok((store, call))
    }
}

fn echo(argument: i32) -> std::result::Result<i32, Error> {
    Ok(argument)
}

pub(super) fn park(argument: i32) -> std::result::Result<i32, Error> {
    Err(Error::i32_exit(argument))
}

pub(super) fn asked(error: &Error) -> Result<i32> {
    match error.i32_exit_status() {
        Some(argument) => Ok(argument),
        None => bail!("the host failed: {error}"),
    }
}
