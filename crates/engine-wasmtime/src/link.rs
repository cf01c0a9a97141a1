//! The imports of a metered program, as Wasmtime calls them.

use std::{
    fmt,
    future::poll_fn,
    ptr::NonNull,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use fusee_engine::{
    EngineError, Low, MAX_SYSCALL_ARGS, Mode, Program, Run, Stop, SyscallRequest, reserved,
};
use wasmtime::{Caller, Engine, Error, Linker, Memory};

use crate::instance::failed;

/// What a store holds.
#[derive(Debug)]
pub(crate) struct State {
    /// The run, while the guest runs.
    pub(crate) run: Option<Box<Run>>,
    pub(crate) memory: Option<Memory>,
    /// Why a host function left the guest.
    pub(crate) stop: Option<Stop>,
    /// By which a parked guest and its keeper talk; where it cannot be parked there is none.
    pub(crate) mailbox: Option<Mailbox>,
}

impl State {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            run: None,
            memory: None,
            stop: None,
            mailbox: (mode == Mode::Suspendable).then(Mailbox::default),
        }
    }
}

/// Where a parked guest leaves its run, and finds the reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Mail>>);

#[derive(Debug, Default)]
pub(crate) struct Mail {
    pub(crate) parked: Option<ParkedMail>,
    pub(crate) reply: Option<Reply>,
}

/// What a guest leaves when it is parked.
#[derive(Debug)]
pub(crate) struct ParkedMail {
    pub(crate) run: Box<Run>,
    pub(crate) parking: Parking,
    pub(crate) memory: MemoryView,
}

/// What it finds when it goes on.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) run: Box<Run>,
    pub(crate) result: u64,
}

/// At which host function a guest is parked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parking {
    Syscall(SyscallRequest),
    Low { height: i64 },
}

/// The memory of a parked guest, which its store holds and its future borrows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryView {
    pub(crate) start: NonNull<u8>,
    pub(crate) bytes: usize,
}

// SAFETY: the view is no more than an address and a length. Whoever makes a reference of it
// answers for what it points to; guest memory is plain bytes and bound to no thread.
unsafe impl Send for MemoryView {}

impl MemoryView {
    pub(crate) const EMPTY: MemoryView = MemoryView {
        start: NonNull::dangling(),
        bytes: 0,
    };
}

impl Mailbox {
    pub(crate) fn open(&self) -> MutexGuard<'_, Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            |caller, (gas, height): (i64, i64)| Box::new(low_suspendable(caller, gas, height)),
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
                        Box::new(async move { syscall_suspendable(caller, number, gas, &[$($arg),*]).await })
                    })?
                } else {
                    linker.func_wrap(reserved::MODULE, &name, move |caller: Caller<'_, State>, gas: i64 $(, $arg: $type)*| {
                        syscall(caller, number, gas, &[$($arg),*])
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

async fn low_suspendable(
    mut caller: Caller<'_, State>,
    gas: i64,
    height: i64,
) -> Result<i64, Error> {
    match decide_low(&mut caller, gas, height) {
        Low::Continue(gas) => Ok(gas),
        Low::Park => park(&mut caller, Parking::Low { height })
            .await
            .map(|(_, gas)| gas),
        Low::Stop(stop) => Err(leave(&mut caller, stop)),
    }
}

/// Grows the memory: the pages that there were, or -1 if the rules or the program do not let it grow so far.
fn grow(mut caller: Caller<'_, State>, pages: u32, most: u32) -> Result<i32, Error> {
    let Some(memory) = caller.data().memory else {
        return Ok(-1);
    };
    let wanted = memory.size(&caller).saturating_add(u64::from(pages));
    if wanted > u64::from(most) {
        return Ok(-1);
    }
    match memory.grow(&mut caller, u64::from(pages)) {
        Ok(before) => Ok(i32::try_from(before).unwrap_or(-1)),
        Err(error) => Err(leave(&mut caller, Stop::Fail(failed(error.into())))),
    }
}

fn decide_low(caller: &mut Caller<'_, State>, gas: i64, height: i64) -> Low {
    match caller.data_mut().run.as_mut() {
        Some(run) => run.low(gas, height),
        None => Low::Stop(no_run()),
    }
}

fn syscall(
    mut caller: Caller<'_, State>,
    number: u32,
    gas: i64,
    given: &[i64],
) -> Result<(i64, i64), Error> {
    match answer(&mut caller, request(number, given), gas) {
        Ok((result, gas)) => Ok((result.cast_signed(), gas)),
        Err(Stop::Suspend) => Err(leave(
            &mut caller,
            Stop::Fail(EngineError::CannotSuspend { number }),
        )),
        Err(stop) => Err(leave(&mut caller, stop)),
    }
}

async fn syscall_suspendable(
    mut caller: Caller<'_, State>,
    number: u32,
    gas: i64,
    given: &[i64],
) -> Result<(i64, i64), Error> {
    let request = request(number, given);
    match answer(&mut caller, request, gas) {
        Ok((result, gas)) => Ok((result.cast_signed(), gas)),
        Err(Stop::Suspend) => park(&mut caller, Parking::Syscall(request)).await,
        Err(stop) => Err(leave(&mut caller, stop)),
    }
}

fn request(number: u32, given: &[i64]) -> SyscallRequest {
    let mut args = [0; MAX_SYSCALL_ARGS];
    for (arg, given) in args.iter_mut().zip(given) {
        *arg = given.cast_unsigned();
    }
    SyscallRequest { number, args }
}

fn answer(
    caller: &mut Caller<'_, State>,
    request: SyscallRequest,
    gas: i64,
) -> Result<(u64, i64), Stop> {
    let answered = match caller.data().memory {
        Some(memory) => {
            let (bytes, state) = memory.data_and_store_mut(caller);
            state
                .run
                .as_mut()
                .map(|run| run.syscall(gas, request, bytes))
        }
        None => caller
            .data_mut()
            .run
            .as_mut()
            .map(|run| run.syscall(gas, request, &mut [])),
    };
    answered.unwrap_or_else(|| Err(no_run()))
}

/// Leaves the run in the mailbox and waits for the reply: the result of the syscall, and the gas.
async fn park(caller: &mut Caller<'_, State>, parking: Parking) -> Result<(i64, i64), Error> {
    let memory = match caller.data().memory {
        Some(memory) => {
            let bytes = memory.data_mut(&mut *caller);
            MemoryView {
                start: NonNull::from_mut(bytes).cast(),
                bytes: bytes.len(),
            }
        }
        None => MemoryView::EMPTY,
    };
    let state = caller.data_mut();
    let (Some(mailbox), Some(run)) = (state.mailbox.clone(), state.run.take()) else {
        return Err(leave(caller, no_run()));
    };
    mailbox.open().parked = Some(ParkedMail {
        run,
        parking,
        memory,
    });
    let mut reply = poll_fn(|_| {
        mailbox
            .open()
            .reply
            .take()
            .map_or(Poll::Pending, Poll::Ready)
    })
    .await;
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
