//! Transactions: calls of programs, in instances that live as long as the transaction does.

use std::{collections::BTreeMap, fmt, mem, sync::Arc};

use fusee_engine::{
    CodeHash, EngineError, Gas, GuestMemory, Interrupt, PAGE_BYTES, Trap, Value, ValueType,
};
use fusee_executor::{
    Ended, LiveInstance, Outcome, Prepared, RunError, RunRequest, Suspended, Tier,
};

use crate::{
    Answer, Billing, Call, End, ExitCode, Interruption, State, Step, SystemError, SystemProgram,
    SystemPrograms,
    call::{Running, Waiting},
    host::{Context, Request, reply},
    instances::{Found, Frame, Instances},
    root::Kept,
    wire::{Fuel16, encode_answer},
};

/// Where the code of programs that are not system programs is found.
type Code<'a> = Box<dyn Fn(CodeHash) -> Option<Vec<u8>> + 'a>;

/// Calls that belong together. They run one after the other, in one instance a system program, which is made by the first
/// call of it and dropped, or given back to the pool, with this.
pub struct Transaction<'a> {
    pub(crate) programs: &'a SystemPrograms,
    interrupt: Interrupt,
    tier: Tier,
    pub(crate) code: Code<'a>,
    instances: Instances,
    /// The context of a call that has ended, for the next one: there is always one, and it is large.
    spare: Option<Box<Context>>,
    /// The calls that were interrupted while a program at depth 0 ran them, by their numbers.
    pub(crate) kept: BTreeMap<u32, Kept>,
    pub(crate) last_call: u32,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(programs: &'a SystemPrograms, interrupt: Interrupt) -> Self {
        Self {
            programs,
            interrupt,
            tier: Tier::Best,
            code: Box::new(|_| None),
            instances: Instances::default(),
            spare: None,
            kept: BTreeMap::new(),
            last_call: 0,
        }
    }

    /// Where code is found that `_exec` names and that is no system program's. Without this there is none. It is asked each time, and
    /// nobody looks whether the bytes have that hash; if it panics, the call is [`EngineError::HostPanicked`].
    #[must_use]
    pub fn code(mut self, find: impl Fn(CodeHash) -> Option<Vec<u8>> + 'a) -> Self {
        self.code = Box::new(find);
        self
    }

    /// What it runs on ([`Tier::Best`] unless told). Where a compiler fails for want of what an interpreter does not need
    /// ([`RunError::is_of_the_engine`]), the transaction has the interpreter's answer: it is
    /// dropped, and run again from its beginning on [`Tier::Interpreter`], without instances that others left.
    #[must_use]
    pub const fn tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// How many calls wait, those of a program at depth 0 included.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.instances.in_flight().frames()
    }

    /// Bytes of wasm memory of the instances that are at rest or wait. One in which a call waited that was dropped counts until its
    /// program is called again, or somebody else needs the room.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.instances.memory_bytes()
    }

    /// Calls a system program, below those that wait. What it asks of its caller is a [`Step::Interrupted`].
    ///
    /// A program that is *executing*, being parked in the middle of a syscall, cannot be called: the call ends with
    /// [`ExitCode::UnexpectedFatalExecutionFailure`] and a message. One that is interrupted can, and is entered in the same instance.
    ///
    /// # Errors
    ///
    /// [`SystemError`] if the host fails, or there is no such program.
    pub fn call(&mut self, program: SystemProgram, call: Call) -> Result<Step, SystemError> {
        self.call_system(program, call, None)
    }

    /// Runs a program that nobody trusts, in a fresh instance, below those that wait.
    ///
    /// # Errors
    ///
    /// [`SystemError`] if the host fails, or the rules refuse the program.
    pub fn call_code(&mut self, wasm: &[u8], call: Call) -> Result<Step, SystemError> {
        let prepared = self.prepare(wasm)?;
        self.call_prepared(&prepared, call, None)
    }

    /// Calls a system program at depth 0: its `_exec` runs other programs, where elsewhere it is interrupted.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn call_root(&mut self, program: SystemProgram, call: Call) -> Result<Step, SystemError> {
        self.call_system(program, call, Some(0))
    }

    /// Runs a program that nobody trusts at depth 0.
    ///
    /// # Errors
    ///
    /// As [`call_code`](Self::call_code).
    pub fn call_root_code(&mut self, wasm: &[u8], call: Call) -> Result<Step, SystemError> {
        let prepared = self.prepare(wasm)?;
        self.call_prepared(&prepared, call, Some(0))
    }

    /// Goes on with a call that waits.
    ///
    /// What the answer consumed is taken from the call's gas; if there is not so much, the call has used up what there was and ends out of fuel. If the instance in which it
    /// waits was lost meanwhile, it ends with [`ExitCode::UnexpectedFatalExecutionFailure`] and a message.
    ///
    /// # Errors
    ///
    /// [`SystemError`] if the host fails, the interruption is of another transaction, or a later call waits in the same instance. The
    /// call is gone then.
    pub fn resume(
        &mut self,
        interruption: Interruption,
        answer: &Answer,
    ) -> Result<Step, SystemError> {
        let Interruption {
            running,
            waiting,
            held,
            ..
        } = interruption;
        if !self.instances.in_flight().is(&held) {
            return Err(SystemError::Foreign);
        }
        drop(held);
        let consumed = Gas::new(answer.fuel_consumed);
        match waiting {
            Waiting::Returned {
                ticket,
                mut context,
            } => {
                let is_paid = context.pay(consumed);
                let live = match self.instances.take_for(&ticket) {
                    Frame::Live(live) => live,
                    Frame::Lost => return Ok(Step::Ended(lost(&context))),
                    Frame::NotInnermost => return Err(SystemError::OutOfOrder),
                };
                if !is_paid {
                    self.lose(&running);
                    return Ok(Step::Ended(refused(&context, ExitCode::OutOfFuel, "")));
                }
                context.return_data = encode_answer(answer);
                self.enter(&running, live, context)
            }
            Waiting::Parked(suspended) => {
                self.advance(&running, go_on(*suspended, answer, consumed))
            }
        }
    }

    /// Reads from the memory of a call that waits.
    ///
    /// # Errors
    ///
    /// [`ExitCode::MemoryOutOfBounds`] if it has no such bytes, was lost, or is of another transaction.
    pub fn read_memory(
        &mut self,
        interruption: &mut Interruption,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), ExitCode> {
        let mut memory = self.memory(interruption)?;
        Ok(memory.read_into(offset, buffer)?)
    }

    /// Writes into the memory of a call that waits.
    ///
    /// # Errors
    ///
    /// [`ExitCode::MemoryOutOfBounds`] if it has no such bytes, was lost, or is of another transaction; nothing is written then.
    pub fn write_memory(
        &mut self,
        interruption: &mut Interruption,
        offset: u64,
        data: &[u8],
    ) -> Result<(), ExitCode> {
        Ok(self.memory(interruption)?.write(offset, data)?)
    }

    /// The input that a call that waits wants another program to be run with: the range of its memory that it named.
    ///
    /// # Errors
    ///
    /// [`ExitCode::MalformedBuiltinParams`] if it does not ask for that, [`ExitCode::MemoryOutOfBounds`] if it has no such bytes.
    pub fn exec_input(&mut self, interruption: &mut Interruption) -> Result<Vec<u8>, ExitCode> {
        let params = interruption.exec_params();
        let range = params.ok_or(ExitCode::MalformedBuiltinParams)?.input;
        let length = range.end.checked_sub(range.start);
        let length = length.ok_or(ExitCode::MalformedBuiltinParams)?;
        let mut memory = self.memory(interruption)?;
        Ok(memory.read(range.start, length)?.into_owned())
    }

    /// What a call that waits has used.
    ///
    /// # Errors
    ///
    /// [`SystemError::LostContext`] if the host of the run is not what it was.
    pub fn gas_used(&self, interruption: &mut Interruption) -> Result<Gas, SystemError> {
        match &mut interruption.waiting {
            Waiting::Returned { context, .. } => Ok(context.gas_used),
            Waiting::Parked(suspended) => {
                let left = suspended.gas_left();
                let context = suspended.host::<Context>();
                let context = context.ok_or(SystemError::LostContext)?;
                Ok(match context.billing {
                    Billing::Metered => context.gas_limit.saturating_sub(left),
                    Billing::Unbilled => context.gas_used,
                })
            }
        }
    }

    /// What a call that waits may still use; `None` where it is not billed.
    #[must_use]
    pub fn gas_left(&self, interruption: &Interruption) -> Option<Gas> {
        let seat = interruption.running.seat;
        match &interruption.waiting {
            Waiting::Returned { context, .. } => remaining(context),
            Waiting::Parked(_)
                if seat.is_some_and(|seat| seat.program.billing == Billing::Unbilled) =>
            {
                None
            }
            Waiting::Parked(suspended) => Some(suspended.gas_left()),
        }
    }

    /// The memory of a call that waits.
    fn memory<'m>(
        &'m mut self,
        interruption: &'m mut Interruption,
    ) -> Result<GuestMemory<'m>, ExitCode> {
        // In another transaction, its instance would be taken for one of this.
        if !self.instances.in_flight().is(&interruption.held) {
            return Err(ExitCode::MemoryOutOfBounds);
        }
        Ok(match &mut interruption.waiting {
            Waiting::Returned { ticket, .. } => {
                let memory = self.instances.memory(ticket);
                memory.unwrap_or_else(GuestMemory::none)
            }
            Waiting::Parked(suspended) => suspended.memory(),
        })
    }

    fn prepare(&self, wasm: &[u8]) -> Result<Arc<Prepared>, SystemError> {
        let rules = &self.programs.contract_rules;
        Ok(self.programs.executor.prepare(wasm, rules)?)
    }

    fn call_system(
        &mut self,
        program: SystemProgram,
        call: Call,
        depth: Option<usize>,
    ) -> Result<Step, SystemError> {
        let context = match self.context(call, Some(program.billing), depth) {
            Ok(context) => context,
            Err(end) => {
                self.programs.prepared(program)?;
                return Ok(Step::Ended(*end));
            }
        };
        let (seat, live) = match self.instances.take(program) {
            Found::Live(seat, live) => (seat, Ok(live)),
            Found::None(seat) => {
                let live = self.first(program, &context);
                (seat, live.inspect_err(|_| self.instances.lose(seat))?)
            }
            Found::Executing => {
                let message = format!(
                    "system program {} is executing: it can be called where it returned to wait, and not in the middle of a syscall",
                    program.code
                );
                let code = ExitCode::UnexpectedFatalExecutionFailure;
                return Ok(Step::Ended(refused(&context, code, &message)));
            }
        };
        let running = Running {
            seat: Some(seat),
            state: context.state,
        };
        match live {
            Ok(live) => self.enter(&running, live, context),
            Err(code) => {
                self.lose(&running);
                Ok(Step::Ended(refused(&context, code, "")))
            }
        }
    }

    pub(crate) fn call_prepared(
        &mut self,
        prepared: &Arc<Prepared>,
        call: Call,
        depth: Option<usize>,
    ) -> Result<Step, SystemError> {
        let context = match self.context(call, None, depth) {
            Ok(context) => context,
            Err(end) => return Ok(Step::Ended(*end)),
        };
        let running = Running {
            seat: None,
            state: context.state,
        };
        match self.fresh(prepared, &context)? {
            Ok(live) => self.enter(&running, live, context),
            Err(code) => Ok(Step::Ended(refused(&context, code, ""))),
        }
    }

    /// The context of a call at a depth, or else below those that wait; or how the call ends that would be too deep.
    fn context(
        &mut self,
        call: Call,
        billing: Option<Billing>,
        depth: Option<usize>,
    ) -> Result<Box<Context>, Box<End>> {
        let Call { state, input, gas } = call;
        let waiting = usize::try_from(self.waiting()).unwrap_or(usize::MAX);
        let rules = match billing {
            Some(_) => &self.programs.system_rules,
            None => &self.programs.contract_rules,
        };
        let context = Context {
            state,
            is_system: billing.is_some(),
            billing: billing.unwrap_or(Billing::Metered),
            limits: self.programs.limits,
            prices: Arc::clone(rules.prices()),
            depth: depth.unwrap_or(waiting.saturating_add(1)),
            input,
            output: Vec::new(),
            return_data: Vec::new(),
            exit: None,
            gas_limit: gas,
            gas_used: Gas::ZERO,
            withheld: Gas::ZERO,
            request: None,
        };
        if context.depth >= self.programs.limits.depth {
            let end = refused(&context, ExitCode::CallDepthOverflow, "");
            return Err(Box::new(end));
        }
        Ok(match self.spare.take() {
            Some(mut spare) => {
                *spare = context;
                spare
            }
            None => Box::new(context),
        })
    }

    /// An instance of a system program for its first call: one that another transaction left, or a fresh one.
    fn first(
        &mut self,
        program: SystemProgram,
        context: &Context,
    ) -> Result<Result<LiveInstance, ExitCode>, SystemError> {
        let programs = self.programs;
        let prepared = programs.prepared(program)?;
        match self.lease(program) {
            Some(live) => Ok(Ok(live)),
            None => self.fresh(prepared, context),
        }
    }

    /// An instance that another transaction left, if what waits leaves memory for it.
    fn lease(&mut self, program: SystemProgram) -> Option<LiveInstance> {
        if self.tier == Tier::Interpreter {
            return None;
        }
        let mut live = self.programs.lease(program)?;
        let bytes = live.memory().bytes();
        self.has_room(bytes).then_some(live)
    }

    /// A fresh instance, if what waits leaves memory for it.
    fn fresh(
        &mut self,
        prepared: &Arc<Prepared>,
        context: &Context,
    ) -> Result<Result<LiveInstance, ExitCode>, SystemError> {
        let pages = prepared.program().memory.map_or(0, |memory| memory.initial);
        let bytes = u64::from(pages).saturating_mul(PAGE_BYTES);
        if !self.has_room(bytes) {
            return Ok(Err(ExitCode::OutOfMemory));
        }
        let request = RunRequest {
            tier: self.tier,
            ..RunRequest::new("", &[], context.run_gas())
        };
        let live = self.programs.executor.instance(prepared, &request);
        Ok(Ok(live?))
    }

    /// Whether there is room for so many bytes of memory more.
    fn has_room(&mut self, bytes: u64) -> bool {
        let most = self.programs.limits.memory_bytes;
        if self.memory_bytes().saturating_add(bytes) > most {
            self.instances.lose_all_abandoned();
        }
        self.memory_bytes().saturating_add(bytes) <= most
    }

    /// Enters an instance with a context.
    fn enter(
        &mut self,
        running: &Running,
        live: LiveInstance,
        context: Box<Context>,
    ) -> Result<Step, SystemError> {
        let Some((name, args)) = entry(&live, running) else {
            // It was not entered, so that it is as it was.
            if let Some(seat) = running.seat {
                self.instances.put_back(seat, live);
            }
            let message =
                "the program has no such entry, or one that takes or returns something else";
            let code = ExitCode::UnknownExternalFunction;
            return Ok(Step::Ended(refused(&context, code, message)));
        };
        let request = RunRequest {
            interrupt: Some(self.interrupt.clone()),
            tier: self.tier,
            ..RunRequest::new(name, args, context.run_gas())
        };
        let outcome = live.run(request, context).map_err(SystemError::from);
        self.advance(running, outcome)
    }

    /// What a run came to. Where that is an error, of the run itself or of what it ran at depth 0, its instance is gone.
    fn advance(
        &mut self,
        running: &Running,
        outcome: Result<Outcome, SystemError>,
    ) -> Result<Step, SystemError> {
        let step = outcome.and_then(|outcome| self.follow(running, outcome));
        step.inspect_err(|_| self.lose(running))
    }

    /// A program at depth 0 goes on until it has ended, or returned to wait.
    fn follow(&mut self, running: &Running, mut outcome: Outcome) -> Result<Step, SystemError> {
        loop {
            outcome = match outcome {
                Outcome::Finished(finished) => {
                    let code = match finished.values().first() {
                        Some(Value::I32(code)) => *code,
                        _ => 0,
                    };
                    let used = finished.gas_used();
                    let (live, host) = finished.recycle();
                    let mut context = Context::from_host(host).ok_or(SystemError::LostContext)?;
                    context.note_run(used);
                    return Ok(match live {
                        Some(live) => self.returned(running, live, context, code),
                        None => {
                            self.lose(running);
                            Step::Ended(exited(*context))
                        }
                    });
                }
                Outcome::Trapped(trap, ended) => {
                    let context = self.failed(running, ended)?;
                    return Ok(Step::Ended(trapped(&context, running, trap)));
                }
                Outcome::OutOfGas(ended) => {
                    let context = self.failed(running, ended)?;
                    return Ok(Step::Ended(refused(&context, ExitCode::OutOfFuel, "")));
                }
                Outcome::GasEnd(_) => return Err(SystemError::LostContext),
                Outcome::Syscall(mut suspended) => {
                    let context = suspended.host::<Context>();
                    if context.ok_or(SystemError::LostContext)?.depth > 0 {
                        return self.parked(running, suspended);
                    }
                    // What it asks for may take longer than a slice of its gas does, and cost it nothing.
                    if self.interrupt.is_triggered() {
                        return Err(RunError::from(EngineError::Interrupted).into());
                    }
                    let bytes = suspended.memory().bytes();
                    let _held = self.instances.in_flight().hold(0, bytes);
                    self.serve(suspended)?
                }
            };
        }
    }

    /// The instance is gone; the context is what is left.
    fn failed(&mut self, running: &Running, ended: Ended) -> Result<Box<Context>, SystemError> {
        self.lose(running);
        let used = ended.gas_used();
        let mut context = Context::from_host(ended.into_host()).ok_or(SystemError::LostContext)?;
        context.note_run(used);
        Ok(context)
    }

    /// An entry returned a number, and its instance is as good as before.
    fn returned(
        &mut self,
        running: &Running,
        live: LiveInstance,
        mut context: Box<Context>,
        code: i32,
    ) -> Step {
        let Some(seat) = running.seat else {
            return Step::Ended(End {
                exit_code: ExitCode::of_program(code),
                gas_used: context.gas_used,
                gas_left: remaining(&context),
                output: context.output,
                has_header: false,
            });
        };
        if code == ExitCode::InterruptionCalled.code() {
            if context.output.is_empty() {
                self.lose(running);
                let code = ExitCode::UnexpectedFatalExecutionFailure;
                let message = "the program was interrupted without saying for what";
                return Step::Ended(refused(&context, code, message));
            }
            let params = mem::take(&mut context.output);
            self.instances.put_back(seat, live);
            if self.memory_bytes() > self.programs.limits.memory_bytes {
                self.lose(running);
                return Step::Ended(refused(&context, ExitCode::OutOfMemory, ""));
            }
            let ticket = self.instances.wait(seat);
            return Step::Interrupted(Interruption {
                params,
                running: *running,
                waiting: Waiting::Returned { ticket, context },
                held: self.instances.in_flight().hold(1, 0),
            });
        }
        // Whoever writes nothing leaves the exit code to us; whoever writes says it himself.
        if !context.output.is_empty() && !context.output.starts_with(&code.to_le_bytes()) {
            self.lose(running);
            let message = "the output of the program does not begin with its exit code";
            return Step::Ended(refused(&context, ExitCode::MalformedBuiltinParams, message));
        }
        self.instances.put_back(seat, live);
        let exit_code = ExitCode::of_program(code);
        let header = exit_code.code().to_le_bytes();
        let mut output = mem::take(&mut context.output);
        match output.first_chunk_mut() {
            Some(said) => *said = header,
            None => output.extend(header),
        }
        let end = End {
            exit_code,
            output,
            gas_used: context.gas_used,
            gas_left: remaining(&context),
            has_header: true,
        };
        // What it was given is not kept with it.
        context.input = Vec::new();
        context.return_data = Vec::new();
        self.spare = Some(context);
        Step::Ended(end)
    }

    /// A program below depth 0 is parked at `_exec`.
    fn parked(&mut self, running: &Running, mut suspended: Suspended) -> Result<Step, SystemError> {
        let bytes = suspended.memory().bytes();
        let context = suspended.host::<Context>();
        let request = context.and_then(|context| context.request.as_ref());
        let Some(Request::Exec(params)) = request else {
            return Err(SystemError::LostContext);
        };
        let mut interruption = Interruption {
            params: params.encode().to_vec(),
            running: *running,
            waiting: Waiting::Parked(Box::new(suspended)),
            held: self.instances.in_flight().hold(1, bytes),
        };
        if self.memory_bytes() <= self.programs.limits.memory_bytes {
            return Ok(Step::Interrupted(interruption));
        }
        self.lose(running);
        let used = self.gas_used(&mut interruption)?;
        let Waiting::Parked(mut suspended) = interruption.waiting else {
            return Err(SystemError::LostContext);
        };
        let context = suspended.host::<Context>();
        let context = context.ok_or(SystemError::LostContext)?;
        context.gas_used = used;
        Ok(Step::Ended(refused(context, ExitCode::OutOfMemory, "")))
    }

    pub(crate) fn lose(&mut self, running: &Running) {
        if let Some(seat) = running.seat {
            self.instances.lose(seat);
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // What waits in them is never gone on with.
        self.kept.clear();
        if self.tier == Tier::Best {
            self.programs.give_back(self.instances.at_rest());
        }
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Transaction")
            .field("instances", &self.instances)
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

/// Tells a parked program what it waits for, and lets it go on.
pub(crate) fn go_on(
    mut suspended: Suspended,
    answer: &Answer,
    consumed: Gas,
) -> Result<Outcome, SystemError> {
    let context = suspended
        .host::<Context>()
        .ok_or(SystemError::LostContext)?;
    let request = context.request.take().ok_or(SystemError::LostContext)?;
    context.return_data.clone_from(&answer.output);
    let is_paid = match context.billing {
        Billing::Unbilled => context.pay(consumed),
        Billing::Metered => suspended.charge(consumed).is_ok(),
    };
    if !is_paid {
        return Ok(suspended.out_of_gas());
    }
    let pointer = u64::from(request.fuel16_ptr());
    if pointer != 0 {
        let fuel = Fuel16 {
            first: answer.fuel_consumed.cast_signed(),
            refund: answer.fuel_refunded,
        };
        if let Err(trap) = suspended.memory().write(pointer, &fuel.encode()) {
            return Ok(suspended.trap(trap));
        }
    }
    Ok(suspended.resume(reply(answer.exit_code))?)
}

/// The entry of a state, and what it is entered with; `None` if the program has none that can be.
fn entry(live: &LiveInstance, running: &Running) -> Option<(&'static str, &'static [Value])> {
    let (name, args): (_, &[Value]) = match running.state {
        State::Main => ("main", &[Value::I32(0), Value::I32(0)]),
        State::Deploy => ("deploy", &[]),
    };
    let export = live.program().export(name)?;
    let takes = |args: &[Value]| {
        let given = args.iter().map(|value| value.value_type());
        given.eq(export.params.iter().copied())
    };
    let is_system = running.seat.is_some();
    match export.results[..] {
        [ValueType::I32] if takes(args) => Some((name, args)),
        // A program that is not a system program may do without what nobody gives it, and return nothing.
        [] | [ValueType::I32] if !is_system && takes(&[]) => Some((name, &[])),
        _ => None,
    }
}

fn remaining(context: &Context) -> Option<Gas> {
    (context.billing == Billing::Metered).then(|| context.gas_left())
}

/// A call that ended with this code and payload.
fn ended(context: &Context, code: ExitCode, payload: &[u8]) -> End {
    let mut output = Vec::new();
    if context.is_system {
        output.extend(code.code().to_le_bytes());
    }
    output.extend(payload);
    End {
        exit_code: code,
        output,
        gas_used: context.gas_used,
        gas_left: remaining(context),
        has_header: context.is_system,
    }
}

/// A call that ended for a reason that is not the program's to tell.
fn refused(context: &Context, code: ExitCode, message: &str) -> End {
    ended(context, code, message.as_bytes())
}

/// A call that ended by a syscall, which said with what.
fn exited(context: Context) -> End {
    let told = context.exit.unwrap_or(ExitCode::Ok.code());
    let code = ExitCode::of_program(told);
    if code == ExitCode::Panic {
        let message = String::from_utf8_lossy(&context.output);
        tracing::warn!(%message, "a program panicked");
        // The message has no header.
        return End {
            exit_code: code,
            gas_used: context.gas_used,
            gas_left: remaining(&context),
            output: context.output,
            has_header: false,
        };
    }
    // A program that writes the code before its payload writes the one that it exits with.
    let payload = context.output.strip_prefix(&told.to_le_bytes());
    let payload = payload.filter(|_| context.is_system);
    ended(&context, code, payload.unwrap_or(&context.output))
}

fn trapped(context: &Context, running: &Running, trap: Trap) -> End {
    match running.seat {
        Some(seat) => {
            tracing::warn!(program = %seat.program.code, %trap, "a system program trapped");
            let message = format!("the program trapped: {trap}");
            refused(context, ExitCode::UnexpectedFatalExecutionFailure, &message)
        }
        None => refused(context, ExitCode::from(trap), ""),
    }
}

/// A call whose instance was lost while it waited.
fn lost(context: &Context) -> End {
    let message = "the instance in which the call waited was lost: a call in it ended abnormally, or was dropped";
    refused(context, ExitCode::UnexpectedFatalExecutionFailure, message)
}
