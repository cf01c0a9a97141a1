//! A guest: an instance, its run, and what it still has to do. The part of a run that does not
//! depend on the type of its host.
//!
//! It is boxed once and stays where it is from one run of its instance to the next: moving it with
//! each outcome would take longer than a guest that returns at once.

use std::{mem, sync::Arc};

use fusee_engine::{
    EngineError, Entry, Gas, GuestMemory, Host, Instance, Meter, Mode, Module, OutOfGas,
    OutOfGasPolicy, PAGE_BYTES, Pause, Program, Run, Step, Stop, Trap, Value, profile::ProfileSpan,
};

use crate::{PreparedProgram, RunError, RunRequest, request::mode, short_calls::CallSummary};

/// The export of some toolchains that must run before any other.
const INITIALIZE: &str = "_initialize";

/// An instance and its run.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) run: Run,
    /// `None` before it is created, by the first run or by `make`, and again after a run that did
    /// not finish and that the instance does not survive.
    instance: Option<Box<dyn Instance>>,
    /// Whether the run is counted among the suspended ones: from its first suspension to its end,
    /// since a resumed run can be suspended again.
    is_counted: bool,
    /// The entries that are still to be called, the last first: only a fresh instance has more
    /// than one.
    entries: Vec<(Entry, Vec<Value>)>,
    program: Arc<PreparedProgram>,
    module: Arc<dyn Module>,
    /// Whether a run of the program may be suspended at a syscall.
    may_suspend: bool,
    /// Whether no run has entered the instance yet.
    is_new: bool,
    /// Whether the instantiation is paid for.
    is_paid: bool,
    /// Whether the instance outlives a run that does not finish, where its engine can do that.
    is_persistent: bool,
    /// Whether the entry has returned, and the guest still owes gas.
    owes: bool,
    /// The export that was asked for last. In most cases it is asked for again.
    asked: Option<usize>,
    /// Whether its gas counts towards the compilation of the program.
    earns_compilation: bool,
    /// The gas of the run that was charged while the guest was suspended: what its callees used,
    /// which counts for their programs.
    charged: Gas,
    /// Whether its calls tell which of the program's calls are short.
    notes_calls: bool,
    /// The export that its first run asked for.
    first_asked: Option<usize>,
    /// The gas of operators of the runs before this one.
    computed: Gas,
}

/// How far a guest came.
// With a discriminant of a whole word: a processor cannot forward a byte from its store buffer to a
// load of the word around it.
#[repr(u64)]
#[derive(Debug)]
pub(crate) enum Reached {
    Finished,
    Syscall,
    Gas,
    OutOfGas,
    Trapped(Trap),
}

impl Guest {
    pub(crate) fn new(program: Arc<PreparedProgram>, module: Arc<dyn Module>, slice: Gas) -> Self {
        let meter = Meter::new(Gas::ZERO, slice, OutOfGasPolicy::Stop, None);
        Self {
            run: Run::new(meter, None),
            instance: None,
            is_counted: false,
            entries: Vec::new(),
            may_suspend: program.program().may_suspend(),
            earns_compilation: program.earns_compilation(&module),
            charged: Gas::ZERO,
            notes_calls: program.notes_calls(&module).is_some(),
            first_asked: None,
            computed: Gas::ZERO,
            program,
            module,
            is_new: true,
            is_paid: false,
            is_persistent: false,
            owes: false,
            asked: None,
        }
    }

    pub(crate) fn program(&self) -> &Program {
        self.program.program()
    }

    /// Whether it can be entered again.
    pub(crate) const fn is_live(&self) -> bool {
        self.instance.is_some()
    }

    pub(crate) fn memory(&mut self) -> GuestMemory<'_> {
        match &mut self.instance {
            Some(instance) => instance.memory(),
            None => GuestMemory::none(),
        }
    }

    pub(crate) fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, RunError> {
        match &mut self.instance {
            Some(instance) => Ok(instance.grow_memory(pages)?),
            None => Ok(None),
        }
    }

    /// Makes the instance for a run like `request`, which then does not pay for it.
    pub(crate) fn make(&mut self, request: &RunRequest<'_>) -> Result<(), RunError> {
        if self.instance.is_none() {
            let mode = mode(self.may_suspend, request);
            self.instance = Some(self.program.instantiate(&self.module, mode)?);
            self.is_paid = true;
        }
        Ok(())
    }

    /// Makes the instance, of which each run is one call of the entry, and which outlives runs that
    /// do not finish.
    pub(crate) fn make_persistent(&mut self, request: &RunRequest<'_>) -> Result<(), RunError> {
        self.make(request)?;
        self.is_new = false;
        self.is_persistent = true;
        Ok(())
    }

    /// Begins a run at the entry that the request names.
    pub(crate) fn call(
        &mut self,
        request: &mut RunRequest<'_>,
        host: &mut (dyn Host + 'static),
    ) -> Result<Reached, RunError> {
        let asked = find_entry(self.program.program(), self.asked, request)?;
        self.asked = Some(asked);
        self.begin(Some(asked), request, host)
    }

    /// Begins a run, at an export or only at what a fresh instance runs first.
    // Inlined, as what follows a step is: their frames would take a fifth of a short call.
    #[inline(always)]
    pub(crate) fn begin(
        &mut self,
        asked: Option<usize>,
        request: &mut RunRequest<'_>,
        host: &mut (dyn Host + 'static),
    ) -> Result<Reached, RunError> {
        let needed = mode(self.may_suspend, request);
        self.earn_compilation();
        if self.notes_calls {
            self.first_asked = self.first_asked.or(asked);
            let computed = self.run.meter.used_by_operators();
            self.computed = self.computed.saturating_add(computed);
        }
        self.run.renew(
            request.gas,
            request.out_of_gas_policy,
            request.interrupt,
            request.profiler.take(),
        );
        let step = match (mem::take(&mut self.is_new), asked) {
            (true, _) => return self.begin_first(asked, needed, request, host),
            (false, Some(asked)) => {
                let Some(instance) = &mut self.instance else {
                    return Err(no_instance());
                };
                if instance.mode() == Mode::Plain && needed == Mode::Suspendable {
                    return Err(RunError::NotSuspendable);
                }
                instance.call(&mut self.run, host, Entry::Export(asked), request.args)
            }
            (false, None) => Ok(Step::Returned),
        };
        self.after(step, host)
    }

    /// Begins the first run of an instance, which pays for it.
    fn begin_first(
        &mut self,
        asked: Option<usize>,
        needed: Mode,
        request: &RunRequest<'_>,
        host: &mut (dyn Host + 'static),
    ) -> Result<Reached, RunError> {
        let instantiation_gas = match mem::replace(&mut self.is_paid, true) {
            true => Gas::ZERO,
            false => self.program.program().instantiation_gas,
        };
        for (span, price) in [
            (ProfileSpan::Loading, request.loading_gas),
            (ProfileSpan::Instance, instantiation_gas),
        ] {
            self.run.enter(span);
            if self.run.meter.charge(price).is_err() {
                return Ok(self.gone(Reached::OutOfGas));
            }
            self.run.leave();
        }
        let first = asked.map(|entry| (Entry::Export(entry), request.args));
        let first = self.prepend_initializers(first, asked);
        let instance = match &mut self.instance {
            Some(instance) if instance.mode() == Mode::Plain && needed == Mode::Suspendable => {
                return Err(RunError::NotSuspendable);
            }
            Some(instance) => instance,
            none => none.insert(self.program.instantiate(&self.module, needed)?),
        };
        let step = match first {
            Some((entry, args)) => instance.call(&mut self.run, host, entry, args),
            None => Ok(Step::Returned),
        };
        self.after(step, host)
    }

    /// Continues after a step. The common ones are recognised where they are: moving a step takes
    /// longer than the rest of a call.
    #[inline(always)]
    fn after(
        &mut self,
        step: Result<Step, EngineError>,
        host: &mut (dyn Host + 'static),
    ) -> Result<Reached, RunError> {
        match &step {
            Ok(Step::Returned) if self.entries.is_empty() && !self.run.meter.is_overdrawn() => {
                self.release();
                Ok(Reached::Finished)
            }
            Ok(Step::Suspended(Pause::Syscall)) => self.suspend(Reached::Syscall),
            _ => self.advance(step?, host),
        }
    }

    /// Puts the program's start function and `_initialize` before the first entry.
    fn prepend_initializers<'a>(
        &mut self,
        first: Option<(Entry, &'a [Value])>,
        asked: Option<usize>,
    ) -> Option<(Entry, &'a [Value])> {
        let mut first = first;
        let program = self.program.program();
        let takes_nothing = |position: &usize| {
            let export = program.exports.get(*position);
            export.is_some_and(|export| export.params.is_empty())
        };
        let initializer = program.exports.position(INITIALIZE).filter(takes_nothing);
        // Asking for it by name runs it once, too.
        let initializer = initializer.filter(|entry| Some(*entry) != asked);
        let start = program.has_start.then_some(Entry::Start);
        for entry in initializer.map(Entry::Export).into_iter().chain(start) {
            if let Some((later, args)) = first.replace((entry, &[])) {
                self.entries.push((later, args.to_vec()));
            }
        }
        first
    }

    /// Continues after a suspension.
    pub(crate) fn resume(
        &mut self,
        host: &mut (dyn Host + 'static),
        reply: u64,
    ) -> Result<Reached, RunError> {
        let step = match &mut self.instance {
            _ if mem::take(&mut self.owes) => Ok(Step::Returned),
            Some(instance) => instance.resume(&mut self.run, host, reply),
            None => return Err(no_instance()),
        };
        self.after(step, host)
    }

    fn advance(
        &mut self,
        mut step: Step,
        host: &mut (dyn Host + 'static),
    ) -> Result<Reached, RunError> {
        loop {
            match step {
                Step::Returned if self.run.meter.is_overdrawn() => {
                    return match self.run.meter.out_of_gas_policy() {
                        OutOfGasPolicy::Stop => Ok(self.gone(Reached::OutOfGas)),
                        OutOfGasPolicy::Suspend => {
                            self.owes = true;
                            self.suspend(Reached::Gas)
                        }
                    };
                }
                Step::Returned => match (self.entries.pop(), &mut self.instance) {
                    (Some((entry, args)), Some(instance)) => {
                        step = instance.call(&mut self.run, host, entry, &args)?;
                    }
                    _ => {
                        self.release();
                        return Ok(Reached::Finished);
                    }
                },
                Step::Suspended(Pause::Syscall) => return self.suspend(Reached::Syscall),
                Step::Suspended(Pause::Gas) => return self.suspend(Reached::Gas),
                Step::Stopped(Stop::Return)
                    if self.entries.is_empty() && !self.run.meter.is_overdrawn() =>
                {
                    self.run.values.clear();
                    self.release();
                    return Ok(Reached::Finished);
                }
                Step::Stopped(stop) => return self.stopped(stop),
            }
        }
    }

    fn suspend(&mut self, reached: Reached) -> Result<Reached, RunError> {
        if !self.is_counted {
            self.program.runs().suspend()?;
            self.is_counted = true;
        }
        Ok(reached)
    }

    /// Charges a suspended guest.
    pub(crate) fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.charged = self.charged.saturating_add(price);
        self.run.meter.charge(price)
    }

    /// Counts the gas of the last run towards the compilation of the program.
    #[inline]
    fn earn_compilation(&mut self) {
        if self.earns_compilation {
            let charged = mem::replace(&mut self.charged, Gas::ZERO);
            let used = self.run.meter.used().saturating_sub(charged);
            self.program.add_interpreted(used);
        }
    }

    /// Notes what the instance did, which ends.
    fn note_calls(&mut self) {
        let Some(short_calls) = self.program.short_calls().filter(|_| self.notes_calls) else {
            return;
        };
        let Some(export) = self.first_asked else {
            return;
        };
        let memory = self.program.program().memory;
        let initial = memory.map_or(0, |memory| {
            u64::from(memory.initial).saturating_mul(PAGE_BYTES)
        });
        // If a trap or the end of the gas destroyed the instance, it counts as not grown.
        let instance = self.instance.as_mut();
        let has_grown = instance.is_some_and(|instance| instance.memory().bytes() > initial);
        let computed = self.run.meter.used_by_operators();
        short_calls.note(CallSummary {
            export,
            computed: self.computed.saturating_add(computed),
            has_grown,
        });
    }

    /// The run has ended.
    #[inline]
    fn release(&mut self) {
        if mem::take(&mut self.is_counted) {
            self.program.runs().resumed();
        }
    }

    /// The meaning of a stop. The instance is gone, unless it is persistent.
    pub(crate) fn stopped(&mut self, stop: Stop) -> Result<Reached, RunError> {
        let reached = match stop {
            // Only a run that is suspended at the end of its gas can owe here. Nothing is left to
            // suspend.
            Stop::Finish | Stop::Return if self.run.meter.is_overdrawn() => Reached::OutOfGas,
            Stop::Finish | Stop::Return => {
                // The results of an entry before this one are not its results.
                self.run.values.clear();
                Reached::Finished
            }
            Stop::OutOfGas => Reached::OutOfGas,
            Stop::Trap(trap) => Reached::Trapped(trap),
            Stop::Fail(error) => return Err(error.into()),
            _ => {
                let why = "the host returned an unsupported `Stop` variant";
                return Err(EngineError::Host(why.into()).into());
            }
        };
        Ok(self.gone(reached))
    }

    fn gone(&mut self, reached: Reached) -> Reached {
        if !self.survives() {
            self.instance = None;
        }
        self.release();
        reached
    }

    /// Whether the instance outlives a run that did not finish. If it does, it is at rest.
    pub(crate) fn survives(&mut self) -> bool {
        let instance = self.instance.as_mut().filter(|_| self.is_persistent);
        let survives = instance.is_some_and(|instance| instance.abandon_call());
        if survives {
            self.release();
        }
        survives
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.earn_compilation();
        self.note_calls();
        self.release();
    }
}

/// A run ended abnormally, and its instance was dropped. No later run can enter it.
#[cold]
fn no_instance() -> RunError {
    EngineError::Host("internal error: no instance".into()).into()
}

/// The position of the export that is asked for, if it takes the arguments that it is given.
/// `last` is tried first.
fn find_entry(
    program: &Program,
    last: Option<usize>,
    request: &RunRequest<'_>,
) -> Result<usize, RunError> {
    let name = || request.entry.to_owned();
    let at = |position: usize| Some((position, program.exports.get(position)?));
    let again = last.and_then(at);
    let (position, export) = again
        .filter(|(_, export)| export.name == request.entry)
        .or_else(|| at(program.exports.position(request.entry)?))
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
