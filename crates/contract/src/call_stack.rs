//! The call stack of one transaction or query: contracts as frames of the executor's driver.
//!
//! [`Frames`] is the supervisor: it moves value, opens and closes checkpoints, loads code, and
//! refuses re-entrancy. The changes of the transaction travel with the frame that runs.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use fusee_abi::status;
use fusee_engine::{CodeHash, EngineError, Gas, Interrupt};
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
    Address, ContractError, Contracts, Rejection, Status,
    call_result::CallResult,
    changes::{Changes, ChangesCheckpoint},
    entry::Entry,
    frame::{CallRequest, Context, Frame, PendingRequest},
    syscalls,
};

/// The parameters of a call.
pub(crate) struct Call {
    pub(crate) context: Context,
    pub(crate) gas: Gas,
    pub(crate) entry: Entry,
    /// The callee's program, if the caller has prepared it already. Default: loaded from the state.
    pub(crate) program: Option<Arc<PreparedProgram>>,
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
    /// The address and the method of each running or suspended frame, the outermost first.
    active: Vec<(Address, String)>,
    /// The code that the transaction has loaded, by its hash. `None` if the rules refuse it. It
    /// stays in memory until the transaction ends, so that it is loaded, and paid, once.
    loaded: BTreeMap<CodeHash, Option<Arc<PreparedProgram>>>,
    /// The size of the loaded code.
    loaded_bytes: u64,
}

/// The code of a call, and the price of loading it.
struct LoadedCode {
    /// `None` if the rules refuse the code.
    program: Option<Arc<PreparedProgram>>,
    loading_gas: Gas,
}

impl CallStack {
    pub(crate) fn new(contracts: &Contracts, interrupt: &Interrupt, tier: Tier) -> Self {
        let settings = DriverSettings {
            limits: contracts.rules.frames,
            suspension: contracts.suspension,
            tier,
            interrupt: interrupt.clone(),
        };
        let driver = Driver::new(Arc::clone(&contracts.executor), settings);
        let frames = Frames {
            contracts: contracts.clone(),
            active: Vec::new(),
            loaded: BTreeMap::new(),
            loaded_bytes: 0,
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
                    Arc::new(rules.rules.clone()),
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
        frame.ok_or_else(not_a_contract)?.return_data = answer.unwrap_or_default();
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

    /// Transfers the value of the call, and enters its method.
    fn begin(&mut self, call: Call) -> Result<Begin<Self>, ContractError> {
        let Call {
            context,
            gas,
            entry,
            program,
            mut changes,
        } = call;
        let checkpoint = changes.checkpoint();
        if !changes.transfer(context.caller, context.address, context.value)? {
            let result = CallResult::rejected(Rejection::InsufficientBalance);
            return Ok(reverted(changes, checkpoint, result));
        }
        if context.method.is_empty() {
            changes.commit(checkpoint);
            return Ok(returned(changes, CallResult::of(Status::Success)));
        }
        let loaded = match program {
            Some(program) => Ok(self.deployed(program)),
            None => self.load(&mut changes, context.address, gas)?,
        };
        let LoadedCode {
            program,
            loading_gas,
        } = match loaded {
            Ok(loaded) => loaded,
            Err(result) => return Ok(reverted(changes, checkpoint, result)),
        };
        // The code is loaded, whatever comes of the call.
        let rejected = |rejection| CallResult {
            gas_used: loading_gas,
            ..CallResult::rejected(rejection)
        };
        let Some(program) = program else {
            let result = rejected(Rejection::RefusedCode);
            return Ok(reverted(changes, checkpoint, result));
        };
        if !entry.admits(&program, &context.method) {
            let result = rejected(Rejection::UnknownMethod);
            return Ok(reverted(changes, checkpoint, result));
        }
        if let Some(message) = self.reentrancy(&context) {
            let result = CallResult {
                output: message.into_bytes(),
                ..rejected(Rejection::Reentrant)
            };
            return Ok(reverted(changes, checkpoint, result));
        }
        self.active.push((context.address, context.method.clone()));
        let is_outermost = self.active.len() == 1;
        let method = context.method.clone();
        let frame = Frame::new(context, &self.contracts.rules, changes, checkpoint);
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
            profiler: self.contracts.profiler.clone().filter(|_| is_outermost),
        }))
    }

    fn refuse(&mut self, call: Call, _: FrameLimit) -> Result<Self::Return, ContractError> {
        let result = CallResult::rejected(Rejection::CallLimit);
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
                } = request;
                let context = Context {
                    caller: frame.context.address,
                    address: to,
                    method,
                    value,
                    input,
                    access: frame.context.access,
                };
                let call = Call {
                    context,
                    gas: gas.min(forwardable),
                    entry: Entry::Method,
                    program: None,
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
        let mut changes = frame.lend_changes();
        let Frame {
            checkpoint,
            output,
            has_reverted,
            ..
        } = *frame;
        let (status, output) = match reason {
            EndReason::Finished if has_reverted => (Status::Reverted, output),
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
        Ok((changes, result))
    }

    fn returned(
        &mut self,
        caller: Paused<'_, Box<Frame>>,
        (changes, result): Self::Return,
        _: Gas,
    ) -> Result<Action<Self>, ContractError> {
        let reply = result.reply();
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
    /// The code that the transaction deploys, which has paid for it already.
    fn deployed(&mut self, program: Arc<PreparedProgram>) -> LoadedCode {
        let hash = program.program().code_hash;
        self.loaded.insert(hash, Some(Arc::clone(&program)));
        LoadedCode {
            program: Some(program),
            loading_gas: Gas::ZERO,
        }
    }

    /// Loads the code of the contract at an address, for a call with this gas. Only the first call
    /// of the code in the transaction pays, before the code is read. The error is the result of a
    /// call that loads nothing.
    fn load(
        &mut self,
        changes: &mut Changes,
        address: Address,
        gas: Gas,
    ) -> Result<Result<LoadedCode, CallResult>, ContractError> {
        let Some(code) = changes.code(address)? else {
            return Ok(Err(CallResult::rejected(Rejection::UnknownAddress)));
        };
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

    /// The message of a re-entrancy error, or `None` if the contract has no running or suspended
    /// frame.
    fn reentrancy(&self, context: &Context) -> Option<String> {
        let mut active = self.active.iter().enumerate();
        let (depth, (address, method)) =
            active.find(|(_, (address, _))| *address == context.address)?;
        Some(format!(
            "frame {} ({}.{}) calls into frame {depth} ({address}.{method}), which has not ended",
            self.active.len(),
            context.address,
            context.method,
        ))
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
