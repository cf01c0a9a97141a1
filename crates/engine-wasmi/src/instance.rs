//! wasmi instances, at rest and suspended.

use std::{fmt, mem, sync::Arc};

use fusee_engine::{
    EngineError, Entry, GuestMemory, Host, Instance, Lease, Low, Mode, Pause, Program, Run, Step,
    Stop, Value,
};
use wasmi::{Error, F32, F64, ResumableCall, ResumableCallHostTrap, Store, Val};

use crate::{
    error::failed,
    lent::Lent,
    link::{Halt, State, Suspension, grow_memory},
    parked::{Parked, ParkedCount},
    resident::Resident,
    trap::trap,
};

pub(crate) struct WasmiInstance {
    resident: Lease<Resident>,
    program: Arc<Program>,
    guest: Guest,
    /// The suspended instances of the engine.
    parked: ParkedCount,
    mode: Mode,
}

/// The state of the guest.
enum Guest {
    /// At rest: not in a call.
    AtRest,
    /// Suspended in the middle of a call.
    Suspended(ResumableCallHostTrap, Suspension, Parked),
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
        resident: Lease<Resident>,
        program: &Arc<Program>,
        parked: &ParkedCount,
        mode: Mode,
    ) -> Self {
        Self {
            resident,
            program: Arc::clone(program),
            guest: Guest::AtRest,
            parked: parked.clone(),
            mode,
        }
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
        let Resident {
            store,
            inputs,
            outputs,
            ..
        } = &mut *self.resident;
        let lending = Lending(store);
        // SAFETY: `lending` removes the pointers below, or if wasmi panics; the borrows last
        // longer.
        lending.0.data_mut().lent = Some(unsafe { Lent::new(run, host) });
        let returned = go(&mut *lending.0, inputs, outputs);
        drop(lending);
        let halt = store.data_mut().halt.take();
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
                let (gas, values) = self.resident.outputs.split_last().ok_or_else(no_gas)?;
                run.meter.note(gas.i64().ok_or_else(no_gas)?);
                run.values.clear();
                for returned in values {
                    run.values.push(value(returned)?);
                }
                self.guest = Guest::AtRest;
                self.resident.set_clean(true);
                Ok(Step::Returned)
            }
            (_, Some(Halt::Stop(stop))) => {
                if matches!(stop, Stop::Return) {
                    self.guest = Guest::AtRest;
                }
                Ok(Step::Stopped(stop))
            }
            (Return::HostTrap(call), Some(Halt::Suspend(suspension))) => {
                let parked = self.parked.park(self.resident.memory().unwrap_or_default());
                self.guest = Guest::Suspended(call, suspension, parked);
                Ok(Step::Suspended(suspension.pause()))
            }
            (_, Some(Halt::Suspend(Suspension::Syscall))) => Err(EngineError::CannotSuspend {
                number: run.request().number,
            }),
            (Return::Failed(error), halt) => match error.as_trap_code() {
                Some(code) if halt.is_none() => {
                    let counter = self.resident.counter();
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
        let function = self.resident.function(entry, &self.program)?;
        self.guest = Guest::Gone;
        self.resident.set_clean(false);
        let results = self.results(entry).saturating_add(1);
        let Resident {
            inputs, outputs, ..
        } = &mut *self.resident;
        inputs.clear();
        inputs.extend(args.iter().map(val));
        inputs.push(Val::I64(run.meter.hand_out()));
        // The initial values do not matter.
        outputs.clear();
        outputs.resize(results, Val::I64(0));
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
        let (call, suspension, parked) = match mem::replace(&mut self.guest, Guest::Gone) {
            Guest::Suspended(call, suspension, parked) => (call, suspension, parked),
            other => {
                self.guest = other;
                return Err(failed(
                    "internal error: the instance is not suspended".into(),
                ));
            }
        };
        let inputs = &mut self.resident.inputs;
        inputs.clear();
        match suspension {
            Suspension::Syscall => inputs.extend([
                Val::I64(reply.cast_signed()),
                Val::I64(run.meter.hand_out()),
            ]),
            Suspension::Low { height } => match run.low(run.meter.counter(), height) {
                Low::Continue(counter) => inputs.push(Val::I64(counter)),
                Low::Suspend => {
                    self.guest = Guest::Suspended(call, suspension, parked);
                    return Ok(Step::Suspended(Pause::Gas));
                }
                Low::Stop(stop) => return Ok(Step::Stopped(stop)),
            },
        }
        drop(parked);
        self.go(run, host, |store, inputs, outputs| {
            call.resume(store, inputs, outputs)
        })
    }

    fn memory(&mut self) -> GuestMemory<'_> {
        if matches!(self.guest, Guest::Gone) {
            return GuestMemory::none();
        }
        match self.resident.memory() {
            Some(memory) => GuestMemory::slice(memory),
            None => GuestMemory::none(),
        }
    }

    fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, EngineError> {
        if !matches!(self.guest, Guest::AtRest) {
            return Err(not_at_rest());
        }
        let most = self.program.maximum_memory_pages();
        grow_memory(&mut self.resident.store, pages, most)
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
