//! Executions of transactions, which are suspended at each oracle request.
//!
//! If a compiled engine fails on a transaction that the interpreter may be able to run, the
//! transaction restarts on the interpreter and receives the same oracle replies. Nothing has
//! changed until then.

use std::{fmt, sync::Arc};

use fusee_engine::{Gas, Interrupt};
use fusee_executor::{PreparedProgram, Tier};
use fusee_instrument::Refusal;
use fusee_state::{Diff, ReadSet, StateReader};

use crate::{
    Action, Address, BlockContext, ContractError, ContractRules, Contracts, Event,
    InvalidTransaction, Receipt, Rejection, Status, Transaction,
    account::AccountCode,
    call_result::CallResult,
    call_stack::{self, Call, CallStack, OracleRequest},
    changes::{Changes, ChangesCheckpoint, Parts},
    deployment::Opening,
    entry::Entry,
    frame::{Access, Context},
};

/// The result of a transaction. Nothing is written until the embedder commits the changes.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every result is of the large variant"
)]
pub enum ExecutionResult {
    /// A block can include the transaction, whatever its status.
    Included(Included),
    /// No block can include the transaction. It changes nothing.
    Invalid(InvalidTransaction),
}

/// The result of a transaction that a block can include.
#[derive(Debug)]
pub struct Included {
    /// The receipt.
    pub receipt: Receipt,
    /// The writes to the state: for each key, the last value that a successful frame wrote.
    pub changes: Diff,
    /// The keys that the transaction read from the state, including reads of failed frames.
    pub reads: ReadSet,
    /// Why the rules refused the code, as text for people. The receipt only contains that they did.
    pub refusal: Option<Refusal>,
}

impl ExecutionResult {
    /// Returns the result if a block can include the transaction.
    ///
    /// # Errors
    ///
    /// The reason if no block can include it.
    pub fn included(self) -> Result<Included, InvalidTransaction> {
        match self {
            Self::Included(included) => Ok(included),
            Self::Invalid(invalid) => Err(invalid),
        }
    }
}

/// The progress of a transaction.
#[derive(Debug)]
pub enum Progress {
    /// The transaction has ended.
    Ended(Box<ExecutionResult>),
    /// A contract made an oracle request.
    Waiting(Box<Waiting>),
}

/// A transaction suspended at an oracle request, with its contracts and their nested VMs. Dropping
/// it drops them, and changes nothing.
#[derive(Debug)]
pub struct Waiting {
    execution: TransactionExecution,
    call: Box<OpenCall>,
    request: OracleRequest,
}

/// A transaction, and everything that its result depends on.
pub(crate) struct TransactionExecution {
    pub(crate) contracts: Contracts,
    pub(crate) state: Arc<dyn StateReader>,
    pub(crate) transaction: Transaction,
    pub(crate) block: BlockContext,
    pub(crate) interrupt: Interrupt,
    pub(crate) tier: Tier,
    /// The oracle replies so far.
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

/// The outermost call of the transaction, which has not ended.
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

/// The entry point of the outermost call.
struct Callee {
    address: Address,
    opening: Opening,
    method: String,
    input: Vec<u8>,
}

impl Contracts {
    /// Runs a transaction on `state`, in a block. Oracle requests are answered with `UNANSWERED`.
    ///
    /// Increments the sender's nonce unless the transaction is invalid, whatever its status.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails. In this case nothing has changed.
    pub fn execute(
        &self,
        state: Arc<dyn StateReader>,
        transaction: Transaction,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<ExecutionResult, ContractError> {
        let mut progress = self.begin(state, transaction, block, interrupt)?;
        loop {
            progress = match progress {
                Progress::Ended(result) => return Ok(*result),
                Progress::Waiting(waiting) => waiting.answer(None)?,
            };
        }
    }

    /// Runs a transaction like [`execute`](Self::execute), but returns whenever a contract makes an
    /// oracle request. Only rules [with an oracle](crate::ContractRules::with_oracle) admit such
    /// contracts.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails. In this case nothing has changed.
    pub fn begin(
        &self,
        state: Arc<dyn StateReader>,
        transaction: Transaction,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<Progress, ContractError> {
        let execution = TransactionExecution {
            contracts: self.clone(),
            state,
            transaction,
            block: block.clone(),
            interrupt: interrupt.clone(),
            tier: Tier::Best,
            answers: Vec::new(),
        };
        execution.start()
    }
}

impl Waiting {
    /// The contract that made the request.
    #[must_use]
    pub const fn contract(&self) -> Address {
        self.request.contract
    }

    /// The bytes of the request.
    #[must_use]
    pub fn question(&self) -> &[u8] {
        &self.request.question
    }

    /// Resumes the transaction with the oracle's reply, or with `None`, which the contract receives
    /// as `UNANSWERED`. Receipt and changes depend on the reply: all nodes must give the same one.
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

    /// Converts a state to the progress of the transaction. If only the engine failed, restarts the
    /// transaction on the interpreter.
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

    /// Runs the transaction from its beginning to the first oracle request without a known reply.
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
        self.contracts.observers.clear();
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
        self.contracts.observers.charge_intrinsic(intrinsic);
        // A valid transaction has a gas limit of at least its intrinsic price.
        let rest = gas.saturating_sub(intrinsic);
        let nonce = changes.nonce(from)?;
        changes.set_nonce(from, nonce.saturating_add(1));
        let checkpoint = changes.checkpoint();
        let callee = match action {
            Action::Deploy { code, input } => {
                let program = match self.contracts.prepare_deployed(code)? {
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
                let bytes = u32::try_from(code.len()).unwrap_or(u32::MAX);
                let account_code = AccountCode { hash, bytes };
                if self.contracts.rules.has_upgrades() {
                    changes.upload(from, hash, code)?;
                    changes.create(address, account_code, None)?;
                } else {
                    changes.store_code(hash, code);
                    changes.set_code(address, account_code);
                }
                Callee::deployed(&self.contracts.rules, address, program, input)
            }
            Action::Create {
                code,
                salt,
                admin,
                input,
            } => Callee {
                address: match salt {
                    Some(salt) => Address::of_salted_contract(from, salt),
                    None => Address::of_contract(from, nonce, *code),
                },
                opening: Opening::Create {
                    code: *code,
                    admin: *admin,
                },
                method: String::new(),
                input: input.clone(),
            },
            Action::Upgrade {
                contract,
                code,
                input,
            } => Callee {
                address: *contract,
                opening: Opening::Upgrade { code: *code },
                method: String::new(),
                input: input.clone(),
            },
            Action::Upload { code } => {
                let (result, refusal) = match self.contracts.prepare_deployed(code)? {
                    Ok(program) => {
                        let hash = program.program().code_hash;
                        changes.upload(from, hash, code)?;
                        let output = hash.as_bytes().to_vec();
                        let result = CallResult {
                            output,
                            ..CallResult::of(Status::Success)
                        };
                        (result, None)
                    }
                    Err(refusal) => (CallResult::rejected(Rejection::RefusedCode), Some(refusal)),
                };
                return Ok(self.without_call(changes, checkpoint, result, refusal));
            }
            Action::SetAdmin { contract, admin } => {
                let result = changes.hand_over(*contract, from, *admin)?;
                return Ok(self.without_call(
                    changes,
                    checkpoint,
                    CallResult::immediate(result),
                    None,
                ));
            }
            Action::RemoveCode { code } => {
                let result = changes.discard(*code, from)?;
                return Ok(self.without_call(
                    changes,
                    checkpoint,
                    CallResult::immediate(result),
                    None,
                ));
            }
            Action::Call { to, method, input } => Callee {
                address: *to,
                opening: Opening::Method,
                method: method.clone(),
                input: input.clone(),
            },
        };
        let Callee {
            address,
            opening,
            method,
            input,
        } = callee;
        let entry = opening.entry();
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
            opening,
            changes,
        };
        let mut stack = CallStack::new(&self.contracts, &self.block, &self.interrupt, self.tier);
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

    /// The end of a transaction that calls no contract.
    fn without_call(
        &self,
        mut changes: Changes,
        checkpoint: ChangesCheckpoint,
        result: CallResult,
        refusal: Option<Refusal>,
    ) -> ExecutionState {
        match result.status {
            Status::Success => changes.commit(checkpoint),
            _ => changes.revert(checkpoint),
        }
        let Transaction { action, gas, .. } = &self.transaction;
        let result = CallResult {
            gas_used: self.contracts.intrinsic_gas(action),
            ..result
        };
        included(
            changes,
            |events| result.receipt(events, *gas, None),
            refusal,
        )
    }

    /// Commits or reverts the changes of the call, if it has ended.
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
    /// Begins the call of a contract's method `deploy`. A contract without `deploy` is deployed
    /// without a call, unless the transaction has an input for it.
    fn deployed(
        rules: &ContractRules,
        address: Address,
        program: Arc<PreparedProgram>,
        input: &[u8],
    ) -> Self {
        let has_deploy = Entry::Deploy.admits(rules, &program, fusee_abi::DEPLOY_METHOD);
        let method = if has_deploy || !input.is_empty() {
            fusee_abi::DEPLOY_METHOD.to_owned()
        } else {
            String::new()
        };
        Self {
            address,
            opening: Opening::Deployed(program),
            method,
            input: input.to_vec(),
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
