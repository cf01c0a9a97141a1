//! The producer: makes blocks of what waits, without asking anybody.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use fusee_chain::{Executed, StoredBlock, Tip};
use fusee_ledger::{Block, BlockLimits, Invalid, Parameters, Position, TransactionId};

use super::{Production, Shared, lock};
use crate::{Dropped, NodeError, clock::instant};

/// What becomes of a block without transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empty {
    Commit,
    Skip,
}

/// A block that is not committed yet.
struct Made {
    transactions: Vec<Vec<u8>>,
    executed: Executed,
}

/// The shortest interval.
const LEAST_INTERVAL: Duration = Duration::from_millis(1);

/// Makes blocks until the node shuts down or the host fails.
pub(super) fn run(shared: &Shared, production: Production, woken: &Receiver<()>) {
    let result = match production {
        Production::Each => each(shared, woken),
        Production::Every(interval) => every(shared, interval, woken),
        Production::ByHand | Production::Elsewhere => Ok(()),
    };
    if let Err(error) = result {
        *lock(&shared.failure) = Some(Arc::new(error));
    }
}

fn each(shared: &Shared, woken: &Receiver<()>) -> Result<(), NodeError> {
    for () in woken {
        while shared.mempool.is_ready() && shared.check_open().is_ok() {
            shared.make(1, Empty::Skip)?;
        }
    }
    Ok(())
}

fn every(shared: &Shared, interval: Duration, woken: &Receiver<()>) -> Result<(), NodeError> {
    let interval = interval.max(LEAST_INTERVAL);
    let mut due = instant().checked_add(interval);
    loop {
        // An interval beyond the end of the clock never ends.
        let left = due.map_or(Duration::MAX, |due| {
            due.saturating_duration_since(instant())
        });
        match woken.recv_timeout(left) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                shared.make(u32::MAX, Empty::Commit)?;
                // A node that could not keep up does not make up for the blocks.
                let next = due.and_then(|due| due.checked_add(interval));
                due = next.map(|next| next.max(instant()));
            }
        }
    }
}

impl Shared {
    /// Makes a block of what waits, also an empty one.
    pub(super) fn produce(&self) -> Result<Arc<StoredBlock>, NodeError> {
        let block = self.make(u32::MAX, Empty::Commit)?;
        Ok(block.expect("a block without transactions is committed too"))
    }

    /// Makes a block of at most so many transactions.
    fn make(&self, transactions: u32, empty: Empty) -> Result<Option<Arc<StoredBlock>>, NodeError> {
        let _producing = lock(&self.producing);
        // A node that has announced its last block makes no other.
        if lock(&self.to_follower).is_none() {
            return Err(NodeError::ShuttingDown);
        }
        let _span = tracing::info_span!("block").entered();
        let tip = self.chain.tip()?;
        let Some(made) = self.execute(&tip, transactions, empty)? else {
            return Ok(None);
        };
        let sealed = self.chain.seal(made.executed)?;
        let (header, finalized) = self.chain.commit(sealed)?;
        let block = Arc::new(StoredBlock::new(
            header,
            made.transactions,
            finalized.results,
        ));
        self.committed(&block)?;
        Ok(Some(block))
    }

    /// Executes the best of what waits. What turns out to be invalid is dropped, and the rest is
    /// executed again: it stays valid, since invalid transactions change nothing.
    fn execute(
        &self,
        tip: &Tip,
        transactions: u32,
        empty: Empty,
    ) -> Result<Option<Made>, NodeError> {
        let state = tip.state();
        let parameters = Parameters::read(&*state)?;
        let last = Position::read(&*state)?;
        let limits = BlockLimits {
            transactions: parameters.limits.transactions.min(transactions),
            ..parameters.limits
        };
        let mut block = Block {
            height: last.height.saturating_add(1),
            // A clock that goes back makes no block that nobody accepts.
            time: self.options.clock.now().max(last.time),
            proposer: self.options.proposer,
            transactions: self.mempool.candidates(&limits),
            misbehaviour: Vec::new(),
        };
        loop {
            if block.transactions.is_empty() && empty == Empty::Skip {
                return Ok(None);
            }
            let verified = self.chain.verify(block.clone())?;
            let executed = self.chain.execute(tip, verified)?;
            let outcomes = &executed.finalized().transactions;
            if outcomes.iter().all(|outcome| outcome.invalid.is_none()) {
                return Ok(Some(Made {
                    transactions: block.transactions,
                    executed,
                }));
            }
            let mut invalid = Vec::new();
            let mut kept = Vec::new();
            for (bytes, outcome) in block.transactions.into_iter().zip(outcomes) {
                match (&outcome.invalid, outcome.id) {
                    (None, _) => kept.push(bytes),
                    (Some(reason), Some(id)) => invalid.push((id, reason.clone())),
                    (Some(_), None) => {}
                }
            }
            block.transactions = kept;
            self.drop_invalid(invalid, block.transactions.is_empty());
        }
    }

    /// Drops what the execution has found to be invalid. What only had no room waits for the next
    /// block, unless it had this one for itself.
    fn drop_invalid(&self, invalid: Vec<(TransactionId, Invalid)>, was_alone: bool) {
        let has_room = |reason: &Invalid| !matches!(reason, Invalid::BlockFull { .. });
        let dropped = invalid.into_iter();
        let dropped = dropped.filter(|(_, reason)| was_alone || has_room(reason));
        let dropped: Vec<_> = dropped
            .map(|(id, reason)| (id, Dropped::Invalid(reason)))
            .collect();
        let ids: Vec<_> = dropped.iter().map(|(id, _)| *id).collect();
        self.mempool.remove(&ids);
        self.tell_dropped(dropped);
    }
}
