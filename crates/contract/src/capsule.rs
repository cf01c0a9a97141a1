//! Capsules: one batch with all that its outcome depends on, and the outcome that it had. Calls
//! that the chain makes by itself have capsules as well, and a transaction has that of the batch
//! that it is.
//!
//! A capsule replays without the chain, on any engine and on later versions of this program.
//! Invariant: a replay reads nothing but the capsule. A read of what is not in it fails, and is a
//! difference from the recorded run.
//!
//! What a capsule has depends on what it executes alone, and not on the engine that recorded it.

mod compare;
mod error;
mod outcome;
mod record;
mod subject;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fusee_engine::{CodeHash, Interrupt};
use fusee_state::{RecordedState, StateReader, Value};

use crate::{
    Address, BlockContext, ContractError, ContractRules, ContractRulesId, Contracts,
    execution::Execution,
    keys,
    steps::{StepRecorder, Steps},
};

pub use compare::{CapsuleRun, StepDifference};
pub use error::CapsuleError;
pub use outcome::{CapsuleOutcome, CapsuleResult, ChangesDigest};
pub use subject::CapsuleSubject;

/// A batch or system call with its rules, block, code and oracle answers, the state that it read,
/// and its outcome.
#[derive(Clone, Debug)]
pub struct Capsule {
    rules: (String, ContractRulesId),
    block: BlockContext,
    /// Without the code that it deploys or uploads.
    subject: CapsuleSubject,
    /// The hash of the code of each operation that deploys or uploads some.
    sent_code: Vec<CodeHash>,
    answers: Vec<Option<Vec<u8>>>,
    /// Without the code of contracts.
    state: RecordedState,
    /// The hashes of the code that was read in the state.
    stored_code: BTreeSet<CodeHash>,
    /// All code of both kinds. `None` if it was left out.
    code: BTreeMap<CodeHash, Option<Value>>,
    result: CapsuleResult,
    steps: Steps,
}

impl Capsule {
    /// The canonical bytes, as `docs/book/src/capsules.md` has them.
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

    /// The rules by which it ran, for [`Contracts::new`].
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

    /// The block in which it ran.
    #[must_use]
    pub const fn block(&self) -> &BlockContext {
        &self.block
    }

    /// What it executes. The code that operations deploy or upload is missing: see
    /// [`sent_code`](Self::sent_code).
    #[must_use]
    pub const fn subject(&self) -> &CapsuleSubject {
        &self.subject
    }

    /// The hashes of the code that operations deploy or upload, in their order.
    #[must_use]
    pub fn sent_code(&self) -> &[CodeHash] {
        &self.sent_code
    }

    /// The state that was read, without the code of contracts.
    #[must_use]
    pub const fn state(&self) -> &RecordedState {
        &self.state
    }

    /// The outcome of the recorded run.
    #[must_use]
    pub fn outcome(&self) -> CapsuleOutcome {
        CapsuleOutcome::Included(self.result.clone())
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

    /// Runs it again, on the engines of these contracts.
    ///
    /// # Errors
    ///
    /// [`CapsuleError::OtherRules`] if the contracts have other rules,
    /// [`CapsuleError::MissingCode`] if code was left out, and [`CapsuleError::TooMuchCode`] if its
    /// operations send more than [`Self::MAX_BYTES`] together.
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
        let subject = self.whole_subject()?;
        let outcome = self.run(contracts, Arc::new(state), subject, interrupt);
        Ok(outcome.unwrap_or_else(|error| CapsuleOutcome::failed(&error)))
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
        subject: CapsuleSubject,
        interrupt: &Interrupt,
    ) -> Result<CapsuleOutcome, ContractError> {
        let mut answers = self.answers.iter();
        let outcome = match subject {
            CapsuleSubject::System(call) => {
                let included = contracts.execute_system(state, call, &self.block, interrupt)?;
                Some(CapsuleOutcome::Included((&included).into()))
            }
            CapsuleSubject::Batch(batch) => {
                let oracle = |_: Address, _: &[u8]| Some(answers.next()?.clone());
                let execution = Execution::new(contracts, state, batch, &self.block, interrupt);
                let result = execution.finish(oracle)?;
                result.as_ref().map(CapsuleOutcome::of)
            }
        };
        let requests = match outcome {
            Some(outcome) if answers.len() == 0 => return Ok(outcome),
            Some(_) => "fewer",
            None => "more",
        };
        Ok(CapsuleOutcome::Failed(format!(
            "the contracts made {requests} oracle requests than the {} that the capsule answers",
            self.answers.len(),
        )))
    }

    /// What it executes, with the code that operations deploy or upload.
    fn whole_subject(&self) -> Result<CapsuleSubject, CapsuleError> {
        let mut sent = Vec::with_capacity(self.sent_code.len());
        let mut bytes = 0_usize;
        for hash in &self.sent_code {
            let code = self.code_of(*hash)?;
            bytes = bytes.saturating_add(code.len());
            sent.push(code);
        }
        // The capsule has code once that many operations send.
        if bytes > Self::MAX_BYTES {
            return Err(CapsuleError::TooMuchCode { bytes });
        }
        let mut subject = self.subject.clone();
        for (place, code) in subject.sent_code_mut().zip(sent) {
            *place = code.to_vec();
        }
        Ok(subject)
    }

    fn code_of(&self, hash: CodeHash) -> Result<Value, CapsuleError> {
        let code = self.code.get(&hash).and_then(Clone::clone);
        code.ok_or(CapsuleError::MissingCode { hash })
    }
}
