//! Instances, at rest and parked.

use std::{
    cell::Cell,
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fusee_engine::{
    EngineError, Entry, GuestMemory, Instance, Low, Mode, Parked, Pause, Run, Source, Step, Stop,
    Value, ValueType,
};
use wasmtime::{Error, Extern, Func, Global, ModuleExport, Store, Val, ValRaw};

use crate::{
    NAME,
    engine::{NativeStack, Runtime},
    link::{Parking, State, grow_memory},
    mail::{Mail, Note, Reply},
    module::Exports,
    pool::Idle,
    trap::trap,
    view::MemoryView,
};

pub(crate) struct WasmtimeInstance {
    store: Store<State>,
    instance: wasmtime::Instance,
    exports: Arc<Exports>,
    /// To which the guest spills its gas before it traps by itself.
    gas: Global,
    /// The entry that was called last: it takes a while to find it, and mostly it is called again.
    entered: Option<(Entry, Func)>,
    /// In which arguments and results are handed over.
    cells: Vec<ValRaw>,
    mode: Mode,
    stack: NativeStack,
    idle: Idle,
}

struct ParkedCall {
    call: Call,
    parking: Parking,
    memory: MemoryView,
}

/// How Wasmtime came back, and what it was lent.
struct Return {
    instance: Box<WasmtimeInstance>,
    /// The guest's counter.
    result: Result<i64, Error>,
}

/// A call on a stack of the engine's.
type Call = Pin<Box<dyn Future<Output = Return> + Send>>;

/// How far such a call has come.
enum Polled {
    Returned(Return),
    Parked(Note),
}

impl WasmtimeInstance {
    pub(crate) fn new(
        mut store: Store<State>,
        instance: wasmtime::Instance,
        exports: Arc<Exports>,
        mode: Mode,
        runtime: &Runtime,
    ) -> Result<Self, EngineError> {
        let mut find = |export: &ModuleExport| instance.get_module_export(&mut store, export);
        let gas = find(&exports.gas)
            .and_then(|gas| gas.into_global())
            .ok_or_else(|| failed("the program exports no gas counter".into()))?;
        let memory = exports.memory.as_ref().and_then(find);
        if let Some(memory) = memory.and_then(|memory| memory.into_memory()) {
            State::see(&mut store, memory);
        }
        Ok(Self {
            store,
            instance,
            exports,
            gas,
            entered: None,
            cells: Vec::new(),
            mode,
            stack: runtime.stack,
            idle: runtime.idle.clone(),
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
        if let Some((last, function)) = self.entered
            && last == entry
        {
            return Ok(function);
        }
        let function = self
            .instance
            .get_module_export(&mut self.store, export)
            .and_then(Extern::into_func)
            .ok_or_else(|| failed("an entry is not a function".into()))?;
        self.entered = Some((entry, function));
        Ok(function)
    }

    /// Calls on the caller's stack.
    fn call_here(
        mut self: Box<Self>,
        entry: Entry,
        function: Func,
        args: &[Value],
        gas: i64,
    ) -> Return {
        let Self {
            store,
            exports,
            cells,
            ..
        } = &mut *self;
        let results = exports.results(entry);
        cells.clear();
        cells.extend(args.iter().map(raw));
        cells.push(ValRaw::i64(gas));
        let most = args.len().max(results.len()).saturating_add(1);
        cells.resize(most, ValRaw::i64(0));
        // SAFETY: `function` is of this store. The arguments are of the types that it takes, which
        // was looked at when it was found, and then comes the gas; there is a cell for each of them and for each result.
        let result = unsafe { function.call_unchecked(&mut *store, &raw mut **cells) };
        let result = result.and_then(|()| {
            let typed = results.iter().zip(&*cells);
            let values = typed.map(|(value_type, cell)| value(*value_type, cell));
            store.data_mut().note_values(values);
            let counter = cells.get(results.len()).map(ValRaw::get_i64);
            counter.ok_or_else(no_gas)
        });
        Return {
            result,
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
        let results = self.exports.results(entry).len().saturating_add(1);
        let mut outputs = vec![Val::I64(0); results];
        let result = function
            .call_async(&mut self.store, &inputs, &mut outputs)
            .await;
        let result = result.and_then(|()| {
            let (gas, values) = outputs.split_last().ok_or_else(no_gas)?;
            let values: Vec<Value> = values.iter().map(number).collect::<Result<_, _>>()?;
            self.store.data_mut().note_values(values.into_iter());
            gas.i64().ok_or_else(no_gas)
        });
        Return {
            result,
            instance: self,
        }
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
        let gas = run.meter.hand_out();
        self.store.data_mut().run = Some(run);
        if self.mode == Mode::Plain && self.stack.is_left() {
            return self.call_here(entry, function, args, gas).step();
        }
        let inputs = args.iter().map(val).chain([Val::I64(gas)]).collect();
        let mut call: Call = Box::pin(self.call_on_fiber(entry, function, inputs));
        match poll(&mut call, None)? {
            Polled::Returned(returned) => returned.step(),
            Polled::Parked(Note {
                run,
                parking,
                memory,
            }) => Ok(Step::Parked {
                parked: Box::new(ParkedCall {
                    call,
                    parking,
                    memory,
                }),
                run,
                pause: parking.pause(),
            }),
        }
    }

    fn memory(&mut self) -> GuestMemory<'_> {
        GuestMemory::slice(self.store.data_mut().memory())
    }

    fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, EngineError> {
        let most = self.exports.program.maximum_memory_pages();
        grow_memory(&mut self.store, pages, most)
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
        let state = instance.store.data_mut();
        let stop = state.stop.take();
        let mut run = state
            .run
            .take()
            .ok_or_else(|| failed("a run was lost".into()))?;
        match (result, stop) {
            (Ok(counter), _) => {
                run.meter.note(counter);
                Ok(Step::Returned { instance, run })
            }
            (Err(_), Some(stop)) => Ok(Step::Stopped { run, stop }),
            (Err(error), None) => match error.downcast_ref::<wasmtime::Trap>() {
                Some(code) => {
                    let counter = instance.gas.get(&mut instance.store).i64().unwrap_or(0);
                    let stop: Stop = run.trapped(trap(*code)?, counter);
                    Ok(Step::Stopped { run, stop })
                }
                None => Err(failed(error.into())),
            },
        }
    }
}

impl Parked for ParkedCall {
    fn memory(&mut self) -> GuestMemory<'_> {
        // SAFETY: the view was taken by the host function in which the guest is parked, and `call`
        // keeps that guest's store alive, so that the memory is there. It neither moves nor is it
        // borrowed by anybody while nobody polls `call`, and polling takes `self` by value.
        GuestMemory::slice(unsafe { self.memory.bytes() })
    }

    /// Where it is parked again it keeps its place.
    fn resume(mut self: Box<Self>, mut run: Box<Run>, reply: u64) -> Result<Step, EngineError> {
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
        let reply = Reply { run, result: reply };
        match poll(&mut self.call, Some(reply))? {
            Polled::Returned(returned) => returned.step(),
            Polled::Parked(note) => {
                self.parking = note.parking;
                self.memory = note.memory;
                Ok(Step::Parked {
                    parked: self,
                    run: note.run,
                    pause: note.parking.pause(),
                })
            }
        }
    }
}

impl Drop for WasmtimeInstance {
    fn drop(&mut self) {
        let memory = self.store.data_mut().memory();
        // SAFETY: the store, and with it the guest and whoever looks at its memory, goes with this.
        unsafe { self.idle.make_room(memory) };
    }
}

/// Lets the guest run until it ends or is parked.
fn poll(call: &mut Call, reply: Option<Reply>) -> Result<Polled, EngineError> {
    let mail = Mail {
        note: Cell::new(None),
        reply: Cell::new(reply),
    };
    match mail.poll(|context| call.as_mut().poll(context)) {
        Poll::Ready(returned) => Ok(Polled::Returned(returned)),
        Poll::Pending => match mail.note.take() {
            Some(note) => Ok(Polled::Parked(note)),
            None => Err(failed("the guest waits for nothing".into())),
        },
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

fn no_gas() -> Error {
    Error::msg("an entry returned no gas")
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
