//! Wasmtime by itself in the group `system`: a live instance with host functions that copy, and
//! epochs that interrupt.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use anyhow::{bail, ensure};
use fusee::sandbox::Interrupt;
use wasmtime::{
    Caller, Engine, Extern, Linker, Memory, Module, Result, Store, Trap, TypedFunc, UpdateDeadline,
};

use super::{calls::tell_once, config, into_anyhow};
use crate::{
    contest::{Recall, guest::Guest},
    peers::io::{Io, put, size, slice},
    system::guest::{ANSWER, Busy, IMPORTS, INTERRUPTED},
};

/// Between two ticks of the epoch.
const TICK: Duration = Duration::from_millis(1);

/// What a store holds.
type State = Io<Memory>;

/// Calls a live instance, and once more with an answer where it returns to wait.
pub(crate) fn call(guest: Guest) -> anyhow::Result<Recall> {
    let engine = Engine::new(&config()).map_err(into_anyhow)?;
    let linker = link(&engine).map_err(into_anyhow)?;
    let (mut store, main) = instantiate(&linker, &guest).map_err(into_anyhow)?;
    Ok(Box::new(move || {
        store.data_mut().begin(&guest);
        let mut code = main.call(&mut store, (0, 0)).map_err(into_anyhow)?;
        if code == INTERRUPTED {
            store.data_mut().serve()?;
            code = main.call(&mut store, (0, 0)).map_err(into_anyhow)?;
        }
        store.data().end(code, &guest)
    }))
}

/// Calls a live instance that waits in a host function, and is answered.
pub(crate) fn parked(guest: Guest) -> anyhow::Result<Recall> {
    let mut config = config();
    config.async_stack_size((2 << 20) + (512 << 10));
    let engine = Engine::new(&config).map_err(into_anyhow)?;
    let mut linker = link(&engine).map_err(into_anyhow)?;
    linker
        .func_wrap_async(IMPORTS, "_exec", exec)
        .map_err(into_anyhow)?;
    let (mut store, main) = instantiate(&linker, &guest).map_err(into_anyhow)?;
    Ok(Box::new(move || {
        store.data_mut().begin(&guest);
        let mut context = Context::from_waker(Waker::noop());
        let code = {
            let mut call = Box::pin(main.call_async(&mut store, (0, 0)));
            ensure!(
                call.as_mut().poll(&mut context).is_pending(),
                "the guest is not parked"
            );
            match call.as_mut().poll(&mut context) {
                Poll::Ready(code) => code.map_err(into_anyhow)?,
                Poll::Pending => bail!("the guest is parked again"),
            }
        };
        store.data().end(code, &guest)
    }))
}

/// Runs a program that never ends, until it is interrupted: by epochs, which tick each millisecond
/// while anything runs.
pub(crate) fn busy(wasm: &[u8]) -> anyhow::Result<Busy> {
    let mut config = config();
    config.epoch_interruption(true);
    let engine = Engine::new(&config).map_err(into_anyhow)?;
    let module = Module::new(&engine, wasm).map_err(into_anyhow)?;
    let running = Arc::new(AtomicU32::new(0));
    let ticker = tick(&engine, Arc::clone(&running));
    Ok(Box::new(move |interrupt| {
        running.fetch_add(1, Ordering::SeqCst);
        ticker.unpark();
        let result = run_until(&module, interrupt);
        running.fetch_sub(1, Ordering::SeqCst);
        match result {
            Err(error) if error.downcast_ref() == Some(&Trap::Interrupt) => Ok(()),
            other => bail!("the guest was not interrupted: {other:?}"),
        }
    }))
}

fn run_until(module: &Module, interrupt: &Interrupt) -> Result<()> {
    let mut store = Store::new(module.engine(), ());
    store.set_epoch_deadline(1);
    let interrupt = interrupt.clone();
    store.epoch_deadline_callback(move |_| match interrupt.is_triggered() {
        true => Err(Trap::Interrupt.into()),
        false => Ok(UpdateDeadline::Continue(1)),
    });
    let instance = Linker::new(module.engine()).instantiate(&mut store, module)?;
    let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
    run.call(&mut store, ())
}

/// The thread that ticks. It ends when the engine is gone.
fn tick(engine: &Engine, running: Arc<AtomicU32>) -> thread::Thread {
    let engine = engine.weak();
    let ticker = thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            match running.load(Ordering::SeqCst) {
                0 => thread::park(),
                _ => thread::sleep(TICK),
            }
        }
    });
    ticker.thread().clone()
}

/// `main` or `deploy`.
type Entry = TypedFunc<(i32, i32), i32>;

fn instantiate(linker: &Linker<State>, guest: &Guest) -> Result<(Store<State>, Entry)> {
    let module = Module::new(linker.engine(), &guest.wasm)?;
    let mut store = Store::new(linker.engine(), Io::new());
    // A linker with an asynchronous function takes no other way, though nothing waits here.
    let mut context = Context::from_waker(Waker::noop());
    let instance = match pin!(linker.instantiate_async(&mut store, &module)).poll(&mut context) {
        Poll::Ready(instance) => instance?,
        Poll::Pending => return Err(wasmtime::Error::msg("an instance waited while it was made")),
    };
    store.data_mut().memory = instance
        .get_export(&mut store, "memory")
        .and_then(Extern::into_memory);
    let main = instance.get_typed_func(&mut store, guest.entry)?;
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
        |mut caller: Caller<'_, State>, from: u32, length: u32| {
            let memory = caller.data().memory.ok_or_else(out_of_bounds)?;
            let (memory, io) = memory.data_and_store_mut(&mut caller);
            let bytes = slice(memory, from, length).ok_or_else(out_of_bounds)?;
            io.output.extend_from_slice(bytes);
            Ok(())
        },
    )?;
    Ok(linker)
}

/// Waits until it is answered.
fn exec<'a>(
    mut caller: Caller<'a, State>,
    _: (i32, i32, i32, i32, i32),
) -> Box<dyn Future<Output = i32> + Send + 'a> {
    Box::new(async move {
        tell_once().await;
        caller.data_mut().return_data.extend_from_slice(&ANSWER);
        0
    })
}

fn copy(
    mut caller: Caller<'_, State>,
    source: fn(&State) -> &[u8],
    to: u32,
    from: u32,
    length: u32,
) -> Result<()> {
    let memory = caller.data().memory.ok_or_else(out_of_bounds)?;
    let (memory, io) = memory.data_and_store_mut(&mut caller);
    let bytes = slice(source(io), from, length).ok_or_else(out_of_bounds)?;
    put(memory, to, bytes).ok_or_else(out_of_bounds)
}

fn out_of_bounds() -> wasmtime::Error {
    Trap::MemoryOutOfBounds.into()
}
