//! Executions: one transaction from what it asks to what it leaves, with a rest wherever a contract
//! asks the oracle.
//!
//! Where an engine fails for want of what an interpreter does not need, the transaction runs once
//! more from the beginning, on the interpreter, with the answers that were given. Nothing has
//! changed in between.

use std::{fmt, sync::Arc};

use fusee_engine::{Gas, Interrupt};
use fusee_executor::{PreparedProgram, Tier};
use fusee_instrument::Refusal;
use fusee_state::{Diff, ReadSet, StateReader};

use crate::{
    Action, Address, ContractError, Contracts, Event, InvalidTransaction, Receipt, Rejection,
    Status, Transaction,
    call_result::CallResult,
    call_stack::{self, Call, CallStack, Entry, OracleRequest},
    changes::{Changes, ChangesCheckpoint, Parts},
    frame::{Access, Context},
};

/// What a transaction comes to. Nothing is written until somebody commits the changes.
#[derive(Debug)]
pub enum ExecutionResult {
    /// It can be in a block, successful or not.
    Included(Included),
    /// It cannot be in a block, and changes nothing.
    Invalid(InvalidTransaction),
}

/// What a transaction that can be in a block leaves.
#[derive(Debug)]
pub struct Included {
    /// The receipt.
    pub receipt: Receipt,
    /// What it writes to the state: the last value of each key written by frames that did not fail.
    pub changes: Diff,
    /// What it read from the state that it ran on, in frames that failed as well.
    pub reads: ReadSet,
    /// Why the code was refused, if it was: for people, since the receipt only says that it was.
    pub refusal: Option<Refusal>,
}

impl ExecutionResult {
    /// What it leaves, if it can be in a block.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn included(self) -> Result<Included, InvalidTransaction> {
        match self {
            Self::Included(included) => Ok(included),
            Self::Invalid(invalid) => Err(invalid),
        }
    }
}

/// How far a transaction came.
#[derive(Debug)]
pub enum Progress {
    /// It has ended.
    Ended(Box<ExecutionResult>),
    /// A contract asks the oracle.
    Waiting(Box<Waiting>),
}

/// A transaction that waits for the oracle, with all its contracts and their children. Dropping it
/// drops them, and nothing has changed.
#[derive(Debug)]
pub struct Waiting {
    execution: TransactionExecution,
    call: Box<OpenCall>,
    request: OracleRequest,
}

/// A transaction, and all that its result depends on.
pub(crate) struct TransactionExecution {
    pub(crate) contracts: Contracts,
    pub(crate) state: Arc<dyn StateReader>,
    pub(crate) transaction: Transaction,
    pub(crate) interrupt: Interrupt,
    pub(crate) tier: Tier,
    /// The answers of the oracle so far.
    pub(crate) answers: Vec<Option<Vec<u8>>>,
}

impl fmt::Debug for TransactionExecution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TransactionExecution")
            .field("transaction", &self.transaction)
            .field("tier", &self.tier)
            .field("answers", &self.answers.len())
            .finish_non_exhaustive()
    }
}

/// The transaction's outermost call, which has not ended.
#[derive(Debug)]
struct OpenCall {
    stack: CallStack,
    checkpoint: ChangesCheckpoint,
    address: Address,
    entry: Entry,
    intrinsic: Gas,
}

/// The state of an execution.
enum ExecutionState {
    Ended(Box<ExecutionResult>),
    Waiting(Box<OpenCall>, OracleRequest),
}

/// What the outermost call enters.
struct Callee {
    address: Address,
    entry: Entry,
    method: String,
    input: Vec<u8>,
    program: Option<Arc<PreparedProgram>>,
}

impl Waiting {
    /// Who asks.
    #[must_use]
    pub const fn contract(&self) -> Address {
        self.request.contract
    }

    /// What it asks.
    #[must_use]
    pub fn question(&self) -> &[u8] {
        &self.request.question
    }

    /// Continues with the answer, or with none, which the contract is told. Receipt and changes
    /// depend on the answer: another machine that has to come to the same has to answer the same.
    ///
    /// # Errors
    ///
    /// As [`Contracts::execute`].
    pub fn answer(self, answer: Option<Vec<u8>>) -> Result<Progress, ContractError> {
        let Self {
            mut execution,
            call,
            request,
        } = self;
        execution.answers.push(answer.clone());
        let state = execution.answer(call, request, answer);
        execution.progress(state)
    }
}

impl TransactionExecution {
    pub(crate) fn start(self) -> Result<Progress, ContractError> {
        let state = self.replay();
        self.progress(state)
    }

    /// The progress that a state is. Where only the engine failed, the state is replaced by that of
    /// the interpreter, which begins anew.
    fn progress(
        mut self,
        mut state: Result<ExecutionState, ContractError>,
    ) -> Result<Progress, ContractError> {
        if let Err(error) = &state
            && self.tier == Tier::Best
            && self.contracts.may_interpret(error)
        {
            self.tier = Tier::Interpreter;
            state = self.replay();
        }
        Ok(match state? {
            ExecutionState::Ended(result) => Progress::Ended(result),
            ExecutionState::Waiting(call, request) => Progress::Waiting(Box::new(Waiting {
                execution: self,
                call,
                request,
            })),
        })
    }

    /// Runs from the beginning to the first question whose answer is not known.
    fn replay(&self) -> Result<ExecutionState, ContractError> {
        let mut state = self.begin()?;
        for answer in &self.answers {
            state = match state {
                ExecutionState::Waiting(call, request) => {
                    self.answer(call, request, answer.clone())?
                }
                ended @ ExecutionState::Ended(_) => return Ok(ended),
            };
        }
        Ok(state)
    }

    fn answer(
        &self,
        mut call: Box<OpenCall>,
        request: OracleRequest,
        answer: Option<Vec<u8>>,
    ) -> Result<ExecutionState, ContractError> {
        let progress = call.stack.answer(request, answer)?;
        self.end(call, progress)
    }

    fn begin(&self) -> Result<ExecutionState, ContractError> {
        let mut changes = Changes::new(Arc::clone(&self.state));
        let transaction = &self.transaction;
        if let Some(invalid) = self.contracts.find_invalid(&mut changes, transaction)? {
            let result = ExecutionResult::Invalid(invalid);
            return Ok(ExecutionState::Ended(Box::new(result)));
        }
        let Transaction {
            from,
            ref action,
            value,
            gas,
        } = *transaction;
        let intrinsic = self.contracts.intrinsic_gas(action);
        // A valid transaction has at least that much.
        let rest = gas.saturating_sub(intrinsic);
        let nonce = changes.nonce(from)?;
        changes.set_nonce(from, nonce.saturating_add(1));
        let checkpoint = changes.checkpoint();
        let callee = match action {
            Action::Deploy { code, input } => {
                let program = match self.contracts.prepare(code)? {
                    Ok(program) => program,
                    Err(refusal) => {
                        changes.revert(checkpoint);
                        let result = CallResult {
                            gas_used: intrinsic,
                            ..CallResult::rejected(Rejection::RefusedCode)
                        };
                        let receipt = |events| result.receipt(events, gas, None);
                        return Ok(included(changes, receipt, Some(refusal)));
                    }
                };
                let hash = program.program().code_hash;
                let address = Address::of_contract(from, nonce, hash);
                changes.set_code(address, hash, code);
                Callee::deployed(address, program, input)
            }
            Action::Call { to, method, input } => Callee {
                address: *to,
                entry: Entry::Method,
                method: method.clone(),
                input: input.clone(),
                program: None,
            },
        };
        let Callee {
            address,
            entry,
            method,
            input,
            program,
        } = callee;
        let entered = Call {
            context: Context {
                caller: from,
                address,
                method,
                value,
                input,
                access: Access::ReadWrite,
            },
            gas: rest,
            entry,
            program,
            changes,
        };
        let mut stack = CallStack::new(&self.contracts, &self.interrupt, self.tier);
        let progress = stack.run(entered)?;
        let call = Box::new(OpenCall {
            stack,
            checkpoint,
            address,
            entry,
            intrinsic,
        });
        self.end(call, progress)
    }

    /// Commits or reverts what the call changed, if it has ended.
    fn end(
        &self,
        call: Box<OpenCall>,
        progress: call_stack::Progress,
    ) -> Result<ExecutionState, ContractError> {
        let (mut changes, result) = match progress {
            call_stack::Progress::Ended(changes, result) => (changes, result),
            call_stack::Progress::Waiting(request) => {
                return Ok(ExecutionState::Waiting(call, request));
            }
        };
        let OpenCall {
            checkpoint,
            address,
            entry,
            intrinsic,
            ..
        } = *call;
        let succeeded = result.status == Status::Success;
        if succeeded {
            changes.commit(checkpoint);
        } else {
            changes.revert(checkpoint);
        }
        let deployed = (succeeded && entry == Entry::Deploy).then_some(address);
        let gas_used = intrinsic.saturating_add(result.gas_used);
        let result = CallResult { gas_used, ..result };
        let receipt = |events| result.receipt(events, self.transaction.gas, deployed);
        Ok(included(changes, receipt, None))
    }
}

impl Callee {
    /// A contract that is being deployed. One without `deploy` is entered nowhere, unless there is
    /// input for it.
    fn deployed(address: Address, program: Arc<PreparedProgram>, input: &[u8]) -> Self {
        let has_deploy = Entry::Deploy.admits(&program, fusee_abi::DEPLOY_METHOD);
        let method = if has_deploy || !input.is_empty() {
            fusee_abi::DEPLOY_METHOD.to_owned()
        } else {
            String::new()
        };
        Self {
            address,
            entry: Entry::Deploy,
            method,
            input: input.to_vec(),
            program: Some(program),
        }
    }
}

fn included(
    changes: Changes,
    receipt: impl FnOnce(Vec<Event>) -> Receipt,
    refusal: Option<Refusal>,
) -> ExecutionState {
    let Parts {
        diff,
        reads,
        events,
    } = changes.into_parts();
    ExecutionState::Ended(Box::new(ExecutionResult::Included(Included {
        receipt: receipt(events),
        changes: diff,
        reads,
        refusal,
    })))
}
