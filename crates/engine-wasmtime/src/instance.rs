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
    EngineError, Entry, GuestMemory, Host, Instance, Low, Mode, Pause, Run, Step, Value, ValueType,
};
use wasmtime::{Error, Extern, Func, Global, ModuleExport, Store, TypedFunc, Val, ValRaw};

use crate::{
    error::failed,
    exports::Exports,
    lent::{Lent, Suspension},
    link::{State, grow_memory},
    pool::Idle,
    runtime::{NativeStack, Runtime},
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
    /// The entry of the last call. Looking up an entry is slow, and most calls repeat the last one.
    entered: Option<Entered>,
    /// The same, where it takes and returns nothing but the gas.
    typed: Option<TypedFunc<i64, i64>>,
    /// In which arguments and results are passed.
    cells: Vec<ValRaw>,
    stack: NativeStack,
    idle: Idle,
}

#[derive(Clone, Copy)]
struct Entered {
    entry: Entry,
    function: Func,
}

/// A call on a fiber.
type OnFiber = Pin<Box<dyn Future<Output = (Box<Live>, Returned)> + Send>>;

/// The results of a call: the guest's counter, and the values, where they are not in cells.
type Returned = Result<(i64, Vec<Val>), Error>;

impl WasmtimeInstance {
    pub(crate) fn new(
        mut store: Store<State>,
        instance: wasmtime::Instance,
        exports: Arc<Exports>,
        lent: Lent,
        mode: Mode,
        runtime: &Runtime,
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
            typed: None,
            cells: Vec::new(),
            stack: runtime.stack,
            idle: runtime.idle.clone(),
        };
        Ok(Self {
            guest: Guest::AtRest(Box::new(live)),
            lent,
            mode,
        })
    }

    /// Calls on the caller's stack. The guest is dropped unless the entry returns.
    #[inline]
    fn call_here(
        &mut self,
        mut live: Box<Live>,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        entered: Entered,
        args: &[Value],
    ) -> Result<Step, EngineError> {
        let gas = run.meter.hand_out();
        let Live {
            store,
            exports,
            cells,
            ..
        } = &mut *live;
        let results = exports.results(entered.entry);
        cells.clear();
        cells.extend(args.iter().map(raw));
        cells.push(ValRaw::i64(gas));
        let most = args.len().max(results.len()).saturating_add(1);
        cells.resize(most, ValRaw::i64(0));
        let cells = &mut **cells;
        // SAFETY: `function` is of this store. The arguments are of the types that it takes, which
        // was checked when it was looked up, and then comes the gas; there is a cell for each of
        // them and for each result.
        let call = || unsafe {
            entered
                .function
                .call_unchecked(&mut *store, &raw mut *cells)
        };
        // SAFETY: no reference to the contents is alive; host functions, which have some, return
        // before the call does.
        match unsafe { self.lent.during(run, host, call) } {
            Ok(()) => {
                let typed = results.iter().zip(&*cells);
                run.values.clear();
                run.values
                    .extend(typed.map(|(value_type, cell)| value(*value_type, cell)));
                let counter = cells.get(results.len()).map(ValRaw::get_i64);
                run.meter
                    .note(counter.ok_or_else(|| failed("an entry returned no gas".into()))?);
                self.guest = Guest::AtRest(live);
                Ok(Step::Returned)
            }
            Err(error) => self.stopped(&mut live, &error, run),
        }
    }

    /// Begins a call on a fiber.
    fn call_on_fiber(
        &mut self,
        mut live: Box<Live>,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        entered: Entered,
        args: &[Value],
    ) -> Result<Step, EngineError> {
        let gas = run.meter.hand_out();
        let call: OnFiber = match live.typed.take() {
            Some(function) => Box::pin(async move {
                let counter = function.call_async(&mut live.store, gas).await;
                live.typed = Some(function);
                (live, counter.map(|counter| (counter, Vec::new())))
            }),
            None => {
                let inputs: Vec<Val> = args.iter().map(val).chain([Val::I64(gas)]).collect();
                let results = live.exports.results(entered.entry).len();
                Box::pin(async move {
                    let mut outputs = vec![Val::I64(0); results.saturating_add(1)];
                    let returned = entered
                        .function
                        .call_async(&mut live.store, &inputs, &mut outputs)
                        .await;
                    let returned = returned.and_then(|()| {
                        let gas = outputs.pop().and_then(|gas| gas.i64());
                        let gas = gas.ok_or_else(|| Error::msg("an entry returned no gas"))?;
                        Ok((gas, outputs))
                    });
                    (live, returned)
                })
            }
        };
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
            Poll::Ready((mut live, returned)) => match returned {
                Ok((counter, values)) => {
                    run.meter.note(counter);
                    run.values.clear();
                    for value in &values {
                        run.values
                            .push(number(value).map_err(|error| failed(error.into()))?);
                    }
                    self.guest = Guest::AtRest(live);
                    Ok(Step::Returned)
                }
                Err(error) => self.stopped(&mut live, &error, run),
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

    /// Converts an error of Wasmtime. The guest is dropped.
    #[cold]
    fn stopped(&self, live: &mut Live, error: &Error, run: &mut Run) -> Result<Step, EngineError> {
        // SAFETY: the guest does not run, and the reference ends with the statement.
        if let Some(stop) = unsafe { self.lent.contents() }.stop.take() {
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
    /// The function of an entry that takes these arguments.
    #[inline]
    fn function(&mut self, entry: Entry, args: &[Value]) -> Result<Entered, EngineError> {
        let (export, params) = self
            .exports
            .entry(entry)
            .ok_or_else(|| failed("the program has no such entry".into()))?;
        let given = args.iter().map(|value| value.value_type());
        if !given.eq(params.iter().copied()) {
            return Err(failed(
                "an entry was given arguments that it does not take".into(),
            ));
        }
        if let Some(last) = self.entered
            && last.entry == entry
        {
            return Ok(last);
        }
        let function = self
            .instance
            .get_module_export(&mut self.store, export)
            .and_then(Extern::into_func)
            .ok_or_else(|| failed("an entry is not a function".into()))?;
        let entered = Entered { entry, function };
        self.typed = function.typed(&self.store).ok();
        self.entered = Some(entered);
        Ok(entered)
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
        let entered = live.function(entry, args)?;
        let is_here = self.mode == Mode::Plain && live.stack.is_left();
        let Guest::AtRest(live) = mem::replace(&mut self.guest, Guest::Gone) else {
            return Err(not_at_rest());
        };
        match is_here {
            true => self.call_here(live, run, host, entered, args),
            false => self.call_on_fiber(live, run, host, entered, args),
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
        unsafe { self.idle.make_room(view.bytes()) };
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

fn val(value: &Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(*value),
        Value::I64(value) => Val::I64(*value),
        Value::F32(bits) => Val::F32(*bits),
        Value::F64(bits) => Val::F64(*bits),
    }
}

fn number(val: &Val) -> Result<Value, Error> {
    match val {
        Val::I32(value) => Ok(Value::I32(*value)),
        Val::I64(value) => Ok(Value::I64(*value)),
        Val::F32(bits) => Ok(Value::F32(*bits)),
        Val::F64(bits) => Ok(Value::F64(*bits)),
        _ => Err(Error::msg("an entry returned a value that is not a number")),
    }
}

fn raw(value: &Value) -> ValRaw {
    match value {
        Value::I32(value) => ValRaw::i32(*value),
        Value::I64(value) => ValRaw::i64(*value),
        Value::F32(bits) => ValRaw::f32(*bits),
        Value::F64(bits) => ValRaw::f64(*bits),
    }
}

fn value(value_type: ValueType, cell: &ValRaw) -> Value {
    match value_type {
        ValueType::I32 => Value::I32(cell.get_i32()),
        ValueType::I64 => Value::I64(cell.get_i64()),
        ValueType::F32 => Value::F32(cell.get_f32()),
        ValueType::F64 => Value::F64(cell.get_f64()),
    }
}

impl fmt::Debug for WasmtimeInstance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WasmtimeInstance")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
