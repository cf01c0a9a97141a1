//! The supervisor: what the driver asks it about the calls of a transaction.
//!
//! A program at depth 0 stays on the driver's stack while another runs for it. A program below
//! depth 0 never waits there: suspended, it yields to its caller as an [`Interruption`].

use std::{convert::Infallible, sync::Arc};

use fusee_engine::{CodeHash, EngineError, Gas, PAGE_BYTES, Program, Stop, Value, ValueType};
use fusee_executor::{
    Action, Begin, Callee, End, EndReason, FrameLimit, LiveInstance, MemoryBudget, Paused, Payer,
    PreparedProgram, RunError, RunRequest, Supervisor, Suspended, Target, Tier,
};

use crate::{
    Answer, Call, CallResult, ExitCode, Interruption, State, Step, SystemError, SystemProgram,
    SystemPrograms,
    ending::{exhausted, exited, lost, refused, returned, trapped},
    host::{CallContext, NO_REQUEST, Request, deliver},
    instances::{Found, FrameInstance, Instances, Resting, SlotId},
    interruption::Waiting,
    numbered::NumberedCalls,
    wire::encode_answer,
};

/// Finds the code of programs that are not system programs.
pub(crate) type FindCode<'a> = Box<dyn Fn(CodeHash) -> Option<Vec<u8>> + 'a>;

/// The calls of one transaction.
pub(crate) struct Calls<'a> {
    pub(crate) programs: &'a SystemPrograms,
    pub(crate) tier: Tier,
    pub(crate) find_code: FindCode<'a>,
    pub(crate) instances: Instances,
    /// The guest memory of every instance.
    pub(crate) budget: MemoryBudget,
    /// Every interruption of the transaction has a clone of this.
    pub(crate) interruptions: Arc<()>,
    /// Those of programs at depth 0.
    pub(crate) numbered: NumberedCalls,
    /// The gas that the program at depth 0 was told of before, of the call that runs for it.
    pub(crate) told: Gas,
    /// The context of an ended call, for the next one: it is large.
    spare: Option<Box<CallContext>>,
}

/// The depth of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// 0, whatever waits.
    Root,
    /// Below every call that waits.
    BelowWaiting,
}

/// A call was resumed while a later one waits in its instance. A fault of the embedder, or of the
/// guest that resumed it.
#[derive(Debug)]
pub(crate) struct OutOfOrder;

impl From<OutOfOrder> for SystemError {
    fn from(OutOfOrder: OutOfOrder) -> Self {
        SystemError::OutOfOrder
    }
}

impl Supervisor for Calls<'_> {
    type Host = Box<CallContext>;
    /// A call is prepared where it is made, so that its answer can be borrowed.
    type Call = Callee<Box<CallContext>>;
    type Return = Result<Step, OutOfOrder>;
    /// The outside is asked by interruptions, which leave the stack.
    type Request = Infallible;
    type Error = SystemError;

    fn begin(&mut self, call: Self::Call) -> Result<Begin<Self>, SystemError> {
        Ok(Begin::Run(call))
    }

    fn refuse(&mut self, _: Self::Call, _: FrameLimit) -> Result<Self::Return, SystemError> {
        Err(internal(
            "internal error: a call counted in the driver's limits",
        ))
    }

    fn suspended(
        &mut self,
        mut frame: Paused<'_, Box<CallContext>>,
    ) -> Result<Action<Self>, SystemError> {
        let bytes = frame.guest.memory().bytes();
        if let Some(memory) = &mut frame.host.memory {
            memory.resize(bytes);
        }
        if frame.host.depth > 0 {
            return Ok(Action::Yield);
        }
        self.serve(frame)
    }

    fn yielded(
        &mut self,
        mut frame: Suspended<Box<CallContext>>,
    ) -> Result<Self::Return, SystemError> {
        let is_over_budget = self.is_over_budget();
        let context = frame.host_mut();
        if is_over_budget {
            self.lose(context);
            return Ok(Ok(Step::Ended(exhausted(context, ExitCode::OutOfMemory))));
        }
        let Some(Request::Exec(params)) = &context.request else {
            return Err(internal(NO_REQUEST));
        };
        let params = params.encode().to_vec();
        if let Some(slot) = context.slot {
            self.instances.suspend(slot);
        }
        Ok(Ok(self.interrupted(params, Waiting::Suspended(frame))))
    }

    #[inline]
    fn ended(&mut self, end: End<Box<CallContext>>) -> Result<Self::Return, SystemError> {
        let End {
            reason,
            gas_used,
            instance,
            host: mut context,
            ..
        } = end;
        context.note_run(gas_used);
        match instance {
            Some(instance) if context.exit.is_none() => {
                return Ok(Ok(self.entry_returned(instance, context)));
            }
            Some(instance) => self.put_back(instance, &mut context),
            None => self.lose(&context),
        }
        Ok(Ok(Step::Ended(match reason {
            EndReason::Finished => exited(*context),
            EndReason::Trapped(trap) => trapped(&context, trap),
            EndReason::OutOfGas => refused(&context, ExitCode::OutOfFuel, ""),
        })))
    }

    fn returned(
        &mut self,
        caller: Paused<'_, Box<CallContext>>,
        value: Self::Return,
        _: Gas,
    ) -> Result<Action<Self>, SystemError> {
        let answer = self.answer(value);
        Ok(action(deliver(caller, &answer)))
    }
}

impl<'a> Calls<'a> {
    pub(crate) fn new(programs: &'a SystemPrograms, budget: MemoryBudget) -> Self {
        Self {
            programs,
            tier: Tier::Best,
            find_code: Box::new(|_| None),
            instances: Instances::default(),
            budget,
            interruptions: Arc::new(()),
            numbered: NumberedCalls::default(),
            told: Gas::ZERO,
            spare: None,
        }
    }

    /// The number of calls that wait.
    pub(crate) fn waiting(&self) -> usize {
        Arc::strong_count(&self.interruptions).saturating_sub(1)
    }

    /// Begins a call of a system program.
    #[inline]
    pub(crate) fn call_program(
        &mut self,
        program: SystemProgram,
        call: Call,
        depth: Depth,
    ) -> Result<Begin<Self>, SystemError> {
        let mut context = self.context(call, Some(program), depth);
        if self.is_too_deep(&context) {
            self.programs.prepared(program)?;
            return Ok(ended(exhausted(&mut context, ExitCode::CallDepthOverflow)));
        }
        match self.instances.take(program) {
            Found::Resting(slot, Resting { instance, memory }) => {
                context.slot = Some(slot);
                context.memory = Some(memory);
                Ok(self.enter(instance, context))
            }
            Found::Empty(slot) => {
                context.slot = Some(slot);
                match self.first(program, &mut context)? {
                    Some(instance) => Ok(self.enter(instance, context)),
                    None => {
                        self.instances.lose(slot);
                        Ok(ended(exhausted(&mut context, ExitCode::OutOfMemory)))
                    }
                }
            }
            Found::Executing => {
                let message = format!(
                    "system program {} is executing: it can be called where it returned to wait, \
                     and not in the middle of a syscall",
                    program.code
                );
                let code = ExitCode::UnexpectedFatalExecutionFailure;
                Ok(ended(refused(&context, code, &message)))
            }
        }
    }

    /// Begins a call of an untrusted program.
    pub(crate) fn call_contract(
        &mut self,
        prepared: &Arc<PreparedProgram>,
        call: Call,
        depth: Depth,
    ) -> Result<Begin<Self>, SystemError> {
        let mut context = self.context(call, None, depth);
        if self.is_too_deep(&context) {
            return Ok(ended(exhausted(&mut context, ExitCode::CallDepthOverflow)));
        }
        match self.fresh(prepared, &mut context)? {
            Some(instance) => Ok(self.enter(instance, context)),
            None => Ok(ended(exhausted(&mut context, ExitCode::OutOfMemory))),
        }
    }

    /// Resumes a call.
    pub(crate) fn resume(
        &mut self,
        interruption: Interruption,
        answer: &Answer,
    ) -> Result<Begin<Self>, SystemError> {
        if !Arc::ptr_eq(&interruption.transaction, &self.interruptions) {
            return Err(SystemError::Foreign);
        }
        match interruption.waiting {
            Waiting::Returned { frame, mut context } => {
                let is_paid = context.pay(Gas::new(answer.fuel_consumed));
                let resting = match self.instances.take_for(&frame) {
                    FrameInstance::Resting(resting) => resting,
                    FrameInstance::Lost => return Ok(ended(lost(&context))),
                    FrameInstance::NotInnermost => return Ok(answered(Err(OutOfOrder))),
                };
                if !is_paid {
                    self.lose(&context);
                    return Ok(ended(refused(&context, ExitCode::OutOfFuel, "")));
                }
                context.memory = Some(resting.memory);
                context.return_data = encode_answer(answer);
                Ok(self.enter(resting.instance, context))
            }
            Waiting::Suspended(mut frame) => {
                if let Some(slot) = frame.host().slot {
                    self.instances.resume(slot);
                }
                let reply = deliver(frame.paused(), answer);
                let gas = frame.gas_left();
                Ok(run(Target::Suspended { frame, reply }, gas))
            }
        }
    }

    /// The context of a call.
    #[inline]
    fn context(
        &mut self,
        call: Call,
        program: Option<SystemProgram>,
        depth: Depth,
    ) -> Box<CallContext> {
        let prices = match program {
            Some(_) => self.programs.system_rules.prices(),
            None => self.programs.contract_rules.prices(),
        };
        let depth = match depth {
            Depth::Root => 0,
            Depth::BelowWaiting => self.waiting().saturating_add(1),
        };
        match self.spare.take() {
            Some(mut spare) => {
                spare.renew(call, program, depth, prices);
                spare
            }
            None => {
                let limits = self.programs.limits;
                let call = (call, &self.programs.imports);
                Box::new(CallContext::new(call, program, depth, prices, limits))
            }
        }
    }

    fn is_too_deep(&self, context: &CallContext) -> bool {
        context.depth >= self.programs.limits.depth
    }

    /// An instance for the first call of a system program: from the pool, or a fresh one. `None` if
    /// there is no memory for it.
    fn first(
        &mut self,
        program: SystemProgram,
        context: &mut CallContext,
    ) -> Result<Option<LiveInstance>, SystemError> {
        let programs = self.programs;
        let prepared = programs.prepared(program)?;
        // The pool has instances of the best engine alone.
        if self.tier == Tier::Best
            && let Some(mut instance) = programs.take_pooled(program)
            && self.reserve(instance.memory().bytes(), context)
        {
            return Ok(Some(instance));
        }
        self.fresh(prepared, context)
    }

    /// A fresh instance. `None` if there is no memory for it.
    fn fresh(
        &mut self,
        prepared: &Arc<PreparedProgram>,
        context: &mut CallContext,
    ) -> Result<Option<LiveInstance>, SystemError> {
        let pages = prepared.program().memory.map_or(0, |memory| memory.initial);
        if !self.reserve(u64::from(pages).saturating_mul(PAGE_BYTES), context) {
            return Ok(None);
        }
        let request = RunRequest {
            tier: self.tier,
            ..RunRequest::new("", &[], context.run_gas())
        };
        let instance = self.programs.executor.instance(prepared, &request)?;
        Ok(Some(instance))
    }

    /// Reserves guest memory for a call. Returns whether there was enough.
    fn reserve(&mut self, bytes: u64, context: &mut CallContext) -> bool {
        context.memory = self.budget.reserve(bytes);
        if context.memory.is_none() {
            self.instances.lose_abandoned();
            context.memory = self.budget.reserve(bytes);
        }
        context.memory.is_some()
    }

    /// Whether instances have grown beyond the budget.
    fn is_over_budget(&self) -> bool {
        self.budget.reserved() > self.programs.limits.memory_bytes
    }

    /// Enters an instance with a context.
    #[inline]
    fn enter(&mut self, instance: LiveInstance, mut context: Box<CallContext>) -> Begin<Self> {
        let entry = entry(instance.program(), context.state, context.is_system());
        let Some((entry, args)) = entry else {
            // It was not entered, and stays as it was.
            self.put_back(instance, &mut context);
            let message =
                "the program has no such entry, or one that takes or returns something else";
            let code = ExitCode::UnknownExternalFunction;
            return ended(refused(&context, code, message));
        };
        let gas = context.run_gas();
        let target = Target::Instance {
            instance,
            entry: entry.into(),
            args: args.into(),
            host: context,
        };
        run(target, gas)
    }

    /// An entry returned a number. Its instance is at rest.
    #[inline]
    fn entry_returned(&mut self, instance: LiveInstance, mut context: Box<CallContext>) -> Step {
        let code = match instance.results().first() {
            Some(Value::I32(code)) => *code,
            _ => 0,
        };
        let output = std::mem::take(&mut context.output);
        if let (Some(slot), Some(program)) = (context.slot, context.program) {
            if code == ExitCode::InterruptionCalled.code() {
                return self.entry_interrupted(instance, context, output, (program, slot));
            }
            // A program may leave the exit code to us, or write it before its payload.
            if !output.is_empty() && !output.starts_with(&code.to_le_bytes()) {
                self.instances.lose(slot);
                let message = "the output of the program does not begin with its exit code";
                let code = ExitCode::MalformedBuiltinParams;
                return Step::Ended(refused(&context, code, message));
            }
            self.put_back(instance, &mut context);
        }
        let result = returned(&context, code, output);
        context.clear();
        self.spare = Some(context);
        Step::Ended(result)
    }

    /// An entry returned, to wait for its caller.
    fn entry_interrupted(
        &mut self,
        instance: LiveInstance,
        mut context: Box<CallContext>,
        params: Vec<u8>,
        (program, slot): (SystemProgram, SlotId),
    ) -> Step {
        if params.is_empty() {
            self.instances.lose(slot);
            let code = ExitCode::UnexpectedFatalExecutionFailure;
            let message = "the program was interrupted without saying for what";
            return Step::Ended(refused(&context, code, message));
        }
        self.put_back(instance, &mut context);
        if self.is_over_budget() {
            self.instances.lose(slot);
            return Step::Ended(exhausted(&mut context, ExitCode::OutOfMemory));
        }
        let frame = self.instances.wait(program, slot);
        self.interrupted(params, Waiting::Returned { frame, context })
    }

    fn interrupted(&self, params: Vec<u8>, waiting: Waiting) -> Step {
        Step::Interrupted(Interruption {
            params,
            waiting,
            transaction: Arc::clone(&self.interruptions),
        })
    }

    /// Puts the instance of a call back into its slot, if it has one.
    #[inline]
    fn put_back(&mut self, instance: LiveInstance, context: &mut CallContext) {
        if let (Some(slot), Some(memory)) = (context.slot, context.memory.take()) {
            self.instances.put_back(slot, instance, memory);
        }
    }

    /// The instance of a call is lost.
    fn lose(&mut self, context: &CallContext) {
        if let Some(slot) = context.slot {
            self.instances.lose(slot);
        }
    }
}

/// How a suspended frame continues with the result of its syscall.
pub(crate) fn action<'a>(reply: Result<u64, Stop>) -> Action<Calls<'a>> {
    match reply {
        Ok(reply) => Action::Resume(reply),
        Err(stop) => Action::Stop(stop),
    }
}

/// A call that runs.
#[inline]
fn run<'a>(target: Target<Box<CallContext>>, gas: Gas) -> Begin<Calls<'a>> {
    Begin::Run(Callee {
        target,
        gas,
        loading_gas: Gas::ZERO,
        payer: Payer::Other,
        profiler: None,
    })
}

/// A call that ends without running.
fn ended<'a>(result: CallResult) -> Begin<Calls<'a>> {
    answered(Ok(Step::Ended(result)))
}

fn answered<'a>(value: <Calls<'a> as Supervisor>::Return) -> Begin<Calls<'a>> {
    Begin::Return {
        value,
        used: Gas::ZERO,
    }
}

/// An error that cannot happen.
pub(crate) fn internal(cause: &str) -> SystemError {
    RunError::from(EngineError::Host(cause.into())).into()
}

/// The entry of a state, and its arguments; `None` if the program has none that fits.
fn entry(
    program: &Program,
    state: State,
    is_system: bool,
) -> Option<(&'static str, &'static [Value])> {
    let (name, args): (_, &[Value]) = match state {
        State::Main => ("main", &[Value::I32(0), Value::I32(0)]),
        State::Deploy => ("deploy", &[]),
    };
    let export = program.export(name)?;
    let takes = |args: &[Value]| {
        let given = args.iter().map(|value| value.value_type());
        given.eq(export.params.iter().copied())
    };
    match export.results[..] {
        [ValueType::I32] if takes(args) => Some((name, args)),
        // Other programs may take no arguments, and return nothing.
        [] | [ValueType::I32] if !is_system && takes(&[]) => Some((name, &[])),
        _ => None,
    }
}
