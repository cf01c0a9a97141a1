//! wasmi instances, at rest and suspended.

use std::{fmt, mem, sync::Arc};

use fusee_engine::{
    EngineError, Entry, GuestMemory, Host, Instance, Low, Mode, Pause, Program, Run, Step, Value,
    reserved,
};
use wasmi::{Error, F32, F64, Func, Global, ResumableCall, ResumableCallHostTrap, Store, Val};

use crate::{
    error::failed,
    lent::Lent,
    link::{Halt, State, Suspension, grow_memory},
    trap::trap,
};

pub(crate) struct WasmiInstance {
    store: Store<State>,
    instance: wasmi::Instance,
    program: Arc<Program>,
    /// The global to which the guest spills its counter before `unreachable`.
    gas: Global,
    /// The entry of the last call. Looking up an entry is slow, and most calls repeat the last one.
    entered: Option<(Entry, Func)>,
    guest: Guest,
    inputs: Vec<Val>,
    outputs: Vec<Val>,
    mode: Mode,
}

/// The state of the guest.
enum Guest {
    /// At rest: not in a call.
    AtRest,
    /// Suspended in the middle of a call.
    Suspended(ResumableCallHostTrap, Suspension),
    /// Stopped, or in a call. It cannot be entered.
    Gone,
}

/// A store with the run and the host of the current call.
struct Lending<'a>(&'a mut Store<State>);

impl Drop for Lending<'_> {
    fn drop(&mut self) {
        self.0.data_mut().lent = None;
    }
}

/// The result of a call of wasmi.
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
            guest: Guest::AtRest,
            inputs: Vec::new(),
            outputs: Vec::new(),
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

    /// The number of the function's results, not counting the gas.
    fn results(&self, entry: Entry) -> usize {
        match entry {
            Entry::Start => 0,
            Entry::Export(position) => {
                let export = self.program.exports.get(position);
                export.map_or(0, |export| export.results.len())
            }
        }
    }

    /// Runs the guest, from the start of a function or from a suspension. The guest is dropped
    /// unless it returns or is suspended.
    fn go(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        go: impl FnOnce(&mut Store<State>, &[Val], &mut [Val]) -> Result<ResumableCall, Error>,
    ) -> Result<Step, EngineError> {
        let lending = Lending(&mut self.store);
        // SAFETY: `lending` removes the pointers below, or if wasmi panics; the borrows last
        // longer.
        lending.0.data_mut().lent = Some(unsafe { Lent::new(run, host) });
        let returned = go(&mut *lending.0, &self.inputs, &mut self.outputs);
        drop(lending);
        let halt = self.store.data_mut().halt.take();
        self.step(Return::of(returned), halt, run)
    }

    /// Converts the result of wasmi.
    fn step(
        &mut self,
        returned: Return,
        halt: Option<Halt>,
        run: &mut Run,
    ) -> Result<Step, EngineError> {
        match (returned, halt) {
            (Return::Finished, _) => {
                let no_gas = || failed("an entry returned no gas".into());
                let (gas, values) = self.outputs.split_last().ok_or_else(no_gas)?;
                run.meter.note(gas.i64().ok_or_else(no_gas)?);
                run.values.clear();
                for returned in values {
                    run.values.push(value(returned)?);
                }
                self.guest = Guest::AtRest;
                Ok(Step::Returned)
            }
            (_, Some(Halt::Stop(stop))) => Ok(Step::Stopped(stop)),
            (Return::HostTrap(call), Some(Halt::Suspend(suspension))) => {
                self.guest = Guest::Suspended(call, suspension);
                Ok(Step::Suspended(suspension.pause()))
            }
            (_, Some(Halt::Suspend(Suspension::Syscall))) => Err(EngineError::CannotSuspend {
                number: run.request().number,
            }),
            (Return::Failed(error), halt) => match error.as_trap_code() {
                Some(code) if halt.is_none() => {
                    let counter = self.gas.get(&self.store).i64().unwrap_or(0);
                    Ok(Step::Stopped(run.trapped(trap(code)?, counter)))
                }
                _ => Err(failed(Box::new(error))),
            },
            (Return::HostTrap(call), None) => Err(failed(Box::new(call.into_host_error()))),
        }
    }
}

impl Instance for WasmiInstance {
    fn call(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        entry: Entry,
        args: &[Value],
    ) -> Result<Step, EngineError> {
        if !matches!(self.guest, Guest::AtRest) {
            return Err(not_at_rest());
        }
        let function = self.function(entry)?;
        self.guest = Guest::Gone;
        self.inputs.clear();
        self.inputs.extend(args.iter().map(val));
        self.inputs.push(Val::I64(run.meter.hand_out()));
        // The initial values do not matter.
        self.outputs.clear();
        let results = self.results(entry).saturating_add(1);
        self.outputs.resize(results, Val::I64(0));
        let mode = self.mode;
        self.go(run, host, |store, inputs, outputs| match mode {
            Mode::Plain => function
                .call(store, inputs, outputs)
                .map(|()| ResumableCall::Finished),
            Mode::Suspendable => function.call_resumable(store, inputs, outputs),
        })
    }

    fn resume(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        reply: u64,
    ) -> Result<Step, EngineError> {
        let (call, suspension) = match mem::replace(&mut self.guest, Guest::Gone) {
            Guest::Suspended(call, suspension) => (call, suspension),
            other => {
                self.guest = other;
                return Err(failed(
                    "internal error: the instance is not suspended".into(),
                ));
            }
        };
        self.inputs.clear();
        match suspension {
            Suspension::Syscall => self.inputs.extend([
                Val::I64(reply.cast_signed()),
                Val::I64(run.meter.hand_out()),
            ]),
            Suspension::Low { height } => match run.low(run.meter.counter(), height) {
                Low::Continue(counter) => self.inputs.push(Val::I64(counter)),
                Low::Suspend => {
                    self.guest = Guest::Suspended(call, suspension);
                    return Ok(Step::Suspended(Pause::Gas));
                }
                Low::Stop(stop) => return Ok(Step::Stopped(stop)),
            },
        }
        self.go(run, host, |store, inputs, outputs| {
            call.resume(store, inputs, outputs)
        })
    }

    fn memory(&mut self) -> GuestMemory<'_> {
        match self.store.data().memory {
            _ if matches!(self.guest, Guest::Gone) => GuestMemory::none(),
            Some(memory) => GuestMemory::slice(memory.data_mut(&mut self.store)),
            None => GuestMemory::none(),
        }
    }

    fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, EngineError> {
        if !matches!(self.guest, Guest::AtRest) {
            return Err(not_at_rest());
        }
        let most = self.program.maximum_memory_pages();
        grow_memory(&mut self.store, pages, most)
    }

    fn mode(&self) -> Mode {
        self.mode
    }
}

#[cold]
fn not_at_rest() -> EngineError {
    failed("internal error: the instance is not at rest".into())
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

impl fmt::Debug for WasmiInstance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WasmiInstance")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
