//! Outcomes: how a run ended or paused, each owning what can come next.
//!
//! Gas is settled in [`settle`], on every way out. Dropping a suspended run destroys it.

use std::{any::Any, mem, sync::Arc};

use fusee_engine::{
    AtGasEnd, EngineError, Entry, Export, Gas, GuestMemory, Host, Instance, Meter, Mode, Module,
    OutOfGas, Parked, Pause, Program, Run, Step, Stop, SyscallRequest, Trap, Value, profile::Place,
};

use crate::{Prepared, RunError, RunRequest, executor::mode, owing::Owing, parking};

/// The export that some toolchains make for what must run before anything else.
const INITIALIZE: &str = "_initialize";

/// How a run ended or paused.
#[derive(Debug)]
pub enum Outcome {
    /// The entry returned, or a syscall ended the run well.
    Finished(Finished),
    /// The guest waits for the answer to a syscall.
    Syscall(Suspended),
    /// The guest waits for more gas; only where the request asked for it.
    GasEnd(GasEnded),
    /// The guest used all its gas.
    OutOfGas(Ended),
    /// The guest failed.
    Trapped(Trap, Ended),
}

/// What is left of a run: its host, and what it used.
#[derive(Debug)]
pub struct Ended {
    run: Box<Run>,
}

/// A run that ended well.
#[derive(Debug)]
pub struct Finished {
    ended: Ended,
    live: Option<LiveInstance>,
}

/// A run that waits for the answer to a syscall.
#[derive(Debug)]
pub struct Suspended {
    parked: ParkedRun,
}

/// A run that waits for more gas.
#[derive(Debug)]
pub struct GasEnded {
    parked: ParkedRun,
}

/// An instance at rest that can be entered: a fresh one, or one whose last run ended well.
#[derive(Debug)]
pub struct LiveInstance {
    rest: Box<Rest>,
    /// None until it is made: by the first run, unless somebody wanted it earlier.
    instance: Option<Box<dyn Instance>>,
}

#[derive(Debug)]
struct ParkedRun {
    parked: Box<dyn Parked>,
    run: Box<Run>,
    rest: Box<Rest>,
}

/// What a run still has to do when the guest returns, and what holds for all runs of an instance. It stays where it is from
/// one to the next: moving it along with each outcome takes longer than the guest does that returns at once.
#[derive(Debug)]
struct Rest {
    /// Its place among the parked, from the first time to its end: whoever goes on can be parked again.
    place: Option<parking::Place>,
    /// What it still has to enter, the last first: only a fresh instance has more than one entry.
    entries: Vec<(Entry, Vec<Value>)>,
    prepared: Arc<Prepared>,
    module: Arc<dyn Module>,
    slice: Gas,
    /// Whether a run of the program may be parked at a syscall.
    may_suspend: bool,
    /// Whether no run has entered the instance yet.
    is_new: bool,
    /// Whether the instance is paid for.
    is_paid: bool,
    /// The entry that was asked for last: mostly it is asked for again.
    asked: Option<usize>,
    /// The run before this one, whose place the next one takes.
    spare: Option<Box<Run>>,
}

impl Ended {
    /// The gas that the run used, making the instance included.
    #[must_use]
    pub fn gas_used(&self) -> Gas {
        self.run.meter.limit().saturating_sub(self.gas_left())
    }

    /// The gas that the run was given and did not use.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.run.meter.left()
    }

    /// The host, back from the run.
    #[must_use]
    pub fn into_host(mut self) -> Box<dyn Host> {
        self.run.release()
    }
}

impl Finished {
    /// What the entry returned; nothing if a syscall ended the run.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.ended.run.values
    }

    /// The gas that the run used, making the instance included.
    #[must_use]
    pub fn gas_used(&self) -> Gas {
        self.ended.gas_used()
    }

    /// The gas that the run was given and did not use.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.ended.gas_left()
    }

    /// The host, back from the run.
    #[must_use]
    pub fn into_host(self) -> Box<dyn Host> {
        self.ended.into_host()
    }

    /// The instance with its memory as the run left it, to be entered again; `None` if a syscall
    /// ended the run in the middle of a function. And the host.
    #[must_use]
    pub fn recycle(self) -> (Option<LiveInstance>, Box<dyn Host>) {
        let Self { ended, live } = self;
        let mut run = ended.run;
        let host = run.release();
        let live = live.map(|mut live| {
            live.rest.spare = Some(run);
            live
        });
        (live, host)
    }
}

impl Suspended {
    /// What the guest asked.
    #[must_use]
    pub const fn request(&self) -> SyscallRequest {
        self.parked.run.request()
    }

    /// The guest's whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.parked.parked.memory()
    }

    /// The host, if it is a `T`.
    pub fn host<T: Host>(&mut self) -> Option<&mut T> {
        let host: &mut dyn Any = self.parked.run.host.as_mut();
        host.downcast_mut()
    }

    /// The gas that the guest has left.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.parked.run.meter.left()
    }

    /// Takes `price` from the guest's gas.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if that leaves less than none; the caller goes on with [`out_of_gas`](Self::out_of_gas).
    pub fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.parked.run.meter.charge(price)
    }

    /// Leaves the guest `gas`, more or less than it had. What it has used so far stays used.
    pub fn set_gas(&mut self, gas: Gas) {
        self.parked.run.meter.set_left(gas);
    }

    /// Goes on, with `reply` as the result of the syscall.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if the host fails.
    pub fn resume(self, reply: u64) -> Result<Outcome, RunError> {
        self.parked.run.leave();
        self.parked.resume(reply)
    }

    /// Ends the run: the syscall costs more gas than is left.
    #[must_use]
    pub fn out_of_gas(self) -> Outcome {
        out_of_gas(self.parked.run)
    }

    /// Ends the run as a host function would that says so: well, in a trap, out of gas, or as a fault of the host.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] for a fault of the host, and for [`Stop::Suspend`], which ends nothing.
    pub fn stop(self, stop: Stop) -> Result<Outcome, RunError> {
        stopped(self.parked.run, stop)
    }

    /// Ends the run: the guest may not make the syscall so.
    #[must_use]
    pub fn trap(self, trap: Trap) -> Outcome {
        Outcome::Trapped(trap, settle(self.parked.run))
    }
}

impl GasEnded {
    /// The guest's whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.parked.parked.memory()
    }

    /// Goes on with `more` gas. If that is less than the guest owes, it is parked again.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if the host fails.
    pub fn resume_with(mut self, more: Gas) -> Result<Outcome, RunError> {
        self.parked.run.meter.top_up(more);
        self.parked.resume(0)
    }

    /// Ends the run.
    #[must_use]
    pub fn out_of_gas(self) -> Outcome {
        out_of_gas(self.parked.run)
    }
}

impl LiveInstance {
    pub(crate) fn new(prepared: Arc<Prepared>, module: Arc<dyn Module>, slice: Gas) -> Self {
        Self {
            rest: Box::new(Rest {
                may_suspend: prepared.program().may_suspend(),
                is_new: true,
                is_paid: false,
                asked: None,
                spare: None,
                place: None,
                entries: Vec::new(),
                prepared,
                module,
                slice,
            }),
            instance: None,
        }
    }

    /// What it is an instance of.
    #[must_use]
    pub fn program(&self) -> &Program {
        self.rest.prepared.program()
    }

    /// The guest's whole memory; empty before the instance is made.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        match &mut self.instance {
            Some(instance) => instance.memory(),
            None => GuestMemory::none(),
        }
    }

    /// Enters the instance. The first run of an instance pays for making it, and runs the program's
    /// start function and `_initialize` before the entry.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the request does not fit the program, or the host fails.
    pub fn run(
        mut self,
        request: RunRequest<'_>,
        host: Box<dyn Host>,
    ) -> Result<Outcome, RunError> {
        let program = self.rest.prepared.program();
        let asked = find_entry(program, self.rest.asked, &request)?;
        self.rest.asked = Some(asked);
        self.enter(Some(asked), request, host)
    }

    /// Makes the instance, and runs the program's start function and `_initialize`, but no entry: the request's entry and arguments are
    /// not looked at. It finishes without values, and can be parked before that. An instance that was run before is as it was.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the host fails.
    pub fn initialize(
        self,
        request: RunRequest<'_>,
        host: Box<dyn Host>,
    ) -> Result<Outcome, RunError> {
        self.enter(None, request, host)
    }

    /// Makes the instance now, for runs like `request`, so that its memory can be read and written before the first run: with the program's data in it.
    /// No code runs. The first run does not pay for it: whoever makes it charges [`Program::instance_gas`] to whom it likes. An instance that
    /// there is stays as it is.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if it cannot be made.
    pub fn make(&mut self, request: &RunRequest<'_>) -> Result<(), RunError> {
        if self.instance.is_none() {
            let mode = mode(self.rest.may_suspend, request);
            self.instance = Some(self.rest.prepared.instantiate(&self.rest.module, mode)?);
            self.rest.is_paid = true;
        }
        Ok(())
    }

    /// Grows the guest's memory by so many pages, without gas: the pages that there were. `None` if the guest has no memory yet, or the
    /// rules or the program do not let it grow so far.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if the system has no memory for it.
    pub fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, RunError> {
        match &mut self.instance {
            Some(instance) => Ok(instance.grow_memory(pages)?),
            None => Ok(None),
        }
    }

    fn enter(
        self,
        asked: Option<usize>,
        request: RunRequest<'_>,
        host: Box<dyn Host>,
    ) -> Result<Outcome, RunError> {
        let Self { mut rest, instance } = self;
        let program = rest.prepared.program();
        let needed = mode(rest.may_suspend, &request);
        let meter = Meter::new(
            request.gas,
            rest.slice,
            request.at_gas_end,
            request.interrupt,
        );
        let mut run = match rest.spare.take() {
            Some(mut run) => {
                run.renew(host, meter, request.profiler);
                run
            }
            None => Box::new(Run::new(host, meter, request.profiler)),
        };
        let mut first = asked.map(|entry| (Entry::Export(entry), request.args));
        if mem::take(&mut rest.is_new) {
            if !mem::replace(&mut rest.is_paid, true) {
                run.enter(Place::Instance);
                if run.meter.charge(program.instance_gas).is_err() {
                    return Ok(out_of_gas(run));
                }
                run.leave();
            }
            let mut enter_before = |entry| {
                if let Some((entry, args)) = first.replace((entry, &[])) {
                    rest.entries.push((entry, args.to_vec()));
                }
            };
            // Whoever asks for it by name gets it once, too.
            if let Some(entry) = initializer(program).filter(|entry| Some(*entry) != asked) {
                enter_before(Entry::Export(entry));
            }
            if program.has_start {
                enter_before(Entry::Start);
            }
        }
        let instance = match instance {
            Some(instance) if instance.mode() == Mode::Plain && needed == Mode::Suspendable => {
                return Err(RunError::PlainInstance);
            }
            Some(instance) => instance,
            None => rest.prepared.instantiate(&rest.module, needed)?,
        };
        let step = match first {
            Some((entry, args)) => instance.call(run, entry, args)?,
            None => Step::Returned { instance, run },
        };
        rest.advance(step)
    }
}

impl ParkedRun {
    fn resume(self, reply: u64) -> Result<Outcome, RunError> {
        let step = self.parked.resume(self.run, reply)?;
        self.rest.advance(step)
    }
}

impl Rest {
    fn advance(mut self: Box<Self>, mut step: Step) -> Result<Outcome, RunError> {
        loop {
            match step {
                Step::Returned { instance, run } if run.meter.is_overdrawn() => {
                    match run.meter.at_gas_end() {
                        AtGasEnd::Stop => return Ok(out_of_gas(run)),
                        AtGasEnd::Suspend => {
                            step = Step::Parked {
                                parked: Box::new(Owing { instance }),
                                run,
                                pause: Pause::GasEnd,
                            };
                        }
                    }
                }
                Step::Returned { instance, run } => match self.entries.pop() {
                    Some((entry, args)) => step = instance.call(run, entry, &args)?,
                    None => return Ok(self.finished(run, instance)),
                },
                Step::Parked { parked, run, pause } => {
                    if self.place.is_none() {
                        self.place = Some(self.prepared.parking_lot().take()?);
                    }
                    let parked = ParkedRun {
                        parked,
                        run,
                        rest: self,
                    };
                    return Ok(match pause {
                        Pause::Syscall => Outcome::Syscall(Suspended { parked }),
                        Pause::GasEnd => Outcome::GasEnd(GasEnded { parked }),
                    });
                }
                Step::Stopped { run, stop } => return stopped(run, stop),
            }
        }
    }

    /// The entry has returned. No entry is left; the place among the parked is free for others.
    fn finished(mut self: Box<Self>, run: Box<Run>, instance: Box<dyn Instance>) -> Outcome {
        self.place = None;
        Outcome::Finished(Finished {
            ended: settle(run),
            live: Some(LiveInstance {
                rest: self,
                instance: Some(instance),
            }),
        })
    }
}

fn stopped(mut run: Box<Run>, stop: Stop) -> Result<Outcome, RunError> {
    match stop {
        // Only a run that is parked where its gas ends can owe here; there is nothing left to park.
        Stop::Finish if run.meter.is_overdrawn() => Ok(out_of_gas(run)),
        Stop::Finish => {
            // What an entry before this one returned is not what this one did.
            run.values.clear();
            Ok(Outcome::Finished(Finished {
                ended: settle(run),
                live: None,
            }))
        }
        Stop::OutOfGas => Ok(out_of_gas(run)),
        Stop::Trap(trap) => Ok(Outcome::Trapped(trap, settle(run))),
        Stop::Fail(error) => Err(error.into()),
        _ => Err(
            EngineError::Host("a host function stopped the guest for no known reason".into())
                .into(),
        ),
    }
}

/// Whoever uses more than the limit has used the limit.
fn out_of_gas(mut run: Box<Run>) -> Outcome {
    run.meter.forfeit();
    Outcome::OutOfGas(settle(run))
}

/// The one place where a run's gas is settled.
fn settle(mut run: Box<Run>) -> Ended {
    run.end();
    Ended { run }
}

/// The position of the export that is asked for, if it takes the arguments that it is given. The one that was asked for last is looked
/// at first.
fn find_entry(
    program: &Program,
    last: Option<usize>,
    request: &RunRequest<'_>,
) -> Result<usize, RunError> {
    let name = || request.entry.to_owned();
    let is_asked = |export: &Export| export.name == request.entry;
    let at = |position: usize| Some((position, program.exports.get(position)?));
    let again = last.and_then(at).filter(|(_, export)| is_asked(export));
    let mut exports = program.exports.iter().enumerate();
    let (position, export) = again
        .or_else(|| exports.find(|(_, export)| is_asked(export)))
        .ok_or_else(|| RunError::UnknownEntry { name: name() })?;
    if !program.takes(export, request.args) {
        let given = request.args.iter().map(|value| value.value_type());
        return Err(RunError::Arguments {
            name: name(),
            expected: export.params.clone(),
            given: given.collect(),
        });
    }
    Ok(position)
}

/// The position of the export that must run before any other.
fn initializer(program: &Program) -> Option<usize> {
    let mut exports = program.exports.iter();
    exports.position(|export| export.name == INITIALIZE && export.params.is_empty())
}
