//! Capsules: one transaction with all that its outcome depends on, and the outcome that it had.
//!
//! A capsule replays without the chain, on any engine and on later versions of this program.
//! Invariant: a replay reads nothing but the capsule. A read of what is not in it fails, and is a
//! difference from the recorded run.
//!
//! What a capsule has depends on the transaction alone, and not on the engine that recorded it.

mod compare;
mod error;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::Arc,
};

use fusee_engine::{CodeHash, Interrupt};
use fusee_state::{Diff, RecordedState, StateReader, Value};
use sha2::{Digest, Sha256};

use crate::{
    Action, Address, BlockContext, ContractError, ContractRules, ContractRulesId, Contracts,
    ExecutionResult, Included, InvalidTransaction, Progress, Receipt, Transaction, keys,
    steps::{StepRecorder, Steps},
};

pub use compare::{CapsuleRun, StepDifference};
pub use error::CapsuleError;

/// A transaction with its rules, block, code and oracle answers, the state that it read, and its
/// outcome.
#[derive(Clone, Debug)]
pub struct Capsule {
    rules: (String, ContractRulesId),
    block: BlockContext,
    /// Without the code that it deploys or uploads.
    transaction: Transaction,
    /// The hash of the code that the transaction deploys or uploads.
    sent_code: Option<CodeHash>,
    answers: Vec<Option<Vec<u8>>>,
    /// Without the code of contracts.
    state: RecordedState,
    /// The hashes of the code that the transaction read in the state.
    stored_code: BTreeSet<CodeHash>,
    /// All code of both kinds. `None` if it was left out.
    code: BTreeMap<CodeHash, Option<Value>>,
    receipt: Receipt,
    changes: ChangesDigest,
    steps: Steps,
}

/// The SHA-256 digest of the [encoding](Diff::encode) of a transaction's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangesDigest([u8; 32]);

/// The outcome of a transaction, as replays compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapsuleOutcome {
    /// The transaction was included.
    Included {
        /// The receipt.
        receipt: Receipt,
        /// The digest of the changes.
        changes: ChangesDigest,
    },
    /// No block can include the transaction.
    Invalid(InvalidTransaction),
    /// The host failed, for this reason: among others because the transaction read what the capsule
    /// does not have.
    Failed(String),
}

impl ChangesDigest {
    /// The digest of a transaction's changes.
    #[must_use]
    pub fn of(changes: &Diff) -> Self {
        Self(Sha256::digest(changes.encode()).into())
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl CapsuleOutcome {
    fn of(result: Result<ExecutionResult, ContractError>) -> Self {
        match result {
            Ok(ExecutionResult::Included(Included {
                receipt, changes, ..
            })) => Self::Included {
                changes: ChangesDigest::of(&changes),
                receipt,
            },
            Ok(ExecutionResult::Invalid(invalid)) => Self::Invalid(invalid),
            Err(error) => Self::Failed(with_causes(&error)),
        }
    }
}

/// The message of an error and those of its causes. Equal messages in a row are one.
fn with_causes(error: &dyn Error) -> String {
    let mut messages = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        messages.push(error.to_string());
        cause = error.source();
    }
    messages.dedup();
    messages.join(": ")
}

impl Capsule {
    /// Runs a transaction as [`Contracts::execute`] does, and records it. There is no capsule of a
    /// transaction that no block can include, and none of a [`Batch`](crate::Batch).
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
        let oracle = |_: Address, _: &[u8]| None;
        Self::record_with_oracle(contracts, state, transaction, block, interrupt, oracle)
    }

    /// The same with an oracle, which gets the contract and the bytes of each request.
    ///
    /// # Errors
    ///
    /// As [`Contracts::execute`].
    pub fn record_with_oracle(
        contracts: &Contracts,
        state: Arc<dyn StateReader>,
        transaction: Transaction,
        block: &BlockContext,
        interrupt: &Interrupt,
        oracle: impl FnMut(Address, &[u8]) -> Option<Vec<u8>>,
    ) -> Result<(ExecutionResult, Option<Self>), ContractError> {
        let recorder = Recorder {
            state,
            transaction,
            block: block.clone(),
        };
        recorder.record(contracts, interrupt, oracle)
    }

    /// The canonical bytes, as `docs/capsules.md` has them.
    ///
    /// # Errors
    ///
    /// [`CapsuleError::TooLarge`] if there are more than [`Self::MAX_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, CapsuleError> {
        wire::encode(self)
    }

    /// Decodes a capsule. The bytes are untrusted: the memory that this takes is in proportion to
    /// their number.
    ///
    /// # Errors
    ///
    /// [`CapsuleError`] if the bytes are not exactly what [`encode`](Self::encode) makes of a
    /// capsule.
    pub fn decode(bytes: &[u8]) -> Result<Self, CapsuleError> {
        wire::decode(bytes)
    }

    /// The most bytes of a capsule: 256 MiB.
    pub const MAX_BYTES: usize = 256 << 20;

    /// The rules by which the transaction ran, for [`Contracts::new`].
    ///
    /// # Errors
    ///
    /// [`CapsuleError::UnknownRules`] unless they are published rules, or made of such by the
    /// methods of [`ContractRules`]. Replay with the rules of your own then.
    pub fn rules(&self) -> Result<ContractRules, CapsuleError> {
        let (name, id) = &self.rules;
        let rules = ContractRules::named(name).filter(|rules| rules.id() == *id);
        rules.ok_or_else(|| CapsuleError::UnknownRules {
            name: name.clone(),
            id: *id,
        })
    }

    /// The name of the rules, and their id.
    #[must_use]
    pub fn rules_id(&self) -> (&str, ContractRulesId) {
        (&self.rules.0, self.rules.1)
    }

    /// The block of the transaction.
    #[must_use]
    pub const fn block(&self) -> &BlockContext {
        &self.block
    }

    /// The transaction. The code that it deploys or uploads is missing: see
    /// [`sent_code`](Self::sent_code).
    #[must_use]
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// The hash of the code that the transaction deploys or uploads.
    #[must_use]
    pub const fn sent_code(&self) -> Option<CodeHash> {
        self.sent_code
    }

    /// The state that the transaction read, without the code of contracts.
    #[must_use]
    pub const fn state(&self) -> &RecordedState {
        &self.state
    }

    /// The outcome that the transaction had.
    #[must_use]
    pub fn outcome(&self) -> CapsuleOutcome {
        CapsuleOutcome::Included {
            receipt: self.receipt.clone(),
            changes: self.changes,
        }
    }

    /// The hashes of all code, in ascending order, with the code unless it was left out.
    pub fn code(&self) -> impl ExactSizeIterator<Item = (CodeHash, Option<&[u8]>)> {
        self.code
            .iter()
            .map(|(hash, code)| (*hash, code.as_deref()))
    }

    /// Leaves out all code, which is then only named by its hash. A replay needs it back
    /// ([`add_code`](Self::add_code)).
    #[must_use]
    pub fn without_code(mut self) -> Self {
        for code in self.code.values_mut() {
            *code = None;
        }
        self
    }

    /// Adds code that was left out. Returns false if the capsule names no code with its hash.
    pub fn add_code(&mut self, code: &[u8]) -> bool {
        let known = self.code.get_mut(&CodeHash::of(code));
        known.is_some_and(|known| {
            *known = Some(Value::from(code));
            true
        })
    }

    /// Runs the transaction again, on the engines of these contracts.
    ///
    /// # Errors
    ///
    /// [`CapsuleError::OtherRules`] if the contracts have other rules, and
    /// [`CapsuleError::MissingCode`] if code was left out.
    pub fn replay(
        &self,
        contracts: &Contracts,
        interrupt: &Interrupt,
    ) -> Result<CapsuleOutcome, CapsuleError> {
        let id = contracts.rules().id();
        if id != self.rules.1 {
            return Err(CapsuleError::OtherRules {
                expected: self.rules.0.clone(),
                found: contracts.rules().name.to_string(),
            });
        }
        let mut state = self.state.clone();
        for hash in &self.stored_code {
            state.insert(keys::code(*hash), Some(self.code_of(*hash)?));
        }
        let mut transaction = self.transaction.clone();
        if let (Some(hash), Action::Deploy { code, .. } | Action::Upload { code }) =
            (self.sent_code, &mut transaction.action)
        {
            *code = self.code_of(hash)?.to_vec();
        }
        Ok(self.run(contracts, Arc::new(state), transaction, interrupt))
    }

    /// The steps of a replay, of which one chunk is kept.
    fn replayed_steps(
        &self,
        contracts: &Contracts,
        kept_chunk: usize,
        interrupt: &Interrupt,
    ) -> Result<Steps, CapsuleError> {
        let recorder = StepRecorder::keeping(kept_chunk);
        let contracts = contracts.recording(recorder.clone());
        self.replay(&contracts, interrupt)?;
        Ok(recorder.take())
    }

    fn run(
        &self,
        contracts: &Contracts,
        state: Arc<dyn StateReader>,
        transaction: Transaction,
        interrupt: &Interrupt,
    ) -> CapsuleOutcome {
        let mut answers = self.answers.iter();
        let oracle = |_: Address, _: &[u8]| Some(answers.next()?.clone());
        let result = answered(
            contracts,
            state,
            transaction,
            &self.block,
            interrupt,
            oracle,
        );
        match result {
            Ok(Some(result)) if answers.len() == 0 => CapsuleOutcome::of(Ok(result)),
            Ok(result) => CapsuleOutcome::Failed(format!(
                "the contracts made {} oracle requests than the {} that the capsule answers",
                if result.is_some() { "fewer" } else { "more" },
                self.answers.len(),
            )),
            Err(error) => CapsuleOutcome::of(Err(error)),
        }
    }

    fn code_of(&self, hash: CodeHash) -> Result<Value, CapsuleError> {
        let code = self.code.get(&hash).and_then(Clone::clone);
        code.ok_or(CapsuleError::MissingCode { hash })
    }
}

/// Runs a transaction with an oracle. Returns `None` if the oracle returns `None` instead of a
/// reply: the transaction is then dropped.
fn answered(
    contracts: &Contracts,
    state: Arc<dyn StateReader>,
    transaction: Transaction,
    block: &BlockContext,
    interrupt: &Interrupt,
    mut oracle: impl FnMut(Address, &[u8]) -> Option<Option<Vec<u8>>>,
) -> Result<Option<ExecutionResult>, ContractError> {
    let mut progress = contracts.begin(state, transaction, block, interrupt)?;
    loop {
        progress = match progress {
            Progress::Ended(result) => return Ok(Some(*result)),
            Progress::Waiting(waiting) => match oracle(waiting.contract(), waiting.question()) {
                Some(answer) => waiting.answer(answer)?,
                None => return Ok(None),
            },
        };
    }
}

/// A transaction that is to be recorded.
struct Recorder {
    state: Arc<dyn StateReader>,
    transaction: Transaction,
    block: BlockContext,
}

impl Recorder {
    fn record(
        self,
        contracts: &Contracts,
        interrupt: &Interrupt,
        mut oracle: impl FnMut(Address, &[u8]) -> Option<Vec<u8>>,
    ) -> Result<(ExecutionResult, Option<Capsule>), ContractError> {
        let recorder = StepRecorder::keeping(0);
        let recorded = contracts.recording(recorder.clone());
        let mut answers = Vec::new();
        let answering = |contract: Address, request: &[u8]| {
            let answer = oracle(contract, request);
            answers.push(answer.clone());
            Some(answer)
        };
        let state = Arc::clone(&self.state);
        let transaction = self.transaction.clone();
        let result = answered(
            &recorded,
            state,
            transaction,
            &self.block,
            interrupt,
            answering,
        )?;
        let result = result.expect("the oracle replies to each request");
        let capsule = match &result {
            ExecutionResult::Invalid(_) => None,
            ExecutionResult::Included(included) => {
                Some(self.capsule(contracts.rules(), included, answers, recorder.take())?)
            }
        };
        Ok((result, capsule))
    }

    fn capsule(
        self,
        rules: &ContractRules,
        included: &Included,
        answers: Vec<Option<Vec<u8>>>,
        steps: Steps,
    ) -> Result<Capsule, ContractError> {
        let state = RecordedState::record(&included.reads, &*self.state)?;
        let mut code = BTreeMap::new();
        let mut stored_code = BTreeSet::new();
        let entries = state.iter().filter(|(key, value)| {
            let Some((hash, value)) = code_hash(key).zip(*value) else {
                return true;
            };
            // Code under another hash than its own is an entry like any other.
            let is_other = CodeHash::of(value) != hash;
            if !is_other {
                stored_code.insert(hash);
                code.insert(hash, Some(Value::clone(value)));
            }
            is_other
        });
        let entries: Vec<_> = entries
            .map(|(key, value)| (key.to_vec(), value.cloned()))
            .collect();
        let ranges = state.ranges();
        let ranges = ranges.map(|(start, end)| (start.to_vec(), end.to_vec()));
        let mut transaction = self.transaction;
        let mut sent_code = None;
        if let Action::Deploy { code: sent, .. } | Action::Upload { code: sent } =
            &mut transaction.action
        {
            let sent = Value::from(std::mem::take(sent));
            let hash = CodeHash::of(&sent);
            code.insert(hash, Some(sent));
            sent_code = Some(hash);
        }
        Ok(Capsule {
            rules: (rules.name.to_string(), rules.id()),
            block: self.block,
            transaction,
            sent_code,
            answers,
            state: RecordedState::new(ranges, entries),
            stored_code,
            code,
            receipt: included.receipt.clone(),
            changes: ChangesDigest::of(&included.changes),
            steps,
        })
    }
}

/// The hash of the code that a key of the state is for.
fn code_hash(key: &[u8]) -> Option<CodeHash> {
    let parts = keys::parts(key)?;
    let is_code = parts.tag == keys::CODE && parts.rest.is_empty();
    is_code.then(|| CodeHash::from_bytes(parts.owner))
}
