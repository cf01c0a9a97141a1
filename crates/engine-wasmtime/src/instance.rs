//! Instances, at rest and parked.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    slice,
    task::{Context, Poll, Waker},
};

use fusee_engine::{
    EngineError, Instance, Low, Mode, Parked, Pause, Run, Source, Step, Stop, Value, reserved,
};
use wasmtime::{Error, Func, Global, Store, Val};

use crate::{
    NAME,
    engine::{GUEST_STACK_BYTES, HOST_STACK_BYTES},
    link::{Mailbox, MemoryView, Parking, Reply, State},
    trap::trap,
};

pub(crate) struct WasmtimeInstance {
    store: Store<State>,
    instance: wasmtime::Instance,
    gas: Global,
    mode: Mode,
}

struct ParkedCall {
    call: Pin<Box<dyn Future<Output = Return> + Send>>,
    mailbox: Mailbox,
    parking: Parking,
    memory: MemoryView,
}

/// How Wasmtime came back, and what it was lent.
struct Return {
    instance: WasmtimeInstance,
    result: Result<(), Error>,
    outputs: Vec<Val>,
}

impl WasmtimeInstance {
    pub(crate) fn new(
        mut store: Store<State>,
        instance: wasmtime::Instance,
        mode: Mode,
    ) -> Result<Self, EngineError> {
        let gas = instance
            .get_global(&mut store, reserved::GAS)
            .ok_or_else(|| failed("the program exports no gas counter".into()))?;
        Ok(Self {
            store,
            instance,
            gas,
            mode,
        })
    }

    fn function(&mut self, entry: &str) -> Result<(Func, Vec<Val>), EngineError> {
        let function = self
            .instance
            .get_func(&mut self.store, entry)
            .ok_or_else(|| failed(format!("the program exports no function `{entry}`").into()))?;
        let outputs = vec![Val::I32(0); function.ty(&self.store).results().len()];
        Ok((function, outputs))
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
        run: Box<Run>,
        entry: &str,
        args: &[Value],
    ) -> Result<Step, EngineError> {
        let (function, mut outputs) = self.function(entry)?;
        let inputs: Vec<Val> = args.iter().map(val).collect();
        self.set_counter(run.meter.counter())?;
        self.store.data_mut().run = Some(run);
        match self.mode {
            Mode::Plain => {
                let needed = GUEST_STACK_BYTES.saturating_add(HOST_STACK_BYTES);
                let mut enter = || function.call(&mut self.store, &inputs, &mut outputs);
                let result = stacker::maybe_grow(needed, needed.saturating_mul(2), &mut enter);
                Return {
                    instance: *self,
                    result,
                    outputs,
                }
                .step()
            }
            Mode::Suspendable => {
                let mailbox = self.store.data().mailbox.clone();
                let mut instance = *self;
                let call = Box::pin(async move {
                    let result = function
                        .call_async(&mut instance.store, &inputs, &mut outputs)
                        .await;
                    Return {
                        instance,
                        result,
                        outputs,
                    }
                });
                drive(call, mailbox)
            }
        }
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
            outputs,
        } = self;
        let counter = instance.counter();
        let state = instance.store.data_mut();
        let mut run = state
            .run
            .take()
            .ok_or_else(|| failed("a run was lost".into()))?;
        match (result, state.stop.take()) {
            (Ok(()), _) => {
                run.meter.note(counter);
                let values = outputs.iter().map(value).collect::<Result<_, _>>()?;
                Ok(Step::Returned {
                    instance: Box::new(instance),
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
        drive(self.call, self.mailbox)
    }
}

/// Lets the guest run until it ends or is parked.
fn drive(
    mut call: Pin<Box<dyn Future<Output = Return> + Send>>,
    mailbox: Mailbox,
) -> Result<Step, EngineError> {
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(returned) => returned.step(),
        Poll::Pending => {
            let mail = mailbox
                .open()
                .parked
                .take()
                .ok_or_else(|| failed("the guest waits for nothing".into()))?;
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

fn value(val: &Val) -> Result<Value, EngineError> {
    match val {
        Val::I32(value) => Ok(Value::I32(*value)),
        Val::I64(value) => Ok(Value::I64(*value)),
        Val::F32(bits) => Ok(Value::F32(*bits)),
        Val::F64(bits) => Ok(Value::F64(*bits)),
        _ => Err(failed(
            "an entry returned a value that is not a number".into(),
        )),
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
