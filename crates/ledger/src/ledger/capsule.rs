//! Capsules of what a block executes.
//!
//! The block is executed again up to there, so a capsule can be recorded before the block is
//! committed and at any time after, as long as the state before it is there.

use std::sync::Arc;

use fusee_contract::Capsule;
use fusee_state::StateReader;
use thiserror::Error;

use super::{Admission, Ledger, admit};
use crate::{Block, Invalid, LedgerError, Phase, open_block::OpenBlock};

/// Why there is no capsule. It is no fault of this node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoCapsule {
    /// The block has fewer transactions.
    #[error("the block has no transaction {index}, it has {count}")]
    NoTransaction {
        /// The index.
        index: usize,
        /// The number of transactions of the block.
        count: usize,
    },
    /// The transaction is invalid there, so nothing of it runs.
    #[error("transaction {index} of the block is invalid, so nothing of it runs: {reason}")]
    Invalid {
        /// The index.
        index: usize,
        /// Why it is invalid.
        reason: Box<Invalid>,
    },
    /// The parameters have no such call, or none that is due at the height.
    #[error("no scheduled call {index} is due at height {height}")]
    NoCall {
        /// The index in the parameters.
        index: u32,
        /// The height of the block.
        height: u64,
    },
}

impl Ledger {
    /// Records the capsule of a transaction in a block, by its index. Executes the block up to it,
    /// on the state before the block.
    ///
    /// The capsule has the batch that the transaction is. A replay has the receipts, the gas and
    /// the fee of its result in the block. Signatures, nonce and quota are no part of it: on a
    /// chain with quotas, the transaction has one change more than its capsule.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the host fails, does not have the rules of the height, or the block is
    /// not the next one.
    pub fn capsule(
        &self,
        state: Arc<dyn StateReader>,
        block: &Block,
        index: usize,
    ) -> Result<Result<Capsule, NoCapsule>, LedgerError> {
        let Some(encoded) = block.transactions.get(..=index) else {
            let count = block.transactions.len();
            return Ok(Err(NoCapsule::NoTransaction { index, count }));
        };
        let mut open = OpenBlock::begin(&self.rulebook, &self.interrupt, state, block)?;
        let verified = self.verify_encoded(encoded, &open.rules.ledger);
        let Admission {
            mut admitted,
            mut invalid,
        } = admit(&open, encoded, verified);
        let invalid = invalid.pop().flatten().and_then(|outcome| outcome.invalid);
        let recorded = match invalid {
            Some(invalid) => Err(invalid),
            None => {
                let last = admitted.pop();
                let last = last.expect("the last transaction is admitted or invalid");
                open.execute_all(&admitted, self.threads)?;
                open.record(&last)?
            }
        };
        let no_capsule = |invalid| NoCapsule::Invalid {
            index,
            reason: Box::new(invalid),
        };
        Ok(recorded.map_err(no_capsule))
    }

    /// Records the capsule of a scheduled call of a block, by its index in the parameters. Executes
    /// the block up to it, on the state before the block.
    ///
    /// The capsule has the call alone, and not what its output does to the parameters of the chain:
    /// where that is refused, the block has none of its changes and events.
    ///
    /// # Errors
    ///
    /// As [`capsule`](Self::capsule).
    pub fn call_capsule(
        &self,
        state: Arc<dyn StateReader>,
        block: &Block,
        index: u32,
    ) -> Result<Result<Capsule, NoCapsule>, LedgerError> {
        let mut open = OpenBlock::before_calls(&self.rulebook, &self.interrupt, state, block)?;
        let Some(call) = open.due_calls().find(|(_, at)| *at == index) else {
            let height = block.height;
            return Ok(Err(NoCapsule::NoCall { index, height }));
        };
        let call = call.0.clone();
        if call.phase != Phase::Misbehaviour {
            open.run_calls(Phase::Misbehaviour)?;
        }
        if call.phase == Phase::End {
            open.run_calls(Phase::Begin)?;
            let verified = self.verify_encoded(&block.transactions, &open.rules.ledger);
            let admission = admit(&open, &block.transactions, verified);
            let outcomes = open.execute_all(&admission.admitted, self.threads)?;
            open.credit_fees(&outcomes)?;
        }
        open.run_calls_before(call.phase, index)?;
        open.record_call(&call).map(Ok)
    }
}
