//! The execution of one transaction, as a pure function of the transaction, its block and a state.

use std::sync::Arc;

use fusee_contract::{
    Batch, BatchOperation, BatchResult, BlockContext, Capsule, GasFee, IncludedBatch,
};
use fusee_engine::Interrupt;
use fusee_instrument::Refusal;
use fusee_state::{Diff, StateReader};

use crate::{
    Accounts, ActiveRules, Inclusion, Invalid, LedgerError, Parameters, Payment, SignedTransaction,
    TransactionId, TransactionResult, check, known::Remembering, parallel::Executed, quota::Quota,
};

/// What became of a transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionOutcome {
    /// The id. `None` if the bytes are not those of a transaction.
    pub id: Option<TransactionId>,
    /// The result, whose encoding the receipts root covers.
    pub result: TransactionResult,
    /// Why the transaction is invalid, if it is.
    pub invalid: Option<Invalid>,
    /// Why the rules refused the code of an operation, as text for people.
    pub refusal: Option<Refusal>,
}

/// Everything besides the state that the transactions of a block depend on.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) rules: &'a ActiveRules,
    pub(crate) parameters: &'a Parameters,
    pub(crate) block: &'a BlockContext,
    pub(crate) interrupt: &'a Interrupt,
}

impl TransactionOutcome {
    pub(crate) const fn invalid(id: Option<TransactionId>, invalid: Invalid) -> Self {
        Self {
            id,
            result: TransactionResult::invalid(invalid.code()),
            invalid: Some(invalid),
            refusal: None,
        }
    }
}

impl Terms<'_> {
    /// Checks what does not depend on the state.
    pub(crate) fn check_static(&self, transaction: &SignedTransaction) -> Result<(), Invalid> {
        let inclusion = Inclusion {
            chain_id: &self.parameters.chain_id,
            height: self.block.height,
            minimum_price: self.parameters.minimum_price(),
            block_gas: self.parameters.limits.gas,
            nonce_window: 0,
        };
        check::check_static(transaction, &self.rules.ledger, &inclusion)?;
        let price = transaction.body().gas_price;
        match self.parameters.payment {
            Payment::Quotas { .. } if price > 0 => Err(Invalid::PriceWithoutFees { price }),
            Payment::Quotas { .. } | Payment::Fees { .. } => Ok(()),
        }
    }

    /// Checks what depends on the state, without running anything.
    pub(crate) fn check_in(
        &self,
        state: &Arc<dyn StateReader>,
        transaction: &SignedTransaction,
        nonce_window: u64,
    ) -> Result<Result<(), Invalid>, LedgerError> {
        if let Err(invalid) = self.admit(&**state, transaction, nonce_window)? {
            return Ok(Err(invalid));
        }
        let contracts = &self.rules.contracts;
        let invalid = contracts.check_batch(Arc::clone(state), &self.batch(transaction))?;
        Ok(invalid.map_or(Ok(()), |invalid| Err(Invalid::Operations(invalid))))
    }

    /// Executes a transaction whose signatures are valid, and which
    /// [`check_static`](Self::check_static) admits.
    pub(crate) fn execute(
        &self,
        transaction: &SignedTransaction,
        state: Arc<dyn StateReader>,
    ) -> Result<Executed<TransactionOutcome>, LedgerError> {
        let id = Some(transaction.id());
        let invalid = |invalid| Executed {
            changes: Diff::default(),
            output: TransactionOutcome::invalid(id, invalid),
        };
        let state = Remembering::new(state);
        let quota = match self.admit(&state, transaction, 0)? {
            Ok(quota) => quota,
            Err(reason) => return Ok(invalid(reason)),
        };
        let state = state.known();
        let batch = self.batch(transaction);
        let contracts = &self.rules.contracts;
        let included = match contracts.execute_batch(state, batch, self.block, self.interrupt)? {
            BatchResult::Included(included) => included,
            BatchResult::Invalid(reason) => return Ok(invalid(Invalid::Operations(reason))),
        };
        let IncludedBatch {
            receipts,
            gas_used,
            fee,
            changes,
            refusal,
            ..
        } = included;
        let changes = match quota {
            Some(quota) => changes.into_iter().chain([quota.after(gas_used)]).collect(),
            None => changes,
        };
        Ok(Executed {
            changes,
            output: TransactionOutcome {
                id,
                result: TransactionResult {
                    code: 0,
                    gas_used,
                    gas_limit: transaction.body().gas_limit,
                    fee,
                    receipts,
                },
                invalid: None,
                refusal,
            },
        })
    }

    /// Executes a transaction as [`execute`](Self::execute) does, and records the batch that it is.
    pub(crate) fn record(
        &self,
        transaction: &SignedTransaction,
        state: Arc<dyn StateReader>,
    ) -> Result<Result<Capsule, Invalid>, LedgerError> {
        if let Err(invalid) = self.admit(&*state, transaction, 0)? {
            return Ok(Err(invalid));
        }
        let contracts = &self.rules.contracts;
        let batch = self.batch(transaction);
        let recorded = Capsule::record_batch(contracts, state, batch, self.block, self.interrupt)?;
        Ok(match recorded {
            (BatchResult::Invalid(invalid), _) => Err(Invalid::Operations(invalid)),
            (_, capsule) => Ok(capsule.expect("a batch that is included has a capsule")),
        })
    }

    /// Checks nonce, balances and quota. Returns the quota, if the chain has quotas.
    fn admit(
        &self,
        state: &dyn StateReader,
        transaction: &SignedTransaction,
        nonce_window: u64,
    ) -> Result<Result<Option<Quota>, Invalid>, LedgerError> {
        let accounts = Accounts::read(state, transaction)?;
        if let Err(invalid) = check::check_accounts(transaction, nonce_window, &accounts) {
            return Ok(Err(invalid));
        }
        let Payment::Quotas { gas, window } = self.parameters.payment else {
            return Ok(Ok(None));
        };
        let quota = Quota::read(state, transaction, self.block.height, (gas, window))?;
        let checked = quota.check(transaction.body().gas_limit);
        Ok(checked.map(|()| Some(quota)))
    }

    /// The operations of a transaction for the contracts.
    fn batch(&self, transaction: &SignedTransaction) -> Batch {
        let body = transaction.body();
        let operations = body.operations.iter().cloned().map(|operation| {
            let (action, value) = operation.into_action();
            BatchOperation { action, value }
        });
        let (_, payer) = transaction.gas_payer();
        let price = body.gas_price;
        Batch {
            from: body.sender,
            operations: operations.collect(),
            gas: body.gas_limit,
            overhead: self.rules.ledger.intrinsic_gas(transaction),
            // Without a price, nothing is paid, and the balance of the payer is not touched.
            fee: (price > 0).then_some(GasFee { payer, price }),
        }
    }
}
