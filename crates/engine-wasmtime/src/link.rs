//! The imports of a metered program, as Wasmtime calls them.

use std::{
    fmt,
    future::{Future, poll_fn, ready},
    task::Poll,
};

use fusee_engine::{
    EngineError, GuestMemory, Low, MAX_SYSCALL_ARGS, Mode, Pause, Program, Run, Stop,
    SyscallRequest, Value, reserved,
};
use wasmtime::{AsContextMut, Caller, Engine, Error, Linker, Memory};

use crate::{
    instance::failed,
    mail::{Mail, Note},
    view::MemoryView,
};

/// What a store holds.
#[derive(Debug)]
pub(crate) struct State {
    /// The run, while the guest runs.
    pub(crate) run: Option<Box<Run>>,
    memory: Option<Memory>,
    /// Where that memory is: to look it up takes longer than the rest of a syscall.
    view: MemoryView,
    /// Why a host function left the guest.
    pub(crate) stop: Option<Stop>,
}

impl State {
    pub(crate) const fn new() -> Self {
        Self {
            run: None,
            memory: None,
            view: MemoryView::EMPTY,
            stop: None,
        }
    }

    /// Takes note of where the instance's memory is: when the instance is made, and each time that its memory has grown. Only
    /// the host grows it.
    pub(crate) fn see(mut store: impl AsContextMut<Data = State>, memory: Memory) {
        let view = MemoryView::of(memory.data_mut(&mut store));
        let mut store = store.as_context_mut();
        let state = store.data_mut();
        state.memory = Some(memory);
        state.view = view;
    }

    /// Takes note of what the entry returned.
    pub(crate) fn note_values(&mut self, values: impl Iterator<Item = Value>) {
        if let Some(run) = &mut self.run {
            run.values.clear();
            run.values.extend(values);
        }
    }

    /// The instance's memory; empty if it has none.
    pub(crate) fn memory(&mut self) -> &mut [u8] {
        // SAFETY: the view is of this store's memory as it is now, and the store is there. Whoever has the store's state to
        // himself runs no guest code, and borrows the memory in no other way than this.
        unsafe { self.view.bytes() }
    }
}

/// What a host function at which a guest may be parked comes to.
type Answer<'a, T> = Box<dyn Future<Output = Result<T, Error>> + Send + 'a>;

/// At which host function a guest is parked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parking {
    Syscall,
    Low { height: i64 },
}

impl Parking {
    pub(crate) const fn pause(self) -> Pause {
        match self {
            Parking::Syscall => Pause::Syscall,
            Parking::Low { .. } => Pause::GasEnd,
        }
    }
}

/// The error by which a host function leaves the guest; the [`Stop`] in the store says why.
#[derive(Debug)]
struct Left;

impl fmt::Display for Left {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a host function left the guest")
    }
}

impl std::error::Error for Left {}

pub(crate) fn link(engine: &Engine, program: &Program, mode: Mode) -> Result<Linker<State>, Error> {
    let mut linker = Linker::new(engine);
    match mode {
        Mode::Plain => linker.func_wrap(reserved::MODULE, reserved::LOW, low)?,
        Mode::Suspendable => linker.func_wrap_async(
            reserved::MODULE,
            reserved::LOW,
            |caller, (gas, height): (i64, i64)| low_suspendable(caller, gas, height),
        )?,
    };
    let most = program.maximum_memory_pages();
    linker.func_wrap(
        reserved::MODULE,
        reserved::GROW,
        move |caller: Caller<'_, State>, pages: u32| grow(caller, pages, most),
    )?;
    for (position, import) in program.imports.iter().enumerate() {
        let name = position.to_string();
        let number = import.number;
        let may_park = import.may_suspend && mode == Mode::Suspendable;
        macro_rules! wrap {
            ($($arg:ident: $type:ty),*) => {
                if may_park {
                    linker.func_wrap_async(reserved::MODULE, &name, move |caller, (gas, $($arg,)*): (i64, $($type,)*)| {
                        syscall_suspendable(caller, request(number, [$($arg),*]), gas)
                    })?
                } else {
                    linker.func_wrap(reserved::MODULE, &name, move |caller: Caller<'_, State>, gas: i64 $(, $arg: $type)*| {
                        syscall(caller, &request(number, [$($arg),*]), gas)
                    })?
                }
            };
        }
        match import.params.len() {
            0 => wrap!(),
            1 => wrap!(a: i64),
            2 => wrap!(a: i64, b: i64),
            3 => wrap!(a: i64, b: i64, c: i64),
            4 => wrap!(a: i64, b: i64, c: i64, d: i64),
            5 => wrap!(a: i64, b: i64, c: i64, d: i64, e: i64),
            _ => wrap!(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64),
        };
    }
    Ok(linker)
}

fn low(mut caller: Caller<'_, State>, gas: i64, height: i64) -> Result<i64, Error> {
    match decide_low(&mut caller, gas, height) {
        Low::Continue(gas) => Ok(gas),
        Low::Park => Err(leave(&mut caller, Stop::OutOfGas)),
        Low::Stop(stop) => Err(leave(&mut caller, stop)),
    }
}

fn low_suspendable(mut caller: Caller<'_, State>, gas: i64, height: i64) -> Answer<'_, i64> {
    match decide_low(&mut caller, gas, height) {
        Low::Continue(gas) => Box::new(ready(Ok(gas))),
        Low::Park => Box::new(async move {
            let (_, gas) = park(&mut caller, Parking::Low { height }).await?;
            Ok(gas)
        }),
        Low::Stop(stop) => Box::new(ready(Err(leave(&mut caller, stop)))),
    }
}

/// Grows the memory: the pages that there were, or -1 if the rules or the program do not let it grow so far.
fn grow(mut caller: Caller<'_, State>, pages: u32, most: u32) -> Result<i32, Error> {
    match grow_memory(&mut caller, pages, most) {
        Ok(before) => Ok(before
            .and_then(|before| i32::try_from(before).ok())
            .unwrap_or(-1)),
        Err(error) => Err(leave(&mut caller, Stop::Fail(error))),
    }
}

/// Grows a store's memory to `most` pages at most, for the guest or for the host: the pages that there were.
pub(crate) fn grow_memory(
    mut store: impl AsContextMut<Data = State>,
    pages: u32,
    most: u32,
) -> Result<Option<u32>, EngineError> {
    let Some(memory) = store.as_context().data().memory else {
        return Ok(None);
    };
    let wanted = memory.size(&store).saturating_add(u64::from(pages));
    if wanted > u64::from(most) {
        return Ok(None);
    }
    let before = memory
        .grow(&mut store, u64::from(pages))
        .map_err(|error| failed(error.into()))?;
    State::see(&mut store, memory);
    Ok(u32::try_from(before).ok())
}

fn decide_low(caller: &mut Caller<'_, State>, gas: i64, height: i64) -> Low {
    match caller.data_mut().run.as_mut() {
        Some(run) => run.low(gas, height),
        None => Low::Stop(no_run()),
    }
}

fn syscall(
    mut caller: Caller<'_, State>,
    request: &SyscallRequest,
    gas: i64,
) -> Result<(i64, i64), Error> {
    match answer(&mut caller, request, gas) {
        Ok(result) => Ok((result, counter(&caller))),
        Err(Stop::Suspend) => Err(leave(
            &mut caller,
            Stop::Fail(EngineError::CannotSuspend {
                number: request.number,
            }),
        )),
        Err(stop) => Err(leave(&mut caller, stop)),
    }
}

/// What waits is made only where the guest does.
fn syscall_suspendable<'a>(
    mut caller: Caller<'a, State>,
    request: SyscallRequest,
    gas: i64,
) -> Answer<'a, (i64, i64)> {
    match answer(&mut caller, &request, gas) {
        Ok(result) => Box::new(ready(Ok((result, counter(&caller))))),
        Err(Stop::Suspend) => Box::new(async move { park(&mut caller, Parking::Syscall).await }),
        Err(stop) => Box::new(ready(Err(leave(&mut caller, stop)))),
    }
}

#[inline]
fn request<const N: usize>(number: u32, given: [i64; N]) -> SyscallRequest {
    let mut args = [0; MAX_SYSCALL_ARGS];
    for (arg, given) in args.iter_mut().zip(given) {
        *arg = given.cast_unsigned();
    }
    SyscallRequest { number, args }
}

/// The result of a syscall; the run's meter has the counter.
#[inline]
fn answer(caller: &mut Caller<'_, State>, request: &SyscallRequest, gas: i64) -> Result<i64, Stop> {
    let State { run, view, .. } = caller.data_mut();
    // SAFETY: as in `State::memory`, whose other fields the run does not reach.
    let bytes = unsafe { view.bytes() };
    match run {
        Some(run) => run
            .syscall(gas, request, GuestMemory::slice(bytes))
            .map(u64::cast_signed),
        None => Err(no_run()),
    }
}

#[inline]
fn counter(caller: &Caller<'_, State>) -> i64 {
    let run = caller.data().run.as_ref();
    run.map_or(0, |run| run.meter.counter())
}

/// Hands out the run, and waits for the reply: the result of the syscall, and the gas.
async fn park(caller: &mut Caller<'_, State>, parking: Parking) -> Result<(i64, i64), Error> {
    let state = caller.data_mut();
    let mut note = state.run.take().map(|run| Note {
        run,
        parking,
        memory: state.view,
    });
    let reply = poll_fn(|context| match note.take() {
        Some(note) => {
            Mail::with(context, |mail| mail.note.set(Some(note)));
            Poll::Pending
        }
        None => Poll::Ready(Mail::with(context, |mail| mail.reply.take()).flatten()),
    });
    let Some(mut reply) = reply.await else {
        return Err(leave(caller, no_run()));
    };
    let gas = reply.run.meter.hand_out();
    caller.data_mut().run = Some(reply.run);
    Ok((reply.result.cast_signed(), gas))
}

fn leave(caller: &mut Caller<'_, State>, stop: Stop) -> Error {
    caller.data_mut().stop = Some(stop);
    Error::new(Left)
}

/// Guest code runs inside `call` and `resume` only, and both bring a run.
fn no_run() -> Stop {
    Stop::Fail(EngineError::Host("guest code ran outside a run".into()))
}
