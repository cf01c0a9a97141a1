//! wasmi by itself in the group `system`: a live instance with host functions that copy.

use anyhow::{Result, bail};
use wasmi::{
    Caller, Engine, Error, Linker, Memory, Module, Store, TrapCode, TypedFunc, TypedResumableCall,
    Val,
};

use super::config;
use crate::{
    contest::{Recall, guest::Guest},
    peers::io::{Io, put, size, slice},
    system::guest::{ANSWER, IMPORTS, INTERRUPTED},
};

/// What a store holds.
type State = Io<Memory>;

/// Calls a live instance, and once more with an answer where it returns to wait.
pub(crate) fn call(guest: Guest) -> Result<Recall> {
    let (mut store, main) = instantiate(&guest)?;
    Ok(Box::new(move || {
        store.data_mut().begin(&guest);
        let mut code = main.call(&mut store, (0, 0))?;
        if code == INTERRUPTED {
            store.data_mut().serve()?;
            code = main.call(&mut store, (0, 0))?;
        }
        store.data().end(code, &guest)
    }))
}

/// Calls a live instance that is left in a host function, and resumed.
pub(crate) fn parked(guest: Guest) -> Result<Recall> {
    let (mut store, main) = instantiate(&guest)?;
    Ok(Box::new(move || {
        store.data_mut().begin(&guest);
        let TypedResumableCall::HostTrap(trapped) = main.call_resumable(&mut store, (0, 0))? else {
            bail!("the guest is not parked");
        };
        store.data_mut().return_data.extend_from_slice(&ANSWER);
        let TypedResumableCall::Finished(code) = trapped.resume(&mut store, &[Val::I32(0)])? else {
            bail!("the guest is parked again");
        };
        store.data().end(code, &guest)
    }))
}

/// `main` or `deploy`.
type Entry = TypedFunc<(i32, i32), i32>;

fn instantiate(guest: &Guest) -> Result<(Store<State>, Entry)> {
    let engine = Engine::new(&config());
    let module = Module::new(&engine, &guest.wasm)?;
    let mut store = Store::new(&engine, Io::new());
    let instance = link(&engine)?.instantiate_and_start(&mut store, &module)?;
    store.data_mut().memory = instance.get_memory(&store, "memory");
    let main = instance.get_typed_func(&store, guest.entry)?;
    Ok((store, main))
}

fn link(engine: &Engine) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(IMPORTS, "_input_size", |caller: Caller<'_, State>| {
        size(&caller.data().input)
    })?;
    linker.func_wrap(IMPORTS, "_output_size", |caller: Caller<'_, State>| {
        size(&caller.data().return_data)
    })?;
    linker.func_wrap(
        IMPORTS,
        "_read",
        |caller: Caller<'_, State>, to: u32, from: u32, length: u32| {
            copy(caller, |io| &io.input, to, from, length)
        },
    )?;
    linker.func_wrap(
        IMPORTS,
        "_read_output",
        |caller: Caller<'_, State>, to: u32, from: u32, length: u32| {
            copy(caller, |io| &io.return_data, to, from, length)
        },
    )?;
    linker.func_wrap(
        IMPORTS,
        "_write",
        |mut caller: Caller<'_, State>, from: u32, length: u32| -> Result<(), Error> {
            let memory = caller.data().memory.ok_or_else(out_of_bounds)?;
            let (memory, io) = memory.data_and_store_mut(&mut caller);
            let bytes = slice(memory, from, length).ok_or_else(out_of_bounds)?;
            io.output.extend_from_slice(bytes);
            Ok(())
        },
    )?;
    linker.func_wrap(
        IMPORTS,
        "_exec",
        |_: Caller<'_, State>, _: i32, _: i32, _: i32, _: i32, _: i32| -> Result<i32, Error> {
            Err(Error::i32_exit(0))
        },
    )?;
    Ok(linker)
}

fn copy(
    mut caller: Caller<'_, State>,
    source: fn(&State) -> &[u8],
    to: u32,
    from: u32,
    length: u32,
) -> Result<(), Error> {
    let memory = caller.data().memory.ok_or_else(out_of_bounds)?;
    let (memory, io) = memory.data_and_store_mut(&mut caller);
    let bytes = slice(source(io), from, length).ok_or_else(out_of_bounds)?;
    put(memory, to, bytes).ok_or_else(out_of_bounds)
}

fn out_of_bounds() -> Error {
    TrapCode::MemoryOutOfBounds.into()
}
