//! Contracts on an executor: their rules, their code, and what observes them.

use std::sync::Arc;

use fusee_engine::{CodeHash, EngineError, Gas, Profiler};
use fusee_executor::{Executor, InterpretingExecutor, PrepareError, PreparedProgram, Suspension};
use fusee_instrument::Refusal;
use fusee_state::StateReader;

use crate::{
    Address, ContractError, ContractRules, DebugLog, Inspector, account::AccountCode,
    changes::Changes, entry::Entry, keys, observers::Observers, steps::StepRecorder,
};

/// Runs transactions and queries by one set of rules on one executor. Clones are cheap and
/// equivalent.
#[derive(Clone, Debug)]
pub struct Contracts {
    pub(crate) executor: Arc<Executor>,
    pub(crate) rules: Arc<ContractRules>,
    pub(crate) suspension: Suspension,
    pub(crate) profiler: Option<Profiler>,
    pub(crate) observers: Observers,
}

impl Contracts {
    /// Creates contracts with these rules on this executor. It has an interpreter, and engines for
    /// all formats that the rules admit, so which transactions a block can include does not depend
    /// on the machine.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoEngine`] if the executor has no engine for a format that the rules admit.
    pub fn new(executor: &InterpretingExecutor, rules: ContractRules) -> Result<Self, EngineError> {
        let executor = executor.executor();
        let children = rules.children.iter();
        let children = children.flat_map(|children| children.rules.rules().formats());
        for format in rules.program.formats().chain(children) {
            if !executor.supports(format) {
                return Err(EngineError::NoEngine { format });
            }
        }
        Ok(Self::without_fallback(Arc::clone(executor), rules))
    }

    /// Creates contracts on an executor that may lack an interpreter or a format, to compare
    /// engines.
    ///
    /// A node must not use it: where a compiler fails and an interpreter would not, a transaction
    /// is an error of this machine, and not of others.
    #[must_use]
    pub fn without_fallback(executor: Arc<Executor>, rules: ContractRules) -> Self {
        Self {
            executor,
            rules: Arc::new(rules),
            suspension: Suspension::AsNeeded,
            profiler: None,
            observers: Observers::default(),
        }
    }

    /// Sets whether every run can be suspended, or only runs that need it, which are faster
    /// (default: [`Suspension::AsNeeded`]). Does not affect receipts.
    #[must_use]
    pub const fn suspension(mut self, suspension: Suspension) -> Self {
        self.suspension = suspension;
        self
    }

    /// Profiles the gas of one transaction or query; of a batch, that of the last operation that
    /// runs a program. Gas of the outermost call is recorded by function. Gas of other contracts is
    /// recorded under the syscall `call`. Does not affect receipts.
    #[must_use]
    pub fn profiler(mut self, profiler: Profiler) -> Self {
        self.mark_functions();
        self.profiler = Some(profiler);
        self
    }

    /// From now on, programs report which of their functions run.
    fn mark_functions(&mut self) {
        let rules = Arc::make_mut(&mut self.rules);
        rules.program = rules.program.clone().profiled();
    }

    /// Collects the debug log of one transaction or query. Does not affect receipts.
    #[must_use]
    pub fn debug_log(mut self, log: DebugLog) -> Self {
        self.observers.log = Some(log);
        self
    }

    /// Records the trace of one transaction or query. Does not affect receipts, changes or read
    /// sets. The values before writes are read from the state: an error of its reader is then one
    /// of the transaction.
    #[must_use]
    pub fn inspector(mut self, inspector: Inspector) -> Self {
        if inspector.is_by_function() {
            self.mark_functions();
        }
        self.observers.inspector = Some(inspector);
        self
    }

    /// The same contracts without profiler, debug log and inspector: for what is executed beside
    /// the transaction that they observe.
    #[must_use]
    pub fn unobserved(&self) -> Self {
        let mut contracts = self.clone();
        (contracts.profiler, contracts.observers) = (None, Observers::default());
        contracts
    }

    /// Contracts that record the steps of one transaction.
    pub(crate) fn recording(&self, recorder: StepRecorder) -> Self {
        let mut contracts = self.clone();
        contracts.observers.steps = Some(recorder);
        contracts
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &ContractRules {
        &self.rules
    }

    /// Whether the interpreter may succeed where the engine failed with this error.
    pub(crate) fn may_interpret(&self, error: &ContractError) -> bool {
        let is_of_the_engine =
            matches!(error, ContractError::Run(error) if error.is_of_the_engine());
        is_of_the_engine && self.executor.has_interpreter()
    }

    /// The methods of the contract at an address, or `None` if the address has no contract.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn methods(
        &self,
        state: Arc<dyn StateReader>,
        address: Address,
    ) -> Result<Option<Vec<String>>, ContractError> {
        let mut changes = Changes::new(state);
        let Some(code) = changes.code(address)? else {
            return Ok(None);
        };
        let Some(prepared) = self.load(&mut changes, address, code.hash)? else {
            return Ok(None);
        };
        let methods = Entry::Method.methods(&self.rules, &prepared);
        Ok(Some(methods.map(str::to_owned).collect()))
    }

    /// Prepares code for deployment, or returns the reason why the rules refuse it.
    pub(crate) fn prepare_deployed(
        &self,
        code: &[u8],
    ) -> Result<Result<Arc<PreparedProgram>, Refusal>, ContractError> {
        // Not where code is loaded: what is deployed stays callable under later rules.
        Ok(self.prepare(code)?.and_then(|prepared| {
            self.rules.check_methods(prepared.program())?;
            Ok(prepared)
        }))
    }

    /// Prepares code, or returns the reason why the rules of programs refuse it.
    fn prepare(&self, code: &[u8]) -> Result<Result<Arc<PreparedProgram>, Refusal>, ContractError> {
        match self.executor.prepare(code, &self.rules.program) {
            Ok(prepared) => Ok(Ok(prepared)),
            Err(PrepareError::Refused(refusal)) => Ok(Err(refusal)),
            Err(error) => Err(error.into()),
        }
    }

    /// The price of loading code of this size for a transaction.
    pub(crate) fn loading_gas(&self, code: AccountCode) -> Gas {
        let included = self.rules.limits.included_bytes;
        let price = self.rules.prices.loaded_byte;
        price.saturating_mul(code.bytes.saturating_sub(included).into())
    }

    /// Loads and prepares the code of the contract at an address. Returns `None` if the rules
    /// refuse it: they may have changed since the deployment.
    pub(crate) fn load(
        &self,
        changes: &mut Changes,
        address: Address,
        hash: CodeHash,
    ) -> Result<Option<Arc<PreparedProgram>>, ContractError> {
        // Recorded even if the program is cached, so that the read set does not depend on caches.
        changes.journal.record_read(&keys::code(hash));
        if let Some(prepared) = self.executor.find(hash, &self.rules.program) {
            return Ok(Some(prepared));
        }
        let code = changes
            .journal
            .read(&keys::code(hash))?
            .ok_or(ContractError::MissingCode { address })?;
        Ok(self.prepare(&code)?.ok())
    }
}
