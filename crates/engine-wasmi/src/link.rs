//! The host functions of a metered program.

use std::{fmt, iter};

use fusee_engine::{
    EngineError, GuestMemory, Import, Low, MAX_REGISTER_ARGS, MoreArgs, Pause, Program, Stop,
    SyscallRequest, reserved,
};
use wasmi::{
    AsContextMut, Caller, Engine, Error, Extern, Func, FuncType, Linker, Memory, Nullable, Ref,
    Val, ValType,
    errors::{HostError, LinkerError},
};

use crate::{error::failed, lent::Lent};

/// The data of a store.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The run and the host, during a call.
    pub(crate) lent: Option<Lent>,
    pub(crate) memory: Option<Memory>,
    /// The reason why a host function unwound the guest.
    pub(crate) halt: Option<Halt>,
}

/// The reason why a host function unwound the guest.
#[derive(Debug)]
pub(crate) enum Halt {
    Stop(Stop),
    Suspend(Suspension),
}

/// The host function at which a guest is suspended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Suspension {
    Syscall,
    Low { height: i64 },
}

impl Suspension {
    pub(crate) const fn pause(self) -> Pause {
        match self {
            Suspension::Syscall => Pause::Syscall,
            Suspension::Low { .. } => Pause::Gas,
        }
    }
}

/// The error by which a host function unwinds the guest. The reason is the [`Halt`] in the store.
#[derive(Debug)]
struct Left;

impl fmt::Display for Left {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a host function left the guest")
    }
}

impl HostError for Left {}

pub(crate) fn link(engine: &Engine, program: &Program) -> Result<Linker<State>, LinkerError> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(reserved::MODULE, reserved::LOW, low)?;
    let most = program.maximum_memory_pages();
    linker.func_wrap(
        reserved::MODULE,
        reserved::GROW,
        move |caller: Caller<'_, State>, pages: u32| grow(caller, pages, most),
    )?;
    linker.func_wrap(reserved::MODULE, reserved::GROW_TABLE, grow_table)?;
    for (position, import) in program.imports.iter().enumerate() {
        let name = position.to_string();
        let (number, may_suspend) = (import.number, import.may_suspend);
        macro_rules! wrap {
            ($($arg:ident),*) => {
                linker.func_wrap(reserved::MODULE, &name, move |caller: Caller<'_, State>, gas: i64 $(, $arg: i64)*| {
                    syscall(caller, number, may_suspend, gas, &[$($arg),*])
                })
            };
        }
        match import.params.len() {
            0 => wrap!(),
            1 => wrap!(a),
            2 => wrap!(a, b),
            3 => wrap!(a, b, c),
            4 => wrap!(a, b, c, d),
            5 => wrap!(a, b, c, d, e),
            6 => wrap!(a, b, c, d, e, f),
            _ => link_wide(&mut linker, &name, import),
        }?;
    }
    Ok(linker)
}

/// Links a syscall of more arguments than any with a function of its own. They are passed in a
/// slice, which takes longer.
fn link_wide<'a>(
    linker: &'a mut Linker<State>,
    name: &str,
    import: &Import,
) -> Result<&'a mut Linker<State>, LinkerError> {
    let params = iter::repeat_n(ValType::I64, import.params.len().saturating_add(1));
    let results = [ValType::I64, ValType::I64];
    let (number, may_suspend) = (import.number, import.may_suspend);
    linker.func_new(
        reserved::MODULE,
        name,
        FuncType::new(params, results),
        move |caller, params, results| {
            // Every parameter is an `i64`, and the first one is the gas.
            let mut given = params.iter().map(|param| param.i64().unwrap_or(0));
            let gas = given.next().unwrap_or(0);
            let (mut args, mut more) = ([0; MAX_REGISTER_ARGS], MoreArgs::default());
            for (arg, given) in args.iter_mut().chain(&mut more).zip(given) {
                *arg = given.cast_unsigned();
            }
            let request = SyscallRequest { number, args };
            let (result, gas) = answer(caller, &request, Some(&more), may_suspend, gas)?;
            for (to, from) in results.iter_mut().zip([result, gas]) {
                *to = Val::I64(from);
            }
            Ok(())
        },
    )
}

fn low(mut caller: Caller<'_, State>, gas: i64, height: i64) -> Result<i64, Error> {
    let state = caller.data_mut();
    let lent = state.lent.as_mut().map(Lent::get);
    let halt = match lent.map(|(run, _)| run.low(gas, height)) {
        Some(Low::Continue(gas)) => return Ok(gas),
        Some(Low::Suspend) => Halt::Suspend(Suspension::Low { height }),
        Some(Low::Stop(stop)) => Halt::Stop(stop),
        None => Halt::Stop(no_run()),
    };
    state.halt = Some(halt);
    Err(Error::host(Left))
}

/// The step of memory growth: 4 MiB, which takes some milliseconds if the system has to map all
/// pages.
const GROW_STEP_PAGES: u64 = 64;

/// Grows the memory: its previous size in pages, or -1 if the rules or the program do not let it
/// grow so far.
///
/// Used instead of wasmi's `memory.grow`, which in optimised builds of wasmi 2.0.0 recurses on the
/// native stack until the run ends.
fn grow(mut caller: Caller<'_, State>, pages: u32, most: u32) -> Result<i32, Error> {
    match grow_memory(&mut caller, pages, most) {
        Ok(before) => Ok(before
            .and_then(|before| i32::try_from(before).ok())
            .unwrap_or(-1)),
        Err(error) => {
            caller.data_mut().halt = Some(Halt::Stop(Stop::Fail(error)));
            Err(Error::host(Left))
        }
    }
}

/// Grows a store's memory to `most` pages at most, for the guest or for the host. Returns its
/// previous size in pages.
///
/// wasmi writes zeros into all new pages, so the memory grows in steps, between which the run can
/// be interrupted.
pub(crate) fn grow_memory(
    mut store: impl AsContextMut<Data = State>,
    pages: u32,
    most: u32,
) -> Result<Option<u32>, EngineError> {
    let Some(memory) = store.as_context().data().memory else {
        return Ok(None);
    };
    let before = memory.size(&store);
    let mut missing = u64::from(pages);
    if before.saturating_add(missing) > u64::from(most) {
        return Ok(None);
    }
    while missing > 0 {
        let context = store.as_context();
        let lent = context.data().lent.as_ref();
        if lent.is_some_and(|lent| lent.run().is_interrupted()) {
            return Err(EngineError::Interrupted);
        }
        let step = missing.min(GROW_STEP_PAGES);
        memory
            .grow(&mut store, step)
            .map_err(|error| failed(Box::new(error)))?;
        missing = missing.saturating_sub(step);
    }
    Ok(u32::try_from(before).ok())
}

/// Grows a table: its previous size, or -1 if its limit does not let it grow so far.
///
/// Used instead of wasmi's `table.grow`, which in optimised builds of wasmi 2.0.0 recurses on the
/// native stack until the run ends.
fn grow_table(
    mut caller: Caller<'_, State>,
    value: Nullable<Func>,
    elements: u32,
    table: u32,
) -> Result<i32, Error> {
    let exported = caller.get_export(&reserved::table(table));
    let Some(table) = exported.and_then(Extern::into_table) else {
        caller.data_mut().halt = Some(Halt::Stop(no_table()));
        return Err(Error::host(Left));
    };
    let most = table.ty(&caller).maximum();
    let wanted = table.size(&caller).saturating_add(u64::from(elements));
    if most.is_some_and(|most| wanted > most) {
        return Ok(-1);
    }
    match table.grow(&mut caller, u64::from(elements), Ref::Func(value)) {
        Ok(before) => Ok(i32::try_from(before).unwrap_or(-1)),
        Err(error) => {
            let stop = Stop::Fail(failed(Box::new(error)));
            caller.data_mut().halt = Some(Halt::Stop(stop));
            Err(Error::host(Left))
        }
    }
}

fn syscall(
    caller: Caller<'_, State>,
    number: u32,
    may_suspend: bool,
    gas: i64,
    given: &[i64],
) -> Result<(i64, i64), Error> {
    let mut args = [0; MAX_REGISTER_ARGS];
    for (arg, given) in args.iter_mut().zip(given) {
        *arg = given.cast_unsigned();
    }
    let request = SyscallRequest { number, args };
    answer(caller, &request, None, may_suspend, gas)
}

#[inline]
fn answer(
    mut caller: Caller<'_, State>,
    request: &SyscallRequest,
    more: Option<&MoreArgs>,
    may_suspend: bool,
    gas: i64,
) -> Result<(i64, i64), Error> {
    let number = request.number;
    let (bytes, state): (&mut [u8], _) = match caller.data().memory {
        Some(memory) => memory.data_and_store_mut(&mut caller),
        None => (&mut [], caller.data_mut()),
    };
    let answer = state.lent.as_mut().map(Lent::get).map(|(run, host)| {
        let result = run.syscall_with(host, gas, request, more, GuestMemory::slice(bytes))?;
        Ok((result.cast_signed(), run.meter.counter()))
    });
    let halt = match answer {
        Some(Ok(answer)) => return Ok(answer),
        Some(Err(Stop::Suspend)) if may_suspend => Halt::Suspend(Suspension::Syscall),
        Some(Err(Stop::Suspend)) => Halt::Stop(Stop::Fail(EngineError::CannotSuspend { number })),
        Some(Err(stop)) => Halt::Stop(stop),
        None => Halt::Stop(no_run()),
    };
    caller.data_mut().halt = Some(halt);
    Err(Error::host(Left))
}

/// The meter exports every table of a program that grows one.
fn no_table() -> Stop {
    Stop::Fail(EngineError::Host(
        "the guest grew a table that it does not export".into(),
    ))
}

/// Guest code runs inside `call` and `resume` only, and both lend a run.
fn no_run() -> Stop {
    Stop::Fail(EngineError::Host("guest code ran outside a run".into()))
}
