//! Executions of transactions and batches, which are suspended at each oracle request.
//!
//! A transaction is a batch of one operation. If a compiled engine fails on a batch that the
//! interpreter may be able to run, the batch restarts on the interpreter and receives the same
//! oracle replies. Nothing has changed until then.

use std::{fmt, sync::Arc};

use fusee_engine::{EngineError, Interrupt};
use fusee_executor::{RunError, Tier};
use fusee_instrument::Refusal;
use fusee_state::{Diff, ReadSet, StateReader};

use crate::{
    Address, Batch, BatchOperation, BatchResult, BlockContext, ContractError, Contracts,
    InvalidTransaction, Receipt, Status, Transaction,
    call_result::CallResult,
    call_stack::{self, Call, CallStack, OracleRequest},
    changes::Changes,
    frame::{Access, Context},
    open_batch::{CurrentOperation, OpenBatch},
    operation::{Begun, Position},
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
    execution: Execution,
    open: Box<OpenBatch>,
    request: OracleRequest,
}

/// A batch, and everything that its result depends on.
pub(crate) struct Execution {
    contracts: Contracts,
    state: Arc<dyn StateReader>,
    batch: Batch,
    block: BlockContext,
    interrupt: Interrupt,
    tier: Tier,
    /// The oracle replies so far.
    answers: Vec<Option<Vec<u8>>>,
}

impl fmt::Debug for Execution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Execution")
            .field("batch", &self.batch)
            .field("tier", &self.tier)
            .field("answers", &self.answers.len())
            .finish_non_exhaustive()
    }
}

/// The state of an execution.
enum ExecutionState {
    Ended(Box<BatchResult>),
    Waiting(Box<OpenBatch>, OracleRequest),
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
        let execution = Execution::new(self, state, transaction.into(), block, interrupt);
        Ok(execution.finish_without_oracle()?.into_single())
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
        let mut execution = Execution::new(self, state, transaction.into(), block, interrupt);
        let state = execution.start()?;
        Ok(execution.progress(state))
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
            open,
            request,
        } = self;
        let state = execution.answer(open, request, answer)?;
        Ok(execution.progress(state))
    }
}

impl Execution {
    pub(crate) fn new(
        contracts: &Contracts,
        state: Arc<dyn StateReader>,
        batch: Batch,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Self {
        Self {
            contracts: contracts.clone(),
            state,
            batch,
            block: block.clone(),
            interrupt: interrupt.clone(),
            tier: Tier::Best,
            answers: Vec::new(),
        }
    }

    /// Runs the batch to its end. Oracle requests are answered with `UNANSWERED`.
    pub(crate) fn finish_without_oracle(self) -> Result<BatchResult, ContractError> {
        let result = self.finish(|_, _| Some(None))?;
        Ok(result.expect("the oracle replies to each request"))
    }

    /// Runs the batch to its end. Returns `None` if the oracle returns `None` instead of a reply:
    /// the batch is then dropped.
    pub(crate) fn finish(
        mut self,
        mut oracle: impl FnMut(Address, &[u8]) -> Option<Option<Vec<u8>>>,
    ) -> Result<Option<BatchResult>, ContractError> {
        let mut state = self.start()?;
        loop {
            state = match state {
                ExecutionState::Ended(result) => return Ok(Some(*result)),
                ExecutionState::Waiting(open, request) => {
                    match oracle(request.contract, &request.question) {
                        Some(answer) => self.answer(open, request, answer)?,
                        None => return Ok(None),
                    }
                }
            };
        }
    }

    /// The progress of a transaction.
    fn progress(self, state: ExecutionState) -> Progress {
        match state {
            ExecutionState::Ended(result) => Progress::Ended(Box::new(result.into_single())),
            ExecutionState::Waiting(open, request) => Progress::Waiting(Box::new(Waiting {
                execution: self,
                open,
                request,
            })),
        }
    }

    fn start(&mut self) -> Result<ExecutionState, ContractError> {
        let state = self.replay();
        self.or_interpret(state)
    }

    fn answer(
        &mut self,
        open: Box<OpenBatch>,
        request: OracleRequest,
        answer: Option<Vec<u8>>,
    ) -> Result<ExecutionState, ContractError> {
        self.answers.push(answer.clone());
        let state = self.resume(open, request, answer);
        self.or_interpret(state)
    }

    /// Restarts the batch on the interpreter if only the engine failed.
    fn or_interpret(
        &mut self,
        state: Result<ExecutionState, ContractError>,
    ) -> Result<ExecutionState, ContractError> {
        match state {
            Err(error) if self.tier == Tier::Best && self.contracts.may_interpret(&error) => {
                self.tier = Tier::Interpreter;
                self.contracts.executor.count_fallback();
                self.replay()
            }
            state => state,
        }
    }

    /// Runs the batch from its beginning to the first oracle request without a known reply.
    fn replay(&self) -> Result<ExecutionState, ContractError> {
        let mut state = self.begin()?;
        for answer in &self.answers {
            state = match state {
                ExecutionState::Waiting(open, request) => {
                    self.resume(open, request, answer.clone())?
                }
                ended @ ExecutionState::Ended(_) => return Ok(ended),
            };
        }
        Ok(state)
    }

    /// Validates the batch, takes its fee, advances the nonce, and runs the operations.
    fn begin(&self) -> Result<ExecutionState, ContractError> {
        let Self {
            contracts, batch, ..
        } = self;
        contracts.observers.clear();
        let mut changes = Changes::new(Arc::clone(&self.state));
        let reserved = match contracts.admit_batch(&mut changes, batch)? {
            Ok(reserved) => reserved,
            Err(invalid) => {
                let result = BatchResult::Invalid(invalid);
                return Ok(ExecutionState::Ended(Box::new(result)));
            }
        };
        contracts.observers.charge_intrinsic(batch.overhead);
        let stack = CallStack::new(contracts, &self.block, &self.interrupt, self.tier);
        let open = OpenBatch::begin(batch, stack, reserved, &mut changes)?;
        self.run(Box::new(open), changes)
    }

    /// Continues after an oracle request of the current operation.
    fn resume(
        &self,
        mut open: Box<OpenBatch>,
        request: OracleRequest,
        answer: Option<Vec<u8>>,
    ) -> Result<ExecutionState, ContractError> {
        match open.stack.answer(request, answer)? {
            call_stack::Progress::Ended(changes, result) => {
                open.end(&changes, result);
                self.run(open, changes)
            }
            call_stack::Progress::Waiting(request) => Ok(ExecutionState::Waiting(open, request)),
        }
    }

    /// Runs the operations that have not begun.
    fn run(
        &self,
        mut open: Box<OpenBatch>,
        mut changes: Changes,
    ) -> Result<ExecutionState, ContractError> {
        while let Some((index, operation)) = self.next(&open) {
            // Operations that run no guest do not check it themselves.
            if index > 0 && self.interrupt.is_triggered() {
                return Err(RunError::from(EngineError::Interrupted).into());
            }
            match self.run_operation(&mut open, changes, (index, operation))? {
                call_stack::Progress::Ended(returned, result) => {
                    open.end(&returned, result);
                    changes = returned;
                }
                call_stack::Progress::Waiting(request) => {
                    return Ok(ExecutionState::Waiting(open, request));
                }
            }
        }
        let included = open.finish(&self.batch, changes)?;
        let result = BatchResult::Included(included);
        Ok(ExecutionState::Ended(Box::new(result)))
    }

    /// The operation to begin, unless one has failed.
    fn next(&self, open: &OpenBatch) -> Option<(usize, &BatchOperation)> {
        let index = open.next()?;
        let operation = self.batch.operations.get(index)?;
        Some((index, operation))
    }

    fn run_operation(
        &self,
        open: &mut OpenBatch,
        mut changes: Changes,
        (index, BatchOperation { action, value }): (usize, &BatchOperation),
    ) -> Result<call_stack::Progress, ContractError> {
        let position = Position {
            from: self.batch.from,
            nonce: open.nonce,
            index,
        };
        let intrinsic = self.contracts.operation_gas(index, action);
        let gas = open.gas_left.checked_sub(intrinsic);
        open.current = CurrentOperation {
            intrinsic: intrinsic.min(open.gas_left),
            deployed: None,
        };
        let observers = &self.contracts.observers;
        observers.begin_operation(index);
        observers.charge_intrinsic(open.current.intrinsic);
        // The operations before this one may have used what it needs.
        let Some(gas) = gas else {
            let result = CallResult::of(Status::OutOfGas);
            return Ok(call_stack::Progress::Ended(changes, result));
        };
        let begun = self
            .contracts
            .begin_operation(&mut changes, action, position)?;
        let callee = match begun {
            Begun::Call(callee) => callee,
            Begun::Ended(result, refusal) => {
                open.refusal = refusal;
                return Ok(call_stack::Progress::Ended(changes, result));
            }
        };
        open.current.deployed = callee.deployed_address();
        open.stack.run(Call {
            context: Context {
                caller: position.from,
                address: callee.address,
                method: callee.method,
                value: *value,
                input: callee.input,
                access: Access::ReadWrite,
            },
            gas,
            opening: callee.opening,
            changes,
        })
    }
}

impl BatchResult {
    /// The result of a transaction, which is a batch of one operation.
    pub(crate) fn into_single(self) -> ExecutionResult {
        match self {
            Self::Included(included) => ExecutionResult::Included(included.into_single()),
            Self::Invalid(invalid) => ExecutionResult::Invalid(invalid.reason),
        }
    }
}
