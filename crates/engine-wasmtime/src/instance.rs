//! Instances, at rest and parked.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    slice,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fusee_engine::{
    EngineError, Entry, Instance, Low, Mode, Parked, Pause, Run, Source, Step, Stop, Value,
    ValueType,
};
use wasmtime::{Error, Extern, Func, Global, ModuleExport, Store, Val, ValRaw};

use crate::{
    NAME,
    engine::NativeStack,
    link::{Mailbox, MemoryView, Parking, Reply, State},
    module::Exports,
    trap::trap,
};

pub(crate) struct WasmtimeInstance {
    store: Store<State>,
    instance: wasmtime::Instance,
    exports: Arc<Exports>,
    gas: Global,
    mode: Mode,
    stack: NativeStack,
}

struct ParkedCall {
    call: Pin<Box<dyn Future<Output = Return> + Send>>,
    mailbox: Mailbox,
    parking: Parking,
    memory: MemoryView,
}

/// How Wasmtime came back, and what it was lent.
struct Return {
    instance: Box<WasmtimeInstance>,
    result: Result<Vec<Value>, Error>,
}

impl WasmtimeInstance {
    pub(crate) fn new(
        mut store: Store<State>,
        instance: wasmtime::Instance,
        exports: Arc<Exports>,
        mode: Mode,
        stack: NativeStack,
    ) -> Result<Self, EngineError> {
        let mut find = |export: &ModuleExport| instance.get_module_export(&mut store, export);
        let gas = find(&exports.gas)
            .and_then(|gas| gas.into_global())
            .ok_or_else(|| failed("the program exports no gas counter".into()))?;
        let memory = exports.memory.as_ref().and_then(find);
        store.data_mut().memory = memory.and_then(|memory| memory.into_memory());
        Ok(Self {
            store,
            instance,
            exports,
            gas,
            mode,
            stack,
        })
    }

    /// The function of an entry that takes these arguments.
    fn function(&mut self, entry: Entry, args: &[Value]) -> Result<Func, EngineError> {
        let (export, params) = self
            .exports
            .entry(entry)
            .ok_or_else(|| failed("the program has no such entry".into()))?;
        let given = args.iter().map(|value| value.value_type());
        if !given.eq(params.iter().copied()) {
            return Err(failed("an entry was given what it does not take".into()));
        }
        self.instance
            .get_module_export(&mut self.store, export)
            .and_then(Extern::into_func)
            .ok_or_else(|| failed("an entry is not a function".into()))
    }

    /// Calls on the caller's stack.
    fn call_here(mut self: Box<Self>, entry: Entry, function: Func, args: &[Value]) -> Return {
        let results = self.exports.results(entry);
        let mut cells: Vec<ValRaw> = args.iter().map(raw).collect();
        cells.resize(args.len().max(results.len()), ValRaw::i64(0));
        // SAFETY: `function` is of this store. The arguments are of the types that it takes, which
        // was looked at when it was found; and there is a cell for each of them and for each result.
        let result = unsafe { function.call_unchecked(&mut self.store, &raw mut *cells) };
        let typed = results.iter().zip(&cells);
        let values = typed
            .map(|(value_type, cell)| value(*value_type, cell))
            .collect();
        Return {
            result: result.map(|()| values),
            instance: self,
        }
    }

    /// Calls on a stack of the engine's.
    async fn call_on_fiber(
        mut self: Box<Self>,
        entry: Entry,
        function: Func,
        inputs: Vec<Val>,
    ) -> Return {
        let mut outputs = vec![Val::I32(0); self.exports.results(entry).len()];
        let result = function
            .call_async(&mut self.store, &inputs, &mut outputs)
            .await;
        Return {
            result: result.and_then(|()| outputs.iter().map(number).collect()),
            instance: self,
        }
    }

    fn counter(&mut self) -> i64 {
        self.gas.get(&mut self.store).i64().unwrap_or(0)
    }

    fn set_counter(&mut self, counter: i64) -> Result<(), EngineError> {
        self.gas
            .set(&mut self.store, Val::I64(counter))
            .map_err(|error| failed(error.into()))
    }
}

impl Instance for WasmtimeInstance {
    fn call(
        mut self: Box<Self>,
        mut run: Box<Run>,
        entry: Entry,
        args: &[Value],
    ) -> Result<Step, EngineError> {
        let function = self.function(entry, args)?;
        self.set_counter(run.meter.hand_out())?;
        self.store.data_mut().run = Some(run);
        if self.mode == Mode::Plain && self.stack.is_left() {
            return self.call_here(entry, function, args).step();
        }
        let inputs = args.iter().map(val).collect();
        let mailbox = self.store.data().mailbox.clone();
        drive(
            Box::pin(self.call_on_fiber(entry, function, inputs)),
            mailbox,
        )
    }

    fn memory(&mut self) -> &mut [u8] {
        match self.store.data().memory {
            Some(memory) => memory.data_mut(&mut self.store),
            None => &mut [],
        }
    }

    fn mode(&self) -> Mode {
        self.mode
    }
}

impl Return {
    /// What a return of Wasmtime's means.
    fn step(self) -> Result<Step, EngineError> {
        let Self {
            mut instance,
            result,
        } = self;
        let counter = instance.counter();
        let state = instance.store.data_mut();
        let stop = state.stop.take();
        let mut run = state
            .run
            .take()
            .ok_or_else(|| failed("a run was lost".into()))?;
        match (result, stop) {
            (Ok(values), _) => {
                run.meter.note(counter);
                Ok(Step::Returned {
                    instance,
                    run,
                    values,
                })
            }
            (Err(_), Some(stop)) => Ok(Step::Stopped { run, stop }),
            (Err(error), None) => match error.downcast_ref::<wasmtime::Trap>() {
                Some(code) => {
                    let stop: Stop = run.trapped(trap(*code)?, counter);
                    Ok(Step::Stopped { run, stop })
                }
                None => Err(failed(error.into())),
            },
        }
    }
}

impl Parked for ParkedCall {
    fn memory(&mut self) -> &mut [u8] {
        // SAFETY: the view was taken by the host function in which the guest is parked, and `call`
        // keeps that guest's store alive, so that the memory is there. It neither moves nor is it
        // borrowed by anybody while nobody polls `call`, and polling takes `self` by value.
        unsafe { slice::from_raw_parts_mut(self.memory.start.as_ptr(), self.memory.bytes) }
    }

    fn resume(self: Box<Self>, mut run: Box<Run>, reply: u64) -> Result<Step, EngineError> {
        if let Parking::Low { height } = self.parking {
            match run.low(run.meter.counter(), height) {
                Low::Continue(_) => {}
                Low::Park => {
                    return Ok(Step::Parked {
                        parked: self,
                        run,
                        pause: Pause::GasEnd,
                    });
                }
                Low::Stop(stop) => return Ok(Step::Stopped { run, stop }),
            }
        }
        self.mailbox.open().reply = Some(Reply { run, result: reply });
        drive(self.call, Some(self.mailbox))
    }
}

/// Lets the guest run until it ends or is parked.
fn drive(
    mut call: Pin<Box<dyn Future<Output = Return> + Send>>,
    mailbox: Option<Mailbox>,
) -> Result<Step, EngineError> {
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(returned) => returned.step(),
        Poll::Pending => {
            let nothing = || failed("the guest waits for nothing".into());
            let mailbox = mailbox.ok_or_else(nothing)?;
            let mail = mailbox.open().parked.take().ok_or_else(nothing)?;
            let (run, parking, memory) = (mail.run, mail.parking, mail.memory);
            let pause = match parking {
                Parking::Syscall(request) => Pause::Syscall(request),
                Parking::Low { .. } => Pause::GasEnd,
            };
            Ok(Step::Parked {
                parked: Box::new(ParkedCall {
                    call,
                    mailbox,
                    parking,
                    memory,
                }),
                run,
                pause,
            })
        }
    }
}

/// The output of a future that never waits.
pub(crate) fn poll_ready<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::msg(
            "an instance waited for something while it was made",
        )),
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

pub(crate) fn failed(source: Source) -> EngineError {
    EngineError::Engine {
        engine: NAME,
        source,
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

impl fmt::Debug for ParkedCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ParkedCall")
            .field("parking", &self.parking)
            .finish_non_exhaustive()
    }
}
