//! Batches: operations of one sender that take effect together, or not at all.
//!
//! A [`Transaction`] is a batch of one operation without overhead and fee: one implementation
//! (`execution.rs`) runs both.
//!
//! The nonce advances once, and the fee is paid, whatever becomes of the operations. If one fails,
//! those after it do not begin, and the changes, events and transient storage of all operations are
//! reverted. What lasts for a transaction lasts for the batch: transient storage, loaded code,
//! modules of nested VMs, and the limits on these and on events.

use std::sync::Arc;

use fusee_engine::{Gas, Interrupt};
use fusee_instrument::Refusal;
use fusee_state::{Diff, ReadSet, StateReader};

use crate::{
    Action, Address, BlockContext, ContractError, Contracts, Included, InvalidBatch, Receipt,
    Transaction, changes::Changes, execution::Execution,
};

/// Operations of one sender that take effect together, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The sender, who pays the values.
    pub from: Address,
    /// The operations, at least one, in the order of their execution.
    pub operations: Vec<BatchOperation>,
    /// The gas limit of everything together.
    pub gas: Gas,
    /// The gas that is charged before anything runs: what the embedder charges for bytes and
    /// signatures.
    pub overhead: Gas,
    /// Who pays for the gas. `None`: nobody.
    pub fee: Option<GasFee>,
}

/// An operation of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOperation {
    /// The action.
    pub action: Action,
    /// The amount to send, in the smallest unit of balances.
    pub value: u128,
}

/// The payment for the gas of a [`Batch`].
///
/// The price of the gas limit is taken from the payer before anything runs, so that contracts
/// cannot spend it. The price of the gas that was not used is given back at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GasFee {
    /// The account that pays.
    pub payer: Address,
    /// The price of a unit of gas, in the smallest unit of balances.
    pub price: u128,
}

/// The result of a batch. Nothing is written until the embedder commits the changes.
#[derive(Debug)]
pub enum BatchResult {
    /// A block can include the batch, whatever became of its operations.
    Included(IncludedBatch),
    /// No block can include the batch. It changes nothing.
    Invalid(InvalidBatch),
}

/// The result of a batch that a block can include.
#[derive(Debug)]
pub struct IncludedBatch {
    /// A receipt of each operation that began, in order. Only the last one can be a failure. The
    /// others then say what ran: their changes are reverted, and they have neither events nor the
    /// address of a deployed contract.
    ///
    /// The gas limit of a receipt is what the overhead and the operations before it left.
    pub receipts: Vec<Receipt>,
    /// The gas that was used: the overhead, and that of all receipts.
    pub gas_used: Gas,
    /// The fee that the payer has paid: the price of the gas that was used. It is credited to
    /// nobody here.
    pub fee: u128,
    /// The writes to the state: the nonce, the balance of the payer and, unless an operation
    /// failed, what the operations wrote.
    pub changes: Diff,
    /// The keys that the batch read from the state, including reads of what was reverted.
    pub reads: ReadSet,
    /// Why the rules refused the code of the operation that failed, as text for people.
    pub refusal: Option<Refusal>,
    /// The index of the operation that failed. `None`: all of them succeeded.
    pub operation: Option<usize>,
}

impl BatchResult {
    /// Returns the result if a block can include the batch.
    ///
    /// # Errors
    ///
    /// The reason if no block can include it.
    pub fn included(self) -> Result<IncludedBatch, InvalidBatch> {
        match self {
            Self::Included(included) => Ok(included),
            Self::Invalid(invalid) => Err(invalid),
        }
    }
}

impl Contracts {
    /// Runs a batch on `state`, in a block. Oracle requests are answered with `UNANSWERED`.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails. In this case nothing has changed.
    pub fn execute_batch(
        &self,
        state: Arc<dyn StateReader>,
        batch: Batch,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<BatchResult, ContractError> {
        Execution::new(self, state, batch, block, interrupt).finish_without_oracle()
    }

    /// Validates a batch against `state`, without running it. Returns the reason if no block can
    /// include the batch.
    ///
    /// The sender's balance only has to cover the value of the first operation, since an operation
    /// can be paid from what one before it brought in. An operation whose value exceeds the balance
    /// when it begins has failed
    /// ([`Rejection::InsufficientBalance`](crate::Rejection::InsufficientBalance)).
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn check_batch(
        &self,
        state: Arc<dyn StateReader>,
        batch: &Batch,
    ) -> Result<Option<InvalidBatch>, ContractError> {
        Ok(self.admit_batch(&mut Changes::new(state), batch)?.err())
    }
}

impl From<Transaction> for Batch {
    fn from(transaction: Transaction) -> Self {
        let Transaction {
            from,
            action,
            value,
            gas,
        } = transaction;
        Self {
            from,
            operations: vec![BatchOperation { action, value }],
            gas,
            overhead: Gas::ZERO,
            fee: None,
        }
    }
}

impl IncludedBatch {
    /// The result of a batch of one operation.
    pub(crate) fn into_single(self) -> Included {
        let mut receipts = self.receipts.into_iter();
        Included {
            receipt: receipts
                .next()
                .expect("an included batch has at least one operation, which began"),
            changes: self.changes,
            reads: self.reads,
            refusal: self.refusal,
        }
    }
}
