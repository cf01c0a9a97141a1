//! A block that has begun: migration and first calls have run, transactions follow.
//!
//! The order is: migration, calls at the beginning, transactions, the credit of their fees, calls
//! at the end. All that the driver's interface does with a block is made of these steps, so what
//! `prepare` makes is what `process` accepts and `finalize` executes.

use std::{num::NonZeroUsize, sync::Arc};

use fusee_contract::{Account, BlockContext, Capsule, Included, Status, SystemCall};
use fusee_engine::{Gas, Interrupt};
use fusee_state::{Diff, Overlay, StateReader};

use crate::{
    ActiveRules, Block, BlockLimits, CallResult, FeeDestination, Finalized, Header, HeaderHash,
    Invalid, LedgerError, ListRoot, Misbehaviour, ParameterUpdate, Parameters, Payment, Phase,
    Position, Rulebook, ScheduledCall, SignedTransaction, TransactionOutcome, chain_digest,
    execution::Terms, keys, list_root, parallel,
};

/// A block that has begun.
pub(crate) struct OpenBlock {
    pub(crate) parameters: Parameters,
    pub(crate) rules: ActiveRules,
    context: BlockContext,
    interrupt: Interrupt,
    misbehaviour: Vec<Misbehaviour>,
    overlay: Overlay,
    calls: Vec<CallResult>,
}

/// What the transactions of a block have taken of its limits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    gas: Gas,
    bytes: u64,
    transactions: u32,
}

impl OpenBlock {
    /// Begins a block, whose transactions do not matter yet.
    pub(crate) fn begin(
        rulebook: &Rulebook,
        interrupt: &Interrupt,
        state: Arc<dyn StateReader>,
        block: &Block,
    ) -> Result<Self, LedgerError> {
        let mut open = Self::before_calls(rulebook, interrupt, state, block)?;
        open.run_calls(Phase::Misbehaviour)?;
        open.run_calls(Phase::Begin)?;
        Ok(open)
    }

    /// The same without the calls of the beginning.
    pub(crate) fn before_calls(
        rulebook: &Rulebook,
        interrupt: &Interrupt,
        state: Arc<dyn StateReader>,
        block: &Block,
    ) -> Result<Self, LedgerError> {
        Position::read(&*state)?.check(block.height, block.time)?;
        let mut parameters = Parameters::read(&*state)?;
        let rules = rulebook.at(&parameters, block.height)?;
        let mut overlay = Overlay::new(state);
        for (name, migration) in &rules.migrations {
            let changes = migration(&*overlay.view());
            overlay.apply(changes.map_err(|source| LedgerError::Migration {
                name: name.clone(),
                height: block.height,
                source: Box::new(source),
            })?);
            parameters = Parameters::read(&*overlay.view())?;
            parameters.check()?;
        }
        let context = BlockContext {
            chain_id: parameters.chain_id.as_str().into(),
            height: block.height,
            time: block.time,
            proposer: block.proposer,
        };
        Ok(Self {
            parameters,
            rules,
            context,
            interrupt: interrupt.clone(),
            misbehaviour: block.misbehaviour.clone(),
            overlay,
            calls: Vec::new(),
        })
    }

    /// What its transactions depend on besides the state.
    pub(crate) const fn terms(&self) -> Terms<'_> {
        Terms {
            rules: &self.rules,
            parameters: &self.parameters,
            block: &self.context,
            interrupt: &self.interrupt,
        }
    }

    /// Executes transactions in their order, on so many threads, and applies their changes.
    pub(crate) fn execute_all(
        &mut self,
        transactions: &[SignedTransaction],
        threads: NonZeroUsize,
    ) -> Result<Vec<TransactionOutcome>, LedgerError> {
        let terms = Terms {
            rules: &self.rules,
            parameters: &self.parameters,
            block: &self.context,
            interrupt: &self.interrupt,
        };
        parallel::run(
            &mut self.overlay,
            transactions.len(),
            threads,
            |index, state| {
                let transaction = transactions.get(index);
                let transaction = transaction.expect("the index is below their number");
                terms.execute(transaction, state)
            },
        )
    }

    /// Executes a transaction, and applies its changes.
    pub(crate) fn execute(
        &mut self,
        transaction: &SignedTransaction,
    ) -> Result<TransactionOutcome, LedgerError> {
        let view = self.overlay.view();
        let executed = self.terms().execute(transaction, view)?;
        self.overlay.apply(executed.changes);
        Ok(executed.output)
    }

    /// Executes a transaction, and records it. The block does not go on after it.
    pub(crate) fn record(
        &self,
        transaction: &SignedTransaction,
    ) -> Result<Result<Capsule, Invalid>, LedgerError> {
        self.terms().record(transaction, self.overlay.view())
    }

    /// Ends the block.
    pub(crate) fn end(
        mut self,
        transactions_root: ListRoot,
        transactions: Vec<TransactionOutcome>,
    ) -> Result<Finalized, LedgerError> {
        let results = || transactions.iter().map(|outcome| &outcome.result);
        let sum = |gas: fn(&crate::TransactionResult) -> Gas| {
            results().map(gas).fold(Gas::ZERO, Gas::saturating_add)
        };
        let (gas_declared, gas_used) = (sum(|it| it.gas_limit), sum(|it| it.gas_used));
        let fees = self.credit_fees(&transactions)?;
        self.run_calls(Phase::End)?;
        let position = Position {
            height: self.context.height,
            time: self.context.time,
        };
        let position = (keys::position(), Some(position.encode()));
        self.overlay.apply(Diff::from_iter([position]));
        let encoded: Vec<_> = results()
            .map(|result| result.encode())
            .chain(self.calls.iter().map(CallResult::encode))
            .collect();
        let unsealed = Header {
            chain: chain_digest(&self.parameters.chain_id),
            height: self.context.height,
            time: self.context.time,
            proposer: self.context.proposer,
            parent: HeaderHash::from_bytes([0; 32]),
            transactions_root,
            misbehaviour_root: Misbehaviour::root(&self.misbehaviour),
            receipts_root: list_root(encoded.iter().map(Vec::as_slice)),
            state_root: [0; 32],
            ledger_rules: self.rules.ledger_id,
            contract_rules: self.rules.contracts_id,
            gas_declared,
            gas_used,
            fees,
        };
        Ok(Finalized {
            changes: self.overlay.into_diff(),
            transactions,
            calls: self.calls,
            results: encoded,
            unsealed,
        })
    }

    /// Credits the fees of the block in one sum: paid transaction by transaction, they would make
    /// every transaction conflict with every other one. Returns the sum.
    pub(crate) fn credit_fees(
        &mut self,
        transactions: &[TransactionOutcome],
    ) -> Result<u128, LedgerError> {
        // Fees come from balances, whose sum is a u128.
        let fees = transactions.iter().map(|outcome| outcome.result.fee);
        let fees = fees.fold(0, u128::saturating_add);
        let receiver = match self.parameters.payment {
            Payment::Fees { destination, .. } => match destination {
                FeeDestination::Proposer => self.context.proposer,
                FeeDestination::Treasury(treasury) => treasury,
                FeeDestination::Burned => return Ok(fees),
            },
            Payment::Quotas { .. } => return Ok(fees),
        };
        if fees > 0 {
            let balance = Account::balance(&*self.overlay.view(), receiver)?;
            // The sum of all balances is a u128, and the fees were taken from it.
            let balance = balance.saturating_add(fees);
            let changes = fusee_contract::set_balances(&[(receiver, balance)]);
            self.overlay.apply(changes);
        }
        Ok(fees)
    }

    /// The scheduled calls of the block, with their indices in the parameters.
    pub(crate) fn due_calls(&self) -> impl Iterator<Item = (&ScheduledCall, u32)> {
        let calls = self.parameters.calls.iter().zip(0_u32..);
        calls.filter(|(call, _)| match call.phase {
            Phase::Misbehaviour => !self.misbehaviour.is_empty(),
            Phase::Begin | Phase::End => self.context.height.is_multiple_of(call.every.get()),
        })
    }

    /// Runs the scheduled calls of a phase. One that fails changes nothing.
    pub(crate) fn run_calls(&mut self, phase: Phase) -> Result<(), LedgerError> {
        self.run_calls_before(phase, u32::MAX)
    }

    /// Runs those with an index below this one.
    pub(crate) fn run_calls_before(&mut self, phase: Phase, end: u32) -> Result<(), LedgerError> {
        let calls = self.due_calls();
        let calls = calls.filter(|(call, index)| call.phase == phase && *index < end);
        let calls: Vec<_> = calls.map(|(call, index)| (call.clone(), index)).collect();
        for (call, index) in calls {
            let (changes, result) = self.run_call(&call, index)?;
            self.overlay.apply(changes);
            self.calls.push(result);
        }
        Ok(())
    }

    /// Runs a scheduled call, and records it. The block does not go on after it.
    pub(crate) fn record_call(&self, call: &ScheduledCall) -> Result<Capsule, LedgerError> {
        let (_, capsule) = Capsule::record_system(
            &self.rules.contracts,
            self.overlay.view(),
            self.system_call(call),
            &self.context,
            &self.interrupt,
        )?;
        Ok(capsule)
    }

    /// Runs a scheduled call. Returns its changes, with those of the parameters. What observes
    /// contracts does not observe it: that is for transactions, and each run would begin anew.
    fn run_call(
        &self,
        call: &ScheduledCall,
        index: u32,
    ) -> Result<(Diff, CallResult), LedgerError> {
        let Included {
            mut receipt,
            changes,
            ..
        } = self.rules.contracts.unobserved().execute_system(
            self.overlay.view(),
            self.system_call(call),
            &self.context,
            &self.interrupt,
        )?;
        let decides = call.updates_parameters
            && receipt.status == Status::Success
            && !receipt.output.is_empty();
        let next = decides.then(|| self.parameters.next(&receipt.output, self.context.height));
        let (changes, update) = match next {
            None => (changes, ParameterUpdate::None),
            Some(Ok(next)) => {
                let next = (keys::parameters(), Some(next.encode().into()));
                let changes = changes.into_iter().chain([next]).collect();
                (changes, ParameterUpdate::Applied)
            }
            // The reason is not part of consensus: the output says it all.
            Some(Err(_)) => {
                receipt.events.clear();
                (Diff::default(), ParameterUpdate::Refused)
            }
        };
        let result = CallResult {
            index,
            phase: call.phase,
            receipt,
            update,
        };
        Ok((changes, result))
    }

    /// A scheduled call, with what it receives of this block.
    fn system_call(&self, call: &ScheduledCall) -> SystemCall {
        let mut input = call.input.clone();
        if call.phase == Phase::Misbehaviour {
            input.extend(Misbehaviour::encode_list(&self.misbehaviour));
        }
        SystemCall {
            to: call.to,
            method: call.method.clone(),
            input,
            gas: call.gas,
        }
    }
}

impl Room {
    /// Takes the place and the bytes of a transaction, if they are left.
    pub(crate) fn take_place(&mut self, bytes: usize, limits: &BlockLimits) -> Result<(), Invalid> {
        let transactions = self.transactions.saturating_add(1);
        if transactions > limits.transactions {
            let limit = "transactions";
            return Err(Invalid::BlockFull { limit });
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let bytes = self.bytes.saturating_add(bytes);
        if bytes > limits.bytes {
            return Err(Invalid::BlockFull { limit: "bytes" });
        }
        (self.transactions, self.bytes) = (transactions, bytes);
        Ok(())
    }

    /// Takes the gas limit of a transaction, if it is left.
    pub(crate) fn take_gas(&mut self, gas: Gas, limits: &BlockLimits) -> Result<(), Invalid> {
        match self.gas.checked_add(gas) {
            Some(gas) if gas <= limits.gas => {
                self.gas = gas;
                Ok(())
            }
            _ => Err(Invalid::BlockFull { limit: "gas" }),
        }
    }
}
