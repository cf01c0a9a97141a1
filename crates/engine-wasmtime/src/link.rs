//! The host functions of a metered program.

use std::{
    fmt,
    future::{Future, poll_fn, ready},
    iter,
    task::Poll,
};

use fusee_engine::{
    EngineError, GuestMemory, Import, Low, MAX_REGISTER_ARGS, Mode, MoreArgs, Program, Run, Stop,
    SyscallRequest, reserved,
};
use wasmtime::{
    AsContextMut, Caller, Engine, Error, Extern, Func, FuncType, Linker, Memory, Ref, Store, Val,
    ValType,
};

use crate::{
    error::failed,
    lent::{Contents, Lent, Suspension},
    view::MemoryView,
};

/// The data of a store.
pub(crate) struct State {
    lent: Lent,
    memory: Option<Memory>,
}

impl State {
    pub(crate) const fn new(lent: Lent) -> Self {
        Self { lent, memory: None }
    }

    /// Records the location of the instance's memory, after instantiation and after each growth.
    /// Only the host grows it.
    pub(crate) fn locate(mut store: impl AsContextMut<Data = State>, memory: Memory) {
        let mut store = store.as_context_mut();
        let view = MemoryView::of(memory.data_ptr(&store), memory.data_size(&store));
        let state = store.data_mut();
        state.memory = Some(memory);
        state.contents().view = view;
    }

    /// The location of the memory of a store that runs no guest.
    pub(crate) fn view(store: &mut Store<State>) -> MemoryView {
        store.data_mut().contents().view
    }

    /// The contents of the shared cell.
    #[inline]
    fn contents(&mut self) -> &mut Contents {
        // SAFETY: the store is borrowed mutably: either by a host function, while the instance does
        // not look at the cell, or by the instance itself, which holds no reference to the contents
        // across a use of its store. All others come from here, and borrow the state mutably.
        unsafe { self.lent.contents() }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("State").finish_non_exhaustive()
    }
}

/// The future that Wasmtime expects of a host function in which a guest may be suspended.
type Answer<'a, T> = Box<dyn Future<Output = Result<T, Error>> + Send + 'a>;

/// The error by which a host function unwinds the guest. The reason is the [`Stop`] in the shared
/// cell.
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
    linker.func_wrap(reserved::MODULE, reserved::GROW_TABLE, grow_table)?;
    for (position, import) in program.imports.iter().enumerate() {
        let name = position.to_string();
        let number = import.number;
        let may_suspend = import.may_suspend && mode == Mode::Suspendable;
        macro_rules! wrap {
            ($($arg:ident: $type:ty),*) => {
                if may_suspend {
                    linker.func_wrap_async(reserved::MODULE, &name, move |caller, (gas, $($arg,)*): (i64, $($type,)*)| {
                        syscall_suspendable(caller, request(number, [$($arg),*]), None, gas)
                    })?
                } else {
                    linker.func_wrap(reserved::MODULE, &name, move |caller: Caller<'_, State>, gas: i64 $(, $arg: $type)*| {
                        syscall(caller, &request(number, [$($arg),*]), None, gas)
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
            6 => wrap!(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64),
            _ => link_wide(&mut linker, &name, import)?,
        };
    }
    Ok(linker)
}

fn low(mut caller: Caller<'_, State>, gas: i64, height: i64) -> Result<i64, Error> {
    match decide_low(&mut caller, gas, height) {
        Low::Continue(gas) => Ok(gas),
        Low::Suspend => Err(leave(&mut caller, Stop::OutOfGas)),
        Low::Stop(stop) => Err(leave(&mut caller, stop)),
    }
}

fn low_suspendable(mut caller: Caller<'_, State>, gas: i64, height: i64) -> Answer<'_, i64> {
    match decide_low(&mut caller, gas, height) {
        Low::Continue(gas) => Box::new(ready(Ok(gas))),
        Low::Suspend => Box::new(async move {
            let (_, gas) = suspend(&mut caller, Suspension::Low { height }).await?;
            Ok(gas)
        }),
        Low::Stop(stop) => Box::new(ready(Err(leave(&mut caller, stop)))),
    }
}

/// Grows the memory: its previous size in pages, or -1 if the rules or the program do not let it
/// grow so far.
fn grow(mut caller: Caller<'_, State>, pages: u32, most: u32) -> Result<i32, Error> {
    match grow_memory(&mut caller, pages, most) {
        Ok(before) => Ok(before
            .and_then(|before| i32::try_from(before).ok())
            .unwrap_or(-1)),
        Err(error) => Err(leave(&mut caller, Stop::Fail(error))),
    }
}

/// Grows a store's memory to `most` pages at most, for the guest or for the host. Returns its
/// previous size in pages.
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
    State::locate(&mut store, memory);
    Ok(u32::try_from(before).ok())
}

/// Grows a table: its previous size, or -1 if its limit does not let it grow so far.
fn grow_table(
    mut caller: Caller<'_, State>,
    value: Option<Func>,
    elements: u32,
    table: u32,
) -> Result<i32, Error> {
    let exported = caller.get_export(&reserved::table(table));
    let Some(table) = exported.and_then(Extern::into_table) else {
        let stop = Stop::Fail(EngineError::Host(
            "the guest grew a table that it does not export".into(),
        ));
        return Err(leave(&mut caller, stop));
    };
    let most = table.ty(&caller).maximum();
    let wanted = table.size(&caller).saturating_add(u64::from(elements));
    if most.is_some_and(|most| wanted > most) {
        return Ok(-1);
    }
    // It has room for as many elements as any rules admit, so that only the machine can fail.
    match table.grow(&mut caller, u64::from(elements), Ref::Func(value)) {
        Ok(before) => Ok(i32::try_from(before).unwrap_or(-1)),
        Err(error) => Err(leave(&mut caller, Stop::Fail(failed(error.into())))),
    }
}

fn decide_low(caller: &mut Caller<'_, State>, gas: i64, height: i64) -> Low {
    match caller.data_mut().contents().call() {
        Some((run, _, _)) => run.low(gas, height),
        None => Low::Stop(no_run()),
    }
}

fn syscall(
    mut caller: Caller<'_, State>,
    request: &SyscallRequest,
    more: Option<&MoreArgs>,
    gas: i64,
) -> Result<(i64, i64), Error> {
    match answer(caller.data_mut().contents(), request, more, gas) {
        Ok((result, run)) => Ok((result, run.meter.counter())),
        Err(Stop::Suspend) => Err(leave(
            &mut caller,
            Stop::Fail(EngineError::CannotSuspend {
                number: request.number,
            }),
        )),
        Err(stop) => Err(leave(&mut caller, stop)),
    }
}

/// Returns a ready future unless the guest is suspended.
fn syscall_suspendable<'a>(
    mut caller: Caller<'a, State>,
    request: SyscallRequest,
    more: Option<&MoreArgs>,
    gas: i64,
) -> Answer<'a, (i64, i64)> {
    match answer(caller.data_mut().contents(), &request, more, gas) {
        Ok((result, run)) => Box::new(ready(Ok((result, run.meter.counter())))),
        Err(Stop::Suspend) => {
            Box::new(async move { suspend(&mut caller, Suspension::Syscall).await })
        }
        Err(stop) => Box::new(ready(Err(leave(&mut caller, stop)))),
    }
}

/// Links a syscall of more arguments than any with a function of its own. They are passed in a
/// slice, which takes longer.
fn link_wide<'a>(
    linker: &'a mut Linker<State>,
    name: &str,
    import: &Import,
) -> Result<&'a mut Linker<State>, Error> {
    let params = iter::repeat_n(ValType::I64, import.params.len().saturating_add(1));
    let results = [ValType::I64, ValType::I64];
    let function_type = FuncType::new(linker.engine(), params, results);
    let number = import.number;
    if import.may_suspend {
        linker.func_new_async(
            reserved::MODULE,
            name,
            function_type,
            move |caller, params, results| {
                let (gas, request, more) = wide_request(number, params);
                let answer = syscall_suspendable(caller, request, Some(&more), gas);
                let answer = Box::into_pin(answer);
                Box::new(async move {
                    give(results, answer.await?);
                    Ok(())
                })
            },
        )
    } else {
        linker.func_new(
            reserved::MODULE,
            name,
            function_type,
            move |caller, params, results| {
                let (gas, request, more) = wide_request(number, params);
                give(results, syscall(caller, &request, Some(&more), gas)?);
                Ok(())
            },
        )
    }
}

/// The gas, which is the first parameter, and the request with all arguments.
fn wide_request(number: u32, params: &[Val]) -> (i64, SyscallRequest, MoreArgs) {
    // Every parameter is an `i64`.
    let mut given = params.iter().map(|param| param.i64().unwrap_or(0));
    let gas = given.next().unwrap_or(0);
    let (mut args, mut more) = ([0; MAX_REGISTER_ARGS], MoreArgs::default());
    for (arg, given) in args.iter_mut().chain(&mut more).zip(given) {
        *arg = given.cast_unsigned();
    }
    (gas, SyscallRequest { number, args }, more)
}

fn give(results: &mut [Val], (result, gas): (i64, i64)) {
    for (to, from) in results.iter_mut().zip([result, gas]) {
        *to = Val::I64(from);
    }
}

#[inline]
fn request<const N: usize>(number: u32, given: [i64; N]) -> SyscallRequest {
    let mut args = [0; MAX_REGISTER_ARGS];
    for (arg, given) in args.iter_mut().zip(given) {
        *arg = given.cast_unsigned();
    }
    SyscallRequest { number, args }
}

/// The result of a syscall, and the run, whose meter has the guest's new counter.
///
/// It has to be inlined. Otherwise both numbers are stored one by one and loaded together, which a
/// processor cannot forward from its store buffer.
#[inline(always)]
fn answer<'a>(
    contents: &'a mut Contents,
    request: &SyscallRequest,
    more: Option<&MoreArgs>,
    gas: i64,
) -> Result<(i64, &'a mut Run), Stop> {
    let Some((run, host, view)) = contents.call() else {
        return Err(no_run());
    };
    // SAFETY: the view is of the memory of the calling store, which is alive. While a host function
    // runs, no guest code runs, and nothing else borrows the memory.
    let memory = GuestMemory::slice(unsafe { view.bytes() });
    let result = run.syscall_with(host, gas, request, more, memory)?;
    Ok((result.cast_signed(), run))
}

/// Suspends the guest, and waits for the reply: the result of the syscall, and the gas.
async fn suspend(
    caller: &mut Caller<'_, State>,
    suspension: Suspension,
) -> Result<(i64, i64), Error> {
    caller.data_mut().contents().suspended = Some(suspension);
    let mut is_suspended = false;
    // The instance polls again only on `resume`, so the second poll is ready.
    poll_fn(|_| match is_suspended {
        true => Poll::Ready(()),
        false => {
            is_suspended = true;
            Poll::Pending
        }
    })
    .await;
    let contents = caller.data_mut().contents();
    let reply = contents.reply.cast_signed();
    match contents.call() {
        Some((run, _, _)) => Ok((reply, run.meter.hand_out())),
        None => Err(leave(caller, no_run())),
    }
}

fn leave(caller: &mut Caller<'_, State>, stop: Stop) -> Error {
    caller.data_mut().contents().stop = Some(stop);
    Error::new(Left)
}

/// Guest code runs inside `call` and `resume` only, and both lend a run.
fn no_run() -> Stop {
    Stop::Fail(EngineError::Host("guest code ran outside a run".into()))
}
