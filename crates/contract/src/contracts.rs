//! The machine: transactions and queries, from what they ask to what they leave.

use std::sync::Arc;

use fusee_abi::DEPLOY_METHOD;
use fusee_engine::{CodeHash, Gas, Interrupt, Profiler};
use fusee_executor::{Executor, PrepareError, Prepared, Suspension, Tier};
use fusee_instrument::Refusal;
use fusee_state::{Diff, Journal, StateReader};

use crate::{
    Action, Address, ContractError, ContractRules, Query, Receipt, Rejection, Status, Transaction,
    changes::Changes,
    ending::Ending,
    frame::{Access, Context},
    keys,
    session::{Entry, Session, Start},
};

/// Runs transactions and queries by one set of rules on one executor.
#[derive(Debug)]
pub struct Contracts {
    pub(crate) executor: Arc<Executor>,
    pub(crate) rules: ContractRules,
    pub(crate) suspension: Suspension,
    pub(crate) profiler: Option<Profiler>,
}

/// What a transaction comes to. Nothing is written until somebody commits the changes.
#[derive(Debug)]
pub struct Applied {
    /// What it leaves.
    pub receipt: Receipt,
    /// What it changes.
    pub diff: Diff,
    /// Why the code was refused, if it was: for people, since the receipt only says that it was.
    pub refusal: Option<Refusal>,
}

impl Contracts {
    /// Contracts by these rules on this executor.
    #[must_use]
    pub const fn new(executor: Arc<Executor>, rules: ContractRules) -> Self {
        Self {
            executor,
            rules,
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
        self.rules.program = self.rules.program.profiled();
        self.profiler = Some(profiler);
        self
    }

    /// The rules.
    #[must_use]
    pub const fn rules(&self) -> &ContractRules {
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
        self.on_some_tier(|tier| self.attempt(Arc::clone(&state), &transaction, interrupt, tier))
    }

    /// Runs something as fast as may be; and where an engine fails for want of what an interpreter
    /// does not need, once more from the beginning, on that. Nothing has changed in between.
    fn on_some_tier<T>(
        &self,
        run: impl Fn(Tier) -> Result<T, ContractError>,
    ) -> Result<T, ContractError> {
        match run(Tier::Best) {
            Err(ContractError::Run(error))
                if error.is_of_the_engine() && self.executor.has_interpreter() =>
            {
                run(Tier::Interpreter)
            }
            result => result,
        }
    }

    fn attempt(
        &self,
        state: Arc<dyn StateReader>,
        transaction: &Transaction,
        interrupt: &Interrupt,
        tier: Tier,
    ) -> Result<Applied, ContractError> {
        let mut changes = Changes {
            journal: Journal::new(state),
            events: Vec::new(),
        };
        let Transaction {
            from,
            ref action,
            value,
            gas,
        } = *transaction;
        let mut sender = changes.account(from)?;
        let nonce = sender.nonce;
        sender.nonce = nonce.saturating_add(1);
        changes.set_account(from, &sender);

        let upfront = self.upfront_price(action);
        let Some(rest) = gas.checked_sub(upfront) else {
            let ending = Ending {
                gas_used: gas,
                ..Ending::of(Status::OutOfGas)
            };
            return applied(changes, ending, gas, None, None);
        };
        let mark = changes.mark();
        let (context, entry, refusal) = match action {
            Action::Deploy { code, input } => {
                let address = Address::of_contract(from, nonce, CodeHash::of(code));
                let refusal = self.install(&mut changes, address, code)?;
                let method = self.deploy_method(&changes, address, input)?;
                let context = Context {
                    caller: from,
                    address,
                    method,
                    value,
                    input: input.clone(),
                    access: Access::ReadWrite,
                };
                (context, Entry::Deploy, refusal)
            }
            Action::Call { to, method, input } => {
                let context = Context {
                    caller: from,
                    address: *to,
                    method: method.clone(),
                    value,
                    input: input.clone(),
                    access: Access::ReadWrite,
                };
                (context, Entry::Method, None)
            }
        };
        let address = context.address;
        let (mut changes, ending) = match refusal {
            Some(_) => (changes, Ending::rejected(Rejection::RefusedCode)),
            None => Session::new(self, interrupt, tier).run(
                changes,
                Start {
                    context,
                    gas: rest,
                    entry,
                },
            )?,
        };
        let succeeded = ending.status == Status::Success;
        if succeeded {
            changes.keep(mark);
        } else {
            changes.undo(mark);
        }
        let deployed = (succeeded && entry == Entry::Deploy).then_some(address);
        let gas_used = upfront.saturating_add(ending.gas_used);
        applied(
            changes,
            Ending { gas_used, ..ending },
            gas,
            deployed,
            refusal,
        )
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
        self.on_some_tier(|tier| self.attempt_query(Arc::clone(&state), &query, interrupt, tier))
    }

    fn attempt_query(
        &self,
        state: Arc<dyn StateReader>,
        query: &Query,
        interrupt: &Interrupt,
        tier: Tier,
    ) -> Result<Receipt, ContractError> {
        let changes = Changes {
            journal: Journal::new(state),
            events: Vec::new(),
        };
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
        let (_, ending) = Session::new(self, interrupt, tier).run(changes, start)?;
        Ok(ending.receipt(Vec::new(), gas, None))
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
        let changes = Changes {
            journal: Journal::new(state),
            events: Vec::new(),
        };
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

    fn upfront_price(&self, action: &Action) -> Gas {
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
    fn install(
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
    fn deploy_method(
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

fn applied(
    changes: Changes,
    ending: Ending,
    gas_limit: Gas,
    deployed: Option<Address>,
    refusal: Option<Refusal>,
) -> Result<Applied, ContractError> {
    let Changes { journal, events } = changes;
    Ok(Applied {
        receipt: ending.receipt(events, gas_limit, deployed),
        diff: journal.into_diff()?,
        refusal,
    })
}
