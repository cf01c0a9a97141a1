//! The recording of capsules, while their subject runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fusee_engine::{CodeHash, Interrupt};
use fusee_state::{ReadSet, RecordedState, StateReader, Value};

use super::{Capsule, CapsuleResult, CapsuleSubject};
use crate::{
    Address, Batch, BatchResult, BlockContext, ContractError, ContractRules, Contracts,
    ExecutionResult, Included, SystemCall, Transaction,
    execution::Execution,
    keys,
    steps::{StepRecorder, Steps},
};

impl Capsule {
    /// Runs a transaction as [`Contracts::execute`] does, and records it as the batch that it is.
    /// There is no capsule of a transaction that no block can include.
    ///
    /// # Errors
    ///
    /// As [`Contracts::execute`].
    pub fn record(
        contracts: &Contracts,
        state: Arc<dyn StateReader>,
        transaction: Transaction,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<(ExecutionResult, Option<Self>), ContractError> {
        let batch = transaction.into();
        let (result, capsule) = Self::record_batch(contracts, state, batch, block, interrupt)?;
        Ok((result.into_single(), capsule))
    }

    /// Runs a batch as [`Contracts::execute_batch`] does, and records it. There is no capsule of a
    /// batch that no block can include.
    ///
    /// # Errors
    ///
    /// As [`Contracts::execute_batch`].
    pub fn record_batch(
        contracts: &Contracts,
        state: Arc<dyn StateReader>,
        batch: Batch,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<(BatchResult, Option<Self>), ContractError> {
        let oracle = |_: Address, _: &[u8]| None;
        Self::record_with_oracle(contracts, state, batch, block, interrupt, oracle)
    }

    /// The same with an oracle, which gets the contract and the bytes of each request.
    ///
    /// # Errors
    ///
    /// As [`Contracts::execute_batch`].
    pub fn record_with_oracle(
        contracts: &Contracts,
        state: Arc<dyn StateReader>,
        batch: Batch,
        block: &BlockContext,
        interrupt: &Interrupt,
        mut oracle: impl FnMut(Address, &[u8]) -> Option<Vec<u8>>,
    ) -> Result<(BatchResult, Option<Self>), ContractError> {
        let recorder = StepRecorder::keeping(0);
        let recording = contracts.recording(recorder.clone());
        let mut answers = Vec::new();
        let answering = |contract: Address, request: &[u8]| {
            let answer = oracle(contract, request);
            answers.push(answer.clone());
            Some(answer)
        };
        let subject = CapsuleSubject::Batch(batch.clone());
        let execution = Execution::new(&recording, Arc::clone(&state), batch, block, interrupt);
        let result = execution.finish(answering)?;
        let result = result.expect("the oracle replies to each request");
        let BatchResult::Included(included) = &result else {
            return Ok((result, None));
        };
        let recorded = Recorded {
            rules: contracts.rules(),
            block,
            subject,
            answers,
            reads: &included.reads,
            result: included.into(),
            steps: recorder.take(),
        };
        let capsule = recorded.into_capsule(&*state)?;
        Ok((result, Some(capsule)))
    }

    /// Runs a call that the chain makes by itself as [`Contracts::execute_system`] does, and
    /// records it.
    ///
    /// # Errors
    ///
    /// As [`Contracts::execute_system`].
    pub fn record_system(
        contracts: &Contracts,
        state: Arc<dyn StateReader>,
        call: SystemCall,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<(Included, Self), ContractError> {
        let recorder = StepRecorder::keeping(0);
        let recording = contracts.recording(recorder.clone());
        let subject = CapsuleSubject::System(call.clone());
        let included = recording.execute_system(Arc::clone(&state), call, block, interrupt)?;
        let recorded = Recorded {
            rules: contracts.rules(),
            block,
            subject,
            answers: Vec::new(),
            reads: &included.reads,
            result: (&included).into(),
            steps: recorder.take(),
        };
        let capsule = recorded.into_capsule(&*state)?;
        Ok((included, capsule))
    }
}

/// What a capsule is made of, after the run.
struct Recorded<'a> {
    rules: &'a ContractRules,
    block: &'a BlockContext,
    subject: CapsuleSubject,
    answers: Vec<Option<Vec<u8>>>,
    reads: &'a ReadSet,
    result: CapsuleResult,
    steps: Steps,
}

impl Recorded<'_> {
    /// The capsule, with what was read of this state.
    fn into_capsule(self, state: &dyn StateReader) -> Result<Capsule, ContractError> {
        let Self {
            rules,
            block,
            mut subject,
            answers,
            reads,
            result,
            steps,
        } = self;
        let (state, mut code) = split(&RecordedState::record(reads, state)?);
        let stored_code: BTreeSet<_> = code.keys().copied().collect();
        let sent = subject.take_code();
        let sent_code = sent.iter().map(|(hash, _)| *hash).collect();
        code.extend(sent);
        Ok(Capsule {
            rules: (rules.name.to_string(), rules.id()),
            block: block.clone(),
            subject,
            sent_code,
            answers,
            state,
            stored_code,
            code: code
                .into_iter()
                .map(|(hash, it)| (hash, Some(it)))
                .collect(),
            result,
            steps,
        })
    }
}

/// Takes the code out of a state. Code under another hash than its own is an entry like any other.
fn split(state: &RecordedState) -> (RecordedState, BTreeMap<CodeHash, Value>) {
    let mut code = BTreeMap::new();
    let mut entries = Vec::new();
    for (key, value) in state.iter() {
        let found = code_hash(key).zip(value);
        match found.filter(|(hash, value)| CodeHash::of(value) == *hash) {
            Some((hash, value)) => {
                code.insert(hash, Value::clone(value));
            }
            None => entries.push((key.to_vec(), value.cloned())),
        }
    }
    let ranges = state.ranges();
    let ranges = ranges.map(|(start, end)| (start.to_vec(), end.to_vec()));
    (RecordedState::new(ranges, entries), code)
}

/// The hash of the code that a key of the state is for.
pub(super) fn code_hash(key: &[u8]) -> Option<CodeHash> {
    let parts = keys::parts(key)?;
    let is_code = parts.tag == keys::CODE && parts.rest.is_empty();
    is_code.then(|| CodeHash::from_bytes(parts.owner))
}
