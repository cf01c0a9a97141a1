//! Contracts on an executor: their rules, their code, and which transactions are valid.

use std::sync::Arc;

use fusee_engine::{CodeHash, EngineError, Gas, Profiler};
use fusee_executor::{Executor, InterpretingExecutor, PrepareError, PreparedProgram, Suspension};
use fusee_instrument::Refusal;
use fusee_state::StateReader;

use crate::{
    Action, Address, ContractError, ContractRules, InvalidTransaction, Transaction,
    account::AccountCode, changes::Changes, entry::Entry, keys,
};

/// Runs transactions and queries by one set of rules on one executor. Clones are cheap and
/// equivalent.
#[derive(Clone, Debug)]
pub struct Contracts {
    pub(crate) executor: Arc<Executor>,
    pub(crate) rules: Arc<ContractRules>,
    pub(crate) suspension: Suspension,
    pub(crate) profiler: Option<Profiler>,
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
        }
    }

    /// Sets whether every run can be suspended, or only runs that need it, which are faster
    /// (default: [`Suspension::AsNeeded`]). Does not affect receipts.
    #[must_use]
    pub const fn suspension(mut self, suspension: Suspension) -> Self {
        self.suspension = suspension;
        self
    }

    /// Profiles the gas of one transaction or query. Gas of the outermost call is recorded by
    /// function. Gas of other contracts is recorded under the syscall `call`. Does not affect
    /// receipts.
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

    /// The intrinsic price of a transaction: its base price, its input and its code.
    #[must_use]
    pub fn intrinsic_gas(&self, action: &Action) -> Gas {
        let prices = self.rules.prices;
        let (code, input) = match action {
            Action::Deploy { code, input } => (code.len(), input.len()),
            Action::Call { input, .. } => (0, input.len()),
        };
        prices
            .transaction
            .saturating_add(prices.code_byte.saturating_mul(length(code)))
            .saturating_add(prices.input_byte.saturating_mul(length(input)))
    }

    /// Validates a transaction against `state`, without running it. Returns the reason if no block
    /// can include the transaction.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn check(
        &self,
        state: Arc<dyn StateReader>,
        transaction: &Transaction,
    ) -> Result<Option<InvalidTransaction>, ContractError> {
        self.find_invalid(&mut Changes::new(state), transaction)
    }

    pub(crate) fn find_invalid(
        &self,
        changes: &mut Changes,
        transaction: &Transaction,
    ) -> Result<Option<InvalidTransaction>, ContractError> {
        let Transaction {
            from,
            action,
            value,
            gas,
        } = transaction;
        if let Some(too_large) = self.find_too_large(action) {
            return Ok(Some(too_large));
        }
        let (limit, intrinsic) = (*gas, self.intrinsic_gas(action));
        if limit < intrinsic {
            return Ok(Some(InvalidTransaction::GasLimitTooLow {
                limit,
                intrinsic,
            }));
        }
        // A transaction without a value does not depend on any balance.
        if *value > 0 {
            let (value, balance) = (*value, changes.balance(*from)?);
            if value > balance {
                return Ok(Some(InvalidTransaction::ValueAboveBalance {
                    value,
                    balance,
                }));
            }
        }
        Ok(None)
    }

    fn find_too_large(&self, action: &Action) -> Option<InvalidTransaction> {
        let limits = self.rules.limits;
        let input = match action {
            Action::Deploy { code, input } => {
                let (bytes, limit) = (
                    length(code.len()),
                    self.rules.program.limits().program_bytes,
                );
                if bytes > limit {
                    return Some(InvalidTransaction::CodeTooLarge { bytes, limit });
                }
                input
            }
            Action::Call { method, input, .. } => {
                let (bytes, limit) = (length(method.len()), u64::from(limits.method_bytes));
                if bytes > limit {
                    return Some(InvalidTransaction::MethodTooLong { bytes, limit });
                }
                input
            }
        };
        let (bytes, limit) = (length(input.len()), u64::from(limits.data_bytes));
        (bytes > limit).then_some(InvalidTransaction::InputTooLarge { bytes, limit })
    }

    /// Prepares code for deployment, or returns the reason why the rules refuse it.
    pub(crate) fn prepare(
        &self,
        code: &[u8],
    ) -> Result<Result<Arc<PreparedProgram>, Refusal>, ContractError> {
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

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
