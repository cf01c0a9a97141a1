//! Wasmtime instances, at rest and suspended.

use std::{
    fmt,
    future::Future,
    mem,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fusee_engine::{
    EngineError, Entry, GuestMemory, Host, Instance, Low, Mode, Pause, Run, Step, Stop, Value,
};
use wasmtime::{Error, Global, ModuleExport, Store};

use crate::{
    entered::Entered,
    error::failed,
    exports::Exports,
    lent::{Lent, Suspension},
    link::{State, grow_memory},
    trap::trap,
};

pub(crate) struct WasmtimeInstance {
    guest: Guest,
    lent: Lent,
    mode: Mode,
}

/// The state of the guest.
enum Guest {
    /// At rest: not in a call.
    AtRest(Box<Live>),
    /// Suspended, on its own stack.
    Suspended(OnFiber),
    /// Stopped, and dropped.
    Gone,
}

/// A store and the exports of its instance.
struct Live {
    store: Store<State>,
    instance: wasmtime::Instance,
    exports: Arc<Exports>,
    /// The global to which the guest spills its counter before `unreachable`.
    gas: Global,
    /// The entry of the last call.
    entered: Option<Entered>,
}

/// A call on a fiber.
type OnFiber = Pin<Box<dyn Future<Output = (Box<Live>, Result<(), Error>)> + Send>>;

impl WasmtimeInstance {
    pub(crate) fn new(
        mut store: Store<State>,
        instance: wasmtime::Instance,
        exports: Arc<Exports>,
        lent: Lent,
        mode: Mode,
    ) -> Result<Self, EngineError> {
        let mut find = |export: &ModuleExport| instance.get_module_export(&mut store, export);
        let gas = find(&exports.gas)
            .and_then(|gas| gas.into_global())
            .ok_or_else(|| failed("the program exports no gas counter".into()))?;
        let memory = exports.memory.as_ref().and_then(find);
        if let Some(memory) = memory.and_then(|memory| memory.into_memory()) {
            State::locate(&mut store, memory);
        }
        let live = Live {
            store,
            instance,
            exports,
            gas,
            entered: None,
        };
        Ok(Self {
            guest: Guest::AtRest(Box::new(live)),
            lent,
            mode,
        })
    }

    /// Calls on the caller's stack, where the instance stays: moving it takes longer than a guest
    /// that returns at once. Unless the entry returns, the caller drops it.
    #[inline]
    fn call_here(
        lent: &Lent,
        live: &mut Live,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
    ) -> Result<(), Error> {
        let Live { store, entered, .. } = live;
        let entered = entered.as_mut().ok_or_else(no_entry)?;
        let call = || entered.call(store);
        // SAFETY: no reference to the contents is alive; host functions, which have some, return
        // before the call does.
        unsafe { lent.during(run, host, call) }
    }

    /// Begins a call on a fiber.
    fn call_on_fiber(
        &mut self,
        mut live: Box<Live>,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
    ) -> Result<Step, EngineError> {
        let call: OnFiber = Box::pin(async move {
            let Live { store, entered, .. } = &mut *live;
            let returned = match entered {
                Some(entered) => entered.call_async(store).await,
                None => Err(no_entry()),
            };
            (live, returned)
        });
        self.poll(call, run, host)
    }

    /// Runs a guest on its fiber until it ends or is suspended.
    fn poll(
        &mut self,
        mut call: OnFiber,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
    ) -> Result<Step, EngineError> {
        // SAFETY: the guest does not run, and the reference ends with the statement.
        unsafe { self.lent.contents() }.suspended = None;
        let mut context = Context::from_waker(Waker::noop());
        let poll = || call.as_mut().poll(&mut context);
        // SAFETY: no reference to the contents is alive; host functions, which have some, return
        // or are suspended before the poll ends, and hold none while they are.
        match unsafe { self.lent.during(run, host, poll) } {
            Poll::Ready((live, returned)) => match returned {
                Ok(()) => {
                    live.collect(run)?;
                    self.guest = Guest::AtRest(live);
                    Ok(Step::Returned)
                }
                Err(error) => self.stopped(live, &error, run),
            },
            Poll::Pending => {
                // SAFETY: the guest does not run, and the reference ends with the statement.
                let suspended = unsafe { self.lent.contents() }.suspended;
                let suspended = suspended.ok_or_else(|| {
                    let why = "internal error: the Wasmtime future is pending, but no host \
                               function suspended the guest";
                    failed(why.into())
                })?;
                self.guest = Guest::Suspended(call);
                Ok(Step::Suspended(suspended.pause()))
            }
        }
    }

    /// Converts an error of Wasmtime. The guest is dropped, unless the host made it return.
    #[cold]
    fn stopped(
        &mut self,
        mut live: Box<Live>,
        error: &Error,
        run: &mut Run,
    ) -> Result<Step, EngineError> {
        // SAFETY: the guest does not run, and the reference ends with the statement.
        if let Some(stop) = unsafe { self.lent.contents() }.stop.take() {
            if matches!(stop, Stop::Return) {
                self.guest = Guest::AtRest(live);
            }
            return Ok(Step::Stopped(stop));
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(code) => {
                let counter = live.gas.get(&mut live.store).i64().unwrap_or(0);
                Ok(Step::Stopped(run.trapped(trap(*code)?, counter)))
            }
            None => Err(failed(format!("{error:?}").into())),
        }
    }
}

impl Live {
    /// Passes arguments and gas to an entry, which is looked up unless it is the last one.
    // The entry stays where it is: it would be stored in parts and loaded whole, which a processor
    // cannot forward from its store buffer.
    #[inline]
    fn pass(&mut self, entry: Entry, args: &[Value], gas: i64) -> Result<(), EngineError> {
        if let Some(last) = &mut self.entered
            && last.is(entry)
        {
            return last.pass(args, gas);
        }
        let entered = Entered::find(entry, &self.exports, self.instance, &mut self.store)?;
        self.entered.insert(entered).pass(args, gas)
    }

    /// Reads the results and the gas of a call that returned.
    #[inline]
    fn collect(&self, run: &mut Run) -> Result<(), EngineError> {
        match &self.entered {
            Some(entered) => entered.collect(run),
            None => Err(failed(no_entry().into())),
        }
    }
}

impl Instance for WasmtimeInstance {
    #[inline]
    fn call(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        entry: Entry,
        args: &[Value],
    ) -> Result<Step, EngineError> {
        let Guest::AtRest(live) = &mut self.guest else {
            return Err(not_at_rest());
        };
        live.pass(entry, args, run.meter.hand_out())?;
        let mut error = None;
        if self.mode == Mode::Plain && live.exports.runtime.stack.is_left() {
            match Self::call_here(&self.lent, live, run, host) {
                Ok(()) => {
                    live.collect(run)?;
                    return Ok(Step::Returned);
                }
                Err(why) => error = Some(why),
            }
        }
        let Guest::AtRest(live) = mem::replace(&mut self.guest, Guest::Gone) else {
            return Err(not_at_rest());
        };
        match error {
            Some(error) => self.stopped(live, &error, run),
            None => self.call_on_fiber(live, run, host),
        }
    }

    fn resume(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        reply: u64,
    ) -> Result<Step, EngineError> {
        let call = match mem::replace(&mut self.guest, Guest::Gone) {
            Guest::Suspended(call) => call,
            other => {
                self.guest = other;
                return Err(failed(
                    "internal error: the instance is not suspended".into(),
                ));
            }
        };
        // SAFETY: the guest does not run, and the reference ends before it does.
        let contents = unsafe { self.lent.contents() };
        contents.reply = reply;
        if let Some(Suspension::Low { height }) = contents.suspended {
            match run.low(run.meter.counter(), height) {
                Low::Continue(_) => {}
                Low::Suspend => {
                    self.guest = Guest::Suspended(call);
                    return Ok(Step::Suspended(Pause::Gas));
                }
                Low::Stop(stop) => return Ok(Step::Stopped(stop)),
            }
        }
        self.poll(call, run, host)
    }

    fn memory(&mut self) -> GuestMemory<'_> {
        if matches!(self.guest, Guest::Gone) {
            return GuestMemory::none();
        }
        // SAFETY: the guest does not run, so the contents are not in use. The view is of the memory
        // of its store, which `guest` keeps alive, at rest or in a suspended call. The memory moves
        // and is borrowed only while the guest runs, which needs `self`.
        GuestMemory::slice(unsafe { self.lent.contents().view.bytes() })
    }

    fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, EngineError> {
        let Guest::AtRest(live) = &mut self.guest else {
            return Err(not_at_rest());
        };
        let most = live.exports.program.maximum_memory_pages();
        grow_memory(&mut live.store, pages, most)
    }

    fn mode(&self) -> Mode {
        self.mode
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let view = State::view(&mut self.store);
        // SAFETY: the store is dropped with this, so neither guest nor host reads the memory again.
        unsafe { self.exports.runtime.idle.make_room(view.bytes()) };
    }
}

#[cold]
fn not_at_rest() -> EngineError {
    failed("internal error: the instance is not at rest".into())
}

/// The output of a future that must be ready.
pub(crate) fn poll_ready<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::msg("internal error: instantiation is pending")),
    }
}

/// A call has begun without an entry.
#[cold]
fn no_entry() -> Error {
    Error::msg("internal error: no entry was looked up")
}

impl fmt::Debug for WasmtimeInstance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WasmtimeInstance")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
