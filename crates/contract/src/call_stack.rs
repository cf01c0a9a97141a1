//! The call stack of one transaction or query: contracts as frames of the executor's driver.
//!
//! [`Frames`] is the supervisor: it moves value, opens and closes checkpoints, loads code, and
//! refuses re-entrancy. The changes of the transaction travel with the frame that runs.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use fusee_abi::{RECEIVE_METHOD, reentrancy, status};
use fusee_engine::{CodeHash, EngineError, Gas, Interrupt, Profiler};
use fusee_executor::{
    self as executor, Action, Begin, Callee, Counting, Driver, DriverSettings, End, EndReason,
    FrameLimit, Paused, Payer, PreparedProgram, RunError, Supervisor, Suspended, Target, Tier,
    forwardable,
};
use fusee_virtualization::{
    Call as NestedCall, ChildLimits, ChildSettings, Guest, Nested, Owners, Return as NestedReturn,
    Tree,
};

use crate::{
    Address, BlockContext, ContractError, Contracts, Rejection, Status,
    account::AccountCode,
    call_result::CallResult,
    changes::{Changes, ChangesCheckpoint},
    deployment::{MethodSets, Opening},
    deposit::Deposit,
    entry::Entry,
    frame::{Access, CallRequest, Context, Frame, PendingRequest},
    syscalls,
};

/// The parameters of a call.
pub(crate) struct Call {
    pub(crate) context: Context,
    pub(crate) gas: Gas,
    pub(crate) opening: Opening,
    pub(crate) changes: Changes,
}

/// The progress of a call.
pub(crate) enum Progress {
    Ended(Changes, CallResult),
    Waiting(OracleRequest),
}

/// A frame suspended on an oracle request.
#[derive(Debug)]
pub(crate) struct OracleRequest {
    pub(crate) contract: Address,
    pub(crate) question: Vec<u8>,
    frame: Suspended<Guest<Box<Frame>>>,
}

/// The frames of one transaction or query.
#[derive(Debug)]
pub(crate) struct CallStack {
    driver: Driver<Nested<Frames>>,
    layer: Nested<Frames>,
}

/// The supervisor of contracts.
#[derive(Debug)]
pub(crate) struct Frames {
    contracts: Contracts,
    block: BlockContext,
    /// The address and the method of each running or suspended frame, the outermost first.
    active: Vec<(Address, String)>,
    /// The code that the transaction has loaded, by its hash. `None` if the rules refuse it. It
    /// stays in memory until the transaction ends, so that it is loaded, and paid, once.
    loaded: BTreeMap<CodeHash, Option<Arc<PreparedProgram>>>,
    /// The size of the loaded code.
    loaded_bytes: u64,
    /// The methods of the loaded code that upgrades have compared.
    methods: MethodSets,
}

/// The code of a call, and the price of loading it.
pub(crate) struct LoadedCode {
    /// `None` if the rules refuse the code.
    pub(crate) program: Option<Arc<PreparedProgram>>,
    pub(crate) loading_gas: Gas,
}

impl CallStack {
    pub(crate) fn new(
        contracts: &Contracts,
        block: &BlockContext,
        interrupt: &Interrupt,
        tier: Tier,
    ) -> Self {
        let settings = DriverSettings {
            limits: contracts.rules.frames,
            suspension: contracts.suspension,
            tier,
            interrupt: interrupt.clone(),
        };
        let driver = Driver::new(Arc::clone(&contracts.executor), settings);
        let frames = Frames {
            contracts: contracts.clone(),
            block: block.clone(),
            active: Vec::new(),
            loaded: BTreeMap::new(),
            loaded_bytes: 0,
            methods: MethodSets::default(),
        };
        let layer = match &contracts.rules.children {
            None => Nested::none(frames),
            Some(rules) => {
                let settings = ChildSettings {
                    limits: ChildLimits {
                        modules: rules.modules,
                        instances: rules.instances,
                        generations: rules.generations,
                        ..ChildLimits::default()
                    },
                    tier,
                    interrupt: interrupt.clone(),
                };
                let tree = Tree::within(
                    Arc::clone(&contracts.executor),
                    Arc::clone(&rules.rules),
                    settings,
                    driver.budget().clone(),
                );
                Nested::billed(frames, tree, Arc::clone(contracts.rules.program.prices()))
            }
        };
        Self { driver, layer }
    }

    /// Runs a call, and the calls that it makes.
    pub(crate) fn run(&mut self, call: Call) -> Result<Progress, ContractError> {
        let progress = self.driver.call(&mut self.layer, NestedCall::Owner(call))?;
        Self::progress(progress)
    }

    /// Resumes the frame that made the oracle request.
    pub(crate) fn answer(
        &mut self,
        request: OracleRequest,
        answer: Option<Vec<u8>>,
    ) -> Result<Progress, ContractError> {
        let mut suspended = request.frame;
        let reply = match &answer {
            Some(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            None => syscalls::status(status::UNANSWERED),
        };
        let frame = suspended.host_mut().owner_mut();
        let frame = frame.ok_or_else(not_a_contract)?;
        frame.return_data = answer.unwrap_or_default();
        frame.observers.resume(reply);
        let progress = self.driver.resume(&mut self.layer, suspended, reply)?;
        Self::progress(progress)
    }

    fn progress(progress: executor::Progress<Nested<Frames>>) -> Result<Progress, ContractError> {
        match progress {
            executor::Progress::Returned {
                value: NestedReturn::Owner((changes, result)),
                ..
            } => Ok(Progress::Ended(changes, result)),
            executor::Progress::Returned { .. } => Err(not_a_contract().into()),
            executor::Progress::Waiting { frame, request } => {
                let (contract, question) = request;
                Ok(Progress::Waiting(OracleRequest {
                    contract,
                    question,
                    frame,
                }))
            }
        }
    }
}

impl Supervisor for Frames {
    type Host = Box<Frame>;
    type Call = Call;
    type Return = (Changes, CallResult);
    /// The contract, and the bytes of its oracle request.
    type Request = (Address, Vec<u8>);
    type Error = ContractError;

    fn begin(&mut self, call: Call) -> Result<Begin<Self>, ContractError> {
        let observers = self.contracts.observers.clone();
        observers.begin(&call.context, &call.opening, call.gas);
        let begun = self.enter(call)?;
        if let Begin::Return { value, .. } = &begun {
            observers.end(&value.1, None);
        }
        Ok(begun)
    }

    fn refuse(&mut self, call: Call, limit: FrameLimit) -> Result<Self::Return, ContractError> {
        let result = CallResult::rejected(Rejection::CallLimit);
        let observers = &self.contracts.observers;
        observers.begin(&call.context, &call.opening, call.gas);
        observers.end(&result, Some(limit));
        Ok((call.changes, result))
    }

    fn suspended(&mut self, frame: Paused<'_, Box<Frame>>) -> Result<Action<Self>, ContractError> {
        // What the driver would forward. The callee may use it all without running.
        let forwardable = forwardable(frame.guest.gas_left());
        let frame = frame.host;
        match frame.pending.take().ok_or_else(no_pending_request)? {
            PendingRequest::Call(request) => {
                let CallRequest {
                    to,
                    method,
                    value,
                    input,
                    gas,
                    access,
                    opening,
                } = request;
                let context = Context {
                    caller: frame.context.address,
                    address: to,
                    method,
                    value,
                    input,
                    access,
                };
                let call = Call {
                    context,
                    gas: gas.min(forwardable),
                    opening,
                    changes: frame.lend_changes(),
                };
                Ok(Action::Call {
                    call,
                    counting: Counting::Counted,
                })
            }
            PendingRequest::Oracle(question) => Ok(Action::Wait((frame.context.address, question))),
        }
    }

    fn yielded(&mut self, _: Suspended<Box<Frame>>) -> Result<Self::Return, ContractError> {
        Err(no_pending_request().into())
    }

    /// Commits or reverts the changes of a frame that ended.
    fn ended(&mut self, end: End<Box<Frame>>) -> Result<Self::Return, ContractError> {
        self.active.pop();
        let End {
            reason,
            gas_used,
            host: mut frame,
            ..
        } = end;
        frame.end_line();
        let mut changes = frame.lend_changes();
        let Frame {
            checkpoint,
            output,
            has_reverted,
            has_seen_value,
            context,
            ..
        } = *frame;
        let is_unseen = context.value > 0 && !has_seen_value && self.contracts.rules.has_upgrades();
        let (status, output) = match reason {
            EndReason::Finished if has_reverted => (Status::Reverted, output),
            EndReason::Finished if is_unseen => {
                (Status::Rejected(Rejection::NotPayable), Vec::new())
            }
            EndReason::Finished => (Status::Success, output),
            EndReason::Trapped(trap) => (Status::Trapped(trap), Vec::new()),
            EndReason::OutOfGas => (Status::OutOfGas, Vec::new()),
        };
        if status == Status::Success {
            changes.commit(checkpoint);
        } else {
            changes.revert(checkpoint);
        }
        let result = CallResult {
            status,
            output,
            gas_used,
        };
        self.contracts.observers.end(&result, None);
        Ok((changes, result))
    }

    fn returned(
        &mut self,
        caller: Paused<'_, Box<Frame>>,
        (changes, result): Self::Return,
        _: Gas,
    ) -> Result<Action<Self>, ContractError> {
        let reply = result.reply();
        self.contracts.observers.resume(reply);
        caller.host.return_data = result.output;
        caller.host.return_changes(changes);
        Ok(Action::Resume(reply))
    }
}

impl Owners for Frames {
    fn is_kept((_, result): &Self::Return) -> bool {
        result.status == Status::Success
    }
}

impl Frames {
    /// Transfers the value of a call, and enters its method.
    fn enter(&mut self, call: Call) -> Result<Begin<Self>, ContractError> {
        let Call {
            mut context,
            gas,
            opening,
            mut changes,
        } = call;
        let checkpoint = changes.checkpoint();
        let deposit = Deposit::of(&self.contracts.rules);
        if !changes.transfer(context.caller, context.address, context.value, deposit)? {
            let result = CallResult::rejected(Rejection::InsufficientBalance);
            return Ok(reverted(changes, checkpoint, result));
        }
        let (entry, is_transfer) = (opening.entry(), context.method.is_empty());
        let opened = self.open(&mut changes, &mut context, opening, gas)?;
        let LoadedCode {
            program,
            loading_gas,
        } = match opened {
            Ok(Some(loaded)) => loaded,
            Ok(None) => {
                changes.commit(checkpoint);
                return Ok(returned(changes, CallResult::of(Status::Success)));
            }
            Err(result) => return Ok(reverted(changes, checkpoint, result)),
        };
        let code = program.as_ref().map(|program| program.program().code_hash);
        self.contracts.observers.enter(&context.method, code);
        // The code is loaded, whatever comes of the call.
        let rejected = |rejection| CallResult {
            gas_used: loading_gas,
            ..CallResult::rejected(rejection)
        };
        let Some(program) = program else {
            let result = rejected(Rejection::RefusedCode);
            return Ok(reverted(changes, checkpoint, result));
        };
        if context.method.is_empty() {
            // A deployment or upgrade to code without a method that begins it.
            if context.value > 0 {
                let result = rejected(Rejection::NotPayable);
                return Ok(reverted(changes, checkpoint, result));
            }
            changes.commit(checkpoint);
            let result = CallResult {
                gas_used: loading_gas,
                ..CallResult::of(Status::Success)
            };
            return Ok(returned(changes, result));
        }
        if !self.admits(entry, &program, &context.method) {
            let result = rejected(match is_transfer && entry == Entry::Method {
                true => Rejection::NotPayable,
                false => Rejection::UnknownMethod,
            });
            return Ok(reverted(changes, checkpoint, result));
        }
        if let Some(message) = self.reentrancy(&mut changes, &context)? {
            let result = CallResult {
                output: message.into_bytes(),
                ..rejected(Rejection::Reentrant)
            };
            return Ok(reverted(changes, checkpoint, result));
        }
        self.active.push((context.address, context.method.clone()));
        let is_outermost = self.active.len() == 1;
        let method = context.method.clone();
        let frame = Frame::new(
            context,
            &self.block,
            &self.contracts.rules,
            changes,
            checkpoint,
        )
        .observed(&self.contracts);
        Ok(Begin::Run(Callee {
            target: Target::Program {
                program,
                entry: method.into(),
                args: Cow::Borrowed(&[]),
                host: Box::new(frame),
            },
            gas,
            loading_gas,
            payer: Payer::Caller,
            profiler: self.profiler(is_outermost),
        }))
    }

    /// Records the gas of the frame that is about to run, if anyone asked for it.
    fn profiler(&self, is_outermost: bool) -> Option<Profiler> {
        let outermost = self.contracts.profiler.clone().filter(|_| is_outermost);
        let Some(inspector) = &self.contracts.observers.inspector else {
            return outermost;
        };
        let profiler = outermost.or_else(|| inspector.is_by_function().then(Profiler::new));
        if let Some(profiler) = &profiler {
            inspector.profile(profiler.clone());
        }
        profiler
    }

    /// The code that the transaction deploys, which has paid for it already.
    fn deployed(&mut self, program: Arc<PreparedProgram>) -> LoadedCode {
        let hash = program.program().code_hash;
        self.loaded.insert(hash, Some(Arc::clone(&program)));
        LoadedCode {
            program: Some(program),
            loading_gas: Gas::ZERO,
        }
    }

    /// Does what a call does before it enters its method. Returns the code that it enters, or
    /// `None` if it only transfers a value.
    fn open(
        &mut self,
        changes: &mut Changes,
        context: &mut Context,
        opening: Opening,
        gas: Gas,
    ) -> Result<Result<Option<LoadedCode>, CallResult>, ContractError> {
        let has_upgrades = self.contracts.rules.has_upgrades();
        let loaded = match opening {
            // Nobody looks at the value, or there is none to look at.
            Opening::Method | Opening::Deployed(_)
                if context.method.is_empty() && (!has_upgrades || context.value == 0) =>
            {
                return Ok(Ok(None));
            }
            Opening::Method => match (changes.code(context.address)?, context.method.is_empty()) {
                (None, true) => return Ok(Ok(None)),
                (None, false) => Err(CallResult::rejected(Rejection::UnknownAddress)),
                (Some(code), is_transfer) => {
                    if is_transfer {
                        context.method = RECEIVE_METHOD.to_owned();
                    }
                    self.load(changes, context.address, code, gas)?
                }
            },
            Opening::Deployed(program) => Ok(self.deployed(program)),
            Opening::Create { code, admin } => self.create(changes, context, (code, admin), gas)?,
            Opening::Upgrade { code } => self.upgrade(changes, context, code, gas)?,
        };
        Ok(loaded.map(Some))
    }

    /// Whether one program has every method that calls may enter in another.
    pub(crate) fn has_methods_of(&mut self, new: &PreparedProgram, old: &PreparedProgram) -> bool {
        let rules = &self.contracts.rules;
        for code in [new, old] {
            let hash = code.program().code_hash;
            let names = || Entry::Method.methods(rules, code);
            self.methods.insert(hash, names);
        }
        let [new, old] = [new, old].map(|code| code.program().code_hash);
        self.methods.contains_all(new, old)
    }

    /// Whether a call may enter a method of a program.
    pub(crate) fn admits(&self, entry: Entry, program: &PreparedProgram, method: &str) -> bool {
        entry.admits(&self.contracts.rules, program, method)
    }

    /// Loads code of the contract at an address, for a call with this gas. Only the first call of
    /// the code in the transaction pays, before the code is read. The error is the result of a call
    /// that loads nothing.
    pub(crate) fn load(
        &mut self,
        changes: &mut Changes,
        address: Address,
        code: AccountCode,
        gas: Gas,
    ) -> Result<Result<LoadedCode, CallResult>, ContractError> {
        if let Some(program) = self.loaded.get(&code.hash) {
            return Ok(Ok(LoadedCode {
                program: program.clone(),
                loading_gas: Gas::ZERO,
            }));
        }
        let bytes = self.loaded_bytes.saturating_add(code.bytes.into());
        if bytes > self.contracts.rules.limits.loaded_bytes.into() {
            return Ok(Err(CallResult::rejected(Rejection::CodeLimit)));
        }
        let loading_gas = self.contracts.loading_gas(code);
        if loading_gas > gas {
            return Ok(Err(CallResult {
                gas_used: gas,
                ..CallResult::of(Status::OutOfGas)
            }));
        }
        let program = self.contracts.load(changes, address, code.hash)?;
        self.loaded_bytes = bytes;
        self.loaded.insert(code.hash, program.clone());
        Ok(Ok(LoadedCode {
            program,
            loading_gas,
        }))
    }

    /// The message of a re-entrancy error. `None` if the contract has no running or suspended
    /// frame, or admits the call all the same.
    fn reentrancy(
        &self,
        changes: &mut Changes,
        context: &Context,
    ) -> Result<Option<String>, ContractError> {
        let mut active = self.active.iter().enumerate();
        let Some((depth, (address, method))) =
            active.find(|(_, (address, _))| *address == context.address)
        else {
            return Ok(None);
        };
        if self.contracts.rules.has_upgrades() {
            let policy = u32::from(changes.reentrancy(context.address)?);
            let is_own = context.caller == context.address;
            let is_read_only = context.access == Access::ReadOnly;
            if policy & reentrancy::ANY != 0
                || (policy & reentrancy::SELF != 0 && is_own)
                || (policy & reentrancy::READ_ONLY != 0 && is_read_only)
            {
                return Ok(None);
            }
        }
        Ok(Some(format!(
            "frame {} ({}.{}) calls into frame {depth} ({address}.{method}), which has not ended",
            self.active.len(),
            context.address,
            context.method,
        )))
    }
}

fn reverted(
    mut changes: Changes,
    checkpoint: ChangesCheckpoint,
    result: CallResult,
) -> Begin<Frames> {
    changes.revert(checkpoint);
    returned(changes, result)
}

fn returned(changes: Changes, result: CallResult) -> Begin<Frames> {
    Begin::Return {
        used: result.gas_used,
        value: (changes, result),
    }
}

/// A frame is suspended without a pending request.
fn no_pending_request() -> RunError {
    EngineError::Host("internal error: a contract is suspended without a pending request".into())
        .into()
}

/// A nested VM is in the position of a contract.
fn not_a_contract() -> RunError {
    EngineError::Host("internal error: expected a contract, found a nested VM".into()).into()
}
