//! The machine: what runs transactions and queries, and the code that there is.

use std::sync::Arc;

use fusee_abi::DEPLOY_METHOD;
use fusee_engine::{Gas, Interrupt, Profiler};
use fusee_executor::{Executor, PrepareError, Prepared, Suspension, Tier};
use fusee_instrument::Refusal;
use fusee_state::StateReader;

use crate::{
    Action, Address, Applied, ContractError, ContractRules, Progress, Query, Receipt, Rejection,
    Transaction,
    attempt::Attempt,
    changes::Changes,
    frame::{Access, Context},
    keys,
    session::{self, Entry, Session, Start},
};

/// Runs transactions and queries by one set of rules on one executor. Its clones are the same.
#[derive(Clone, Debug)]
pub struct Contracts {
    pub(crate) executor: Arc<Executor>,
    pub(crate) rules: Arc<ContractRules>,
    pub(crate) suspension: Suspension,
    pub(crate) profiler: Option<Profiler>,
}

impl Contracts {
    /// Contracts by these rules on this executor.
    #[must_use]
    pub fn new(executor: Arc<Executor>, rules: ContractRules) -> Self {
        Self {
            executor,
            rules: Arc::new(rules),
            suspension: Suspension::AsNeeded,
            profiler: None,
        }
    }

    /// Whether every run may be parked, or only those that need it, which is faster. No receipt
    /// depends on it.
    #[must_use]
    pub const fn suspension(mut self, suspension: Suspension) -> Self {
        self.suspension = suspension;
        self
    }

    /// Who notes where the gas goes, of one transaction or query: in its outermost call function by function, and there what
    /// other contracts use is spent in the syscall `call`. No receipt depends on it.
    #[must_use]
    pub fn profiler(mut self, profiler: Profiler) -> Self {
        let rules = Arc::make_mut(&mut self.rules);
        rules.program = rules.program.clone().profiled();
        self.profiler = Some(profiler);
        self
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &ContractRules {
        &self.rules
    }

    /// Runs a transaction on `state`.
    ///
    /// The sender's nonce counts it, however it ends.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails; nothing is changed then.
    pub fn execute(
        &self,
        state: Arc<dyn StateReader>,
        transaction: Transaction,
        interrupt: &Interrupt,
    ) -> Result<Applied, ContractError> {
        let mut progress = self.begin(state, transaction, interrupt)?;
        loop {
            progress = match progress {
                Progress::Applied(applied) => return Ok(*applied),
                Progress::Waiting(waiting) => waiting.answer(None)?,
            };
        }
    }

    /// As [`execute`](Self::execute), but where a contract asks the host, the transaction waits for the answer.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails; nothing is changed then.
    pub fn begin(
        &self,
        state: Arc<dyn StateReader>,
        transaction: Transaction,
        interrupt: &Interrupt,
    ) -> Result<Progress, ContractError> {
        let attempt = Attempt {
            contracts: self.clone(),
            state,
            transaction,
            interrupt: interrupt.clone(),
            tier: Tier::Best,
            answers: Vec::new(),
        };
        attempt.start()
    }

    /// Runs a method that may change nothing: a syscall that would traps.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn query(
        &self,
        state: Arc<dyn StateReader>,
        query: Query,
        interrupt: &Interrupt,
    ) -> Result<Receipt, ContractError> {
        let attempt = |tier| self.attempt_query(Arc::clone(&state), &query, interrupt, tier);
        match attempt(Tier::Best) {
            Err(error) if self.may_interpret(&error) => attempt(Tier::Interpreter),
            result => result,
        }
    }

    /// Whether an interpreter may have an answer where an engine failed so.
    pub(crate) fn may_interpret(&self, error: &ContractError) -> bool {
        let is_of_the_engine =
            matches!(error, ContractError::Run(error) if error.is_of_the_engine());
        is_of_the_engine && self.executor.has_interpreter()
    }

    fn attempt_query(
        &self,
        state: Arc<dyn StateReader>,
        query: &Query,
        interrupt: &Interrupt,
        tier: Tier,
    ) -> Result<Receipt, ContractError> {
        let changes = Changes::new(state);
        let Query {
            from,
            to,
            method,
            input,
            gas,
        } = query.clone();
        let context = Context {
            caller: from,
            address: to,
            method,
            value: 0,
            input,
            access: Access::ReadOnly,
        };
        let start = Start {
            context,
            gas,
            entry: Entry::Method,
        };
        let mut session = Session::new(self, interrupt, tier);
        let mut progress = session.run(changes, start)?;
        loop {
            progress = match progress {
                session::Progress::Ended(_, ending) => {
                    return Ok(ending.receipt(Vec::new(), gas, None));
                }
                session::Progress::Asks(question) => session.answer(question, None)?,
            };
        }
    }

    /// The methods of the contract at an address; `None` if there is no contract.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn methods(
        &self,
        state: Arc<dyn StateReader>,
        address: Address,
    ) -> Result<Option<Vec<String>>, ContractError> {
        let changes = Changes::new(state);
        let Ok(prepared) = self.load(&changes, address)? else {
            return Ok(None);
        };
        let exports = prepared
            .program()
            .exports
            .iter()
            .map(|export| export.name.as_str());
        Ok(Some(
            exports
                .filter(|name| Entry::Method.admits(&prepared, name))
                .map(str::to_owned)
                .collect(),
        ))
    }

    pub(crate) fn upfront_price(&self, action: &Action) -> Gas {
        let prices = self.rules.prices;
        let (code, input) = match action {
            Action::Deploy { code, input } => (code.len(), input.len()),
            Action::Call { input, .. } => (0, input.len()),
        };
        let count = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        prices
            .transaction
            .saturating_add(prices.code_byte.saturating_mul(count(code)))
            .saturating_add(prices.input_byte.saturating_mul(count(input)))
    }

    /// Puts the code into the state, and into the account that has it; or says why the rules refuse it.
    pub(crate) fn install(
        &self,
        changes: &mut Changes,
        address: Address,
        code: &[u8],
    ) -> Result<Option<Refusal>, ContractError> {
        let hash = match self.executor.prepare(code, &self.rules.program) {
            Ok(prepared) => prepared.program().code_hash,
            Err(PrepareError::Refused(refusal)) => return Ok(Some(refusal)),
            Err(error) => return Err(error.into()),
        };
        let mut account = changes.account(address)?;
        account.set_code(hash);
        changes.set_account(address, &account);
        changes.journal.write(keys::code(hash), code.to_vec());
        Ok(None)
    }

    /// What a deployment enters. A contract without `deploy` is entered nowhere, unless there is
    /// input for it.
    pub(crate) fn deploy_method(
        &self,
        changes: &Changes,
        address: Address,
        input: &[u8],
    ) -> Result<String, ContractError> {
        let loaded = self.load(changes, address)?;
        let has_deploy =
            loaded.is_ok_and(|prepared| Entry::Deploy.admits(&prepared, DEPLOY_METHOD));
        Ok(if has_deploy || !input.is_empty() {
            DEPLOY_METHOD.to_owned()
        } else {
            String::new()
        })
    }

    /// The contract at an address, ready to run.
    pub(crate) fn load(
        &self,
        changes: &Changes,
        address: Address,
    ) -> Result<Result<Arc<Prepared>, Rejection>, ContractError> {
        let Some(hash) = changes.account(address)?.code() else {
            return Ok(Err(Rejection::UnknownAddress));
        };
        if let Some(prepared) = self.executor.find(hash, &self.rules.program) {
            return Ok(Ok(prepared));
        }
        let code = changes
            .journal
            .read(&keys::code(hash))?
            .ok_or(ContractError::MissingCode { address })?;
        match self.executor.prepare(&code, &self.rules.program) {
            Ok(prepared) => Ok(Ok(prepared)),
            // The rules may have changed since it was deployed.
            Err(PrepareError::Refused(_)) => Ok(Err(Rejection::RefusedCode)),
            Err(error) => Err(error.into()),
        }
    }
}
