//! Instances, at rest and parked.

use std::{fmt, sync::Arc};

use fusee_engine::{
    EngineError, Entry, GuestMemory, Instance, Low, Mode, Parked, Pause, Program, Run, Source,
    Step, Value, reserved,
};
use wasmi::{Error, F32, F64, Func, Global, ResumableCall, ResumableCallHostTrap, Store, Val};

use crate::{
    NAME,
    link::{Halt, Parking, State, grow_memory},
    trap::trap,
};

pub(crate) struct WasmiInstance {
    store: Store<State>,
    instance: wasmi::Instance,
    program: Arc<Program>,
    /// To which the guest spills its gas before it traps by itself.
    gas: Global,
    /// The entry that was called last: it takes a while to find it, and mostly it is called again.
    entered: Option<(Entry, Func)>,
    mode: Mode,
}

struct ParkedCall {
    instance: WasmiInstance,
    call: ResumableCallHostTrap,
    parking: Parking,
    outputs: Vec<Val>,
}

/// How wasmi came back.
enum Return {
    Finished,
    HostTrap(ResumableCallHostTrap),
    Failed(Error),
}

impl WasmiInstance {
    pub(crate) fn new(
        store: Store<State>,
        instance: wasmi::Instance,
        program: &Arc<Program>,
        mode: Mode,
    ) -> Result<Self, EngineError> {
        let gas = instance
            .get_global(&store, reserved::GAS)
            .ok_or_else(|| failed("the program exports no gas counter".into()))?;
        Ok(Self {
            store,
            instance,
            program: Arc::clone(program),
            gas,
            entered: None,
            mode,
        })
    }

    fn function(&mut self, entry: Entry) -> Result<Func, EngineError> {
        if let Some((last, function)) = self.entered
            && last == entry
        {
            return Ok(function);
        }
        let name = match entry {
            Entry::Start => Some(reserved::START),
            Entry::Export(position) => {
                let export = self.program.exports.get(position);
                export.map(|export| export.name.as_str())
            }
        };
        let function = name
            .and_then(|name| self.instance.get_func(&self.store, name))
            .ok_or_else(|| failed("the program has no such entry".into()))?;
        self.entered = Some((entry, function));
        Ok(function)
    }

    /// How many values that function returns beside the gas.
    fn results(&self, entry: Entry) -> usize {
        match entry {
            Entry::Start => 0,
            Entry::Export(position) => {
                let export = self.program.exports.get(position);
                export.map_or(0, |export| export.results.len())
            }
        }
    }

    fn enter(&mut self, function: Func, inputs: &[Val], outputs: &mut [Val]) -> Return {
        let result = match self.mode {
            Mode::Plain => function
                .call(&mut self.store, inputs, outputs)
                .map(|()| ResumableCall::Finished),
            Mode::Suspendable => function.call_resumable(&mut self.store, inputs, outputs),
        };
        Return::of(result)
    }

    /// What a return of wasmi's means.
    fn step(mut self: Box<Self>, returned: Return, outputs: Vec<Val>) -> Result<Step, EngineError> {
        let mut run = self
            .store
            .data_mut()
            .run
            .take()
            .ok_or_else(|| failed("a run was lost".into()))?;
        match (returned, self.store.data_mut().halt.take()) {
            (Return::Finished, _) => {
                let no_gas = || failed("an entry returned no gas".into());
                let (gas, values) = outputs.split_last().ok_or_else(no_gas)?;
                run.meter.note(gas.i64().ok_or_else(no_gas)?);
                run.values.clear();
                for returned in values {
                    run.values.push(value(returned)?);
                }
                Ok(Step::Returned {
                    instance: self,
                    run,
                })
            }
            (_, Some(Halt::Stop(stop))) => Ok(Step::Stopped { run, stop }),
            (Return::HostTrap(call), Some(Halt::Park(parking))) => {
                let parked = Box::new(ParkedCall {
                    instance: *self,
                    call,
                    parking,
                    outputs,
                });
                Ok(Step::Parked {
                    parked,
                    run,
                    pause: parking.pause(),
                })
            }
            (_, Some(Halt::Park(Parking::Syscall))) => Err(EngineError::CannotSuspend {
                number: run.request().number,
            }),
            (Return::Failed(error), halt) => match error.as_trap_code() {
                Some(code) if halt.is_none() => {
                    let counter = self.gas.get(&self.store).i64().unwrap_or(0);
                    let stop = run.trapped(trap(code)?, counter);
                    Ok(Step::Stopped { run, stop })
                }
                _ => Err(failed(Box::new(error))),
            },
            (Return::HostTrap(call), None) => Err(failed(Box::new(call.into_host_error()))),
        }
    }
}

impl Instance for WasmiInstance {
    fn call(
        mut self: Box<Self>,
        mut run: Box<Run>,
        entry: Entry,
        args: &[Value],
    ) -> Result<Step, EngineError> {
        let function = self.function(entry)?;
        let gas = Val::I64(run.meter.hand_out());
        let inputs: Vec<Val> = args.iter().map(val).chain([gas]).collect();
        // What they are before the call does not matter.
        let mut outputs = vec![Val::I64(0); self.results(entry).saturating_add(1)];
        self.store.data_mut().run = Some(run);
        let returned = self.enter(function, &inputs, &mut outputs);
        self.step(returned, outputs)
    }

    fn memory(&mut self) -> GuestMemory<'_> {
        match self.store.data().memory {
            Some(memory) => GuestMemory::slice(memory.data_mut(&mut self.store)),
            None => GuestMemory::none(),
        }
    }

    fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, EngineError> {
        let most = self.program.maximum_memory_pages();
        grow_memory(&mut self.store, pages, most)
    }

    fn mode(&self) -> Mode {
        self.mode
    }
}

impl Parked for ParkedCall {
    fn memory(&mut self) -> GuestMemory<'_> {
        self.instance.memory()
    }

    fn resume(mut self: Box<Self>, mut run: Box<Run>, reply: u64) -> Result<Step, EngineError> {
        let inputs: &[Val] = match self.parking {
            Parking::Syscall => &[
                Val::I64(reply.cast_signed()),
                Val::I64(run.meter.hand_out()),
            ],
            Parking::Low { height } => match run.low(run.meter.counter(), height) {
                Low::Continue(counter) => &[Val::I64(counter)],
                Low::Park => {
                    return Ok(Step::Parked {
                        parked: self,
                        run,
                        pause: Pause::GasEnd,
                    });
                }
                Low::Stop(stop) => return Ok(Step::Stopped { run, stop }),
            },
        };
        self.instance.store.data_mut().run = Some(run);
        let Self {
            mut instance,
            call,
            mut outputs,
            ..
        } = *self;
        let returned = Return::of(call.resume(&mut instance.store, inputs, &mut outputs));
        Box::new(instance).step(returned, outputs)
    }
}

impl Return {
    fn of(result: Result<ResumableCall, Error>) -> Self {
        match result {
            Ok(ResumableCall::Finished) => Return::Finished,
            Ok(ResumableCall::HostTrap(call)) => Return::HostTrap(call),
            Ok(ResumableCall::OutOfFuel(_)) => Return::Failed(Error::new("fuel is off")),
            Err(error) => Return::Failed(error),
        }
    }
}

fn val(value: &Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(*value),
        Value::I64(value) => Val::I64(*value),
        Value::F32(bits) => Val::F32(F32::from_bits(*bits)),
        Value::F64(bits) => Val::F64(F64::from_bits(*bits)),
    }
}

fn value(val: &Val) -> Result<Value, EngineError> {
    match val {
        Val::I32(value) => Ok(Value::I32(*value)),
        Val::I64(value) => Ok(Value::I64(*value)),
        Val::F32(value) => Ok(Value::F32(value.to_bits())),
        Val::F64(value) => Ok(Value::F64(value.to_bits())),
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

impl fmt::Debug for WasmiInstance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WasmiInstance")
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
