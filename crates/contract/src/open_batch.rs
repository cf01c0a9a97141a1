//! Batches that have begun and not ended: what is left of their gas, and what has ended so far.

use fusee_engine::Gas;
use fusee_instrument::Refusal;

use crate::{
    Address, Batch, ContractError, IncludedBatch, Receipt, Status,
    call_result::CallResult,
    call_stack::CallStack,
    changes::{Changes, ChangesCheckpoint, Parts},
};

/// A batch that has begun and not ended.
#[derive(Debug)]
pub(crate) struct OpenBatch {
    pub(crate) stack: CallStack,
    /// The sender's nonce before the batch.
    pub(crate) nonce: u64,
    pub(crate) gas_left: Gas,
    /// The operation that runs or waits.
    pub(crate) current: CurrentOperation,
    /// Why the rules refused the code of the operation that ended last.
    pub(crate) refusal: Option<Refusal>,
    /// The position before the first operation.
    checkpoint: ChangesCheckpoint,
    /// What the payer has paid in advance.
    reserved: u128,
    ended: Vec<EndedOperation>,
}

/// The operation that runs or waits.
#[derive(Debug, Default)]
pub(crate) struct CurrentOperation {
    pub(crate) intrinsic: Gas,
    /// The address that it makes a contract of, if it makes one.
    pub(crate) deployed: Option<Address>,
}

#[derive(Debug)]
struct EndedOperation {
    /// The receipt, without its events.
    receipt: Receipt,
    /// The number of events of all operations so far.
    events: usize,
}

impl OpenBatch {
    /// Advances the sender's nonce. `reserved` is what the payer has paid in advance.
    pub(crate) fn begin(
        batch: &Batch,
        stack: CallStack,
        reserved: u128,
        changes: &mut Changes,
    ) -> Result<Self, ContractError> {
        let nonce = changes.nonce(batch.from)?;
        changes.set_nonce(batch.from, nonce.saturating_add(1));
        Ok(Self {
            stack,
            nonce,
            // The gas limit of a valid batch is at least its intrinsic price.
            gas_left: batch.gas.saturating_sub(batch.overhead),
            current: CurrentOperation::default(),
            refusal: None,
            checkpoint: changes.checkpoint(),
            reserved,
            ended: Vec::new(),
        })
    }

    /// The index of the next operation. `None` if one has failed.
    pub(crate) fn next(&self) -> Option<usize> {
        match self.failed() {
            None => Some(self.ended.len()),
            Some(_) => None,
        }
    }

    /// The index of the operation that failed: the last one that ended.
    fn failed(&self) -> Option<usize> {
        let last = self.ended.last()?;
        let has_failed = last.receipt.status != Status::Success;
        self.ended.len().checked_sub(1).filter(|_| has_failed)
    }

    /// The current operation has ended.
    pub(crate) fn end(&mut self, changes: &Changes, result: CallResult) {
        let CurrentOperation {
            intrinsic,
            deployed,
        } = std::mem::take(&mut self.current);
        let gas_used = intrinsic.saturating_add(result.gas_used);
        let deployed = deployed.filter(|_| result.status == Status::Success);
        let result = CallResult { gas_used, ..result };
        self.ended.push(EndedOperation {
            receipt: result.receipt(Vec::new(), self.gas_left, deployed),
            events: changes.events.count(),
        });
        self.gas_left = self.gas_left.saturating_sub(gas_used);
    }

    /// Commits or reverts what the operations changed, and gives back what is left of the fee.
    pub(crate) fn finish(
        self,
        batch: &Batch,
        mut changes: Changes,
    ) -> Result<IncludedBatch, ContractError> {
        let operation = self.failed();
        match operation {
            None => changes.commit(self.checkpoint),
            Some(_) => changes.revert(self.checkpoint),
        }
        let gas_used = batch.gas.saturating_sub(self.gas_left);
        let fee = changes.settle_fee(batch.fee, self.reserved, gas_used)?;
        let Parts {
            diff,
            reads,
            events,
        } = changes.into_parts();
        let mut events = events.into_iter();
        let mut begin = 0_usize;
        let receipts = self.ended.into_iter().map(|ended| {
            let count = ended.events.saturating_sub(begin);
            begin = ended.events;
            Receipt {
                // Of a batch that failed, none is left.
                events: events.by_ref().take(count).collect(),
                deployed: ended.receipt.deployed.filter(|_| operation.is_none()),
                ..ended.receipt
            }
        });
        Ok(IncludedBatch {
            receipts: receipts.collect(),
            gas_used,
            fee,
            changes: diff,
            reads,
            refusal: self.refusal,
            operation,
        })
    }
}
