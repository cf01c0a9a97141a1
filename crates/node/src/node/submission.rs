//! Submitting transactions, and waiting for their blocks.

use std::time::Duration;

use fusee_ledger::{Invalid, SignedTransaction, TransactionId};

use super::{Node, Shared, lock};
use crate::{Dropped, InBlock, NodeError, NotIncluded, Rejected, Watch};

impl Node {
    /// Adds a transaction to those that wait, and returns at once.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the host fails, the node is shutting down, or has stopped making blocks.
    pub fn submit(
        &self,
        transaction: Vec<u8>,
    ) -> Result<Result<TransactionId, Rejected>, NodeError> {
        self.shared.submit(transaction)
    }

    /// Adds a transaction and waits until it is in a block, or is known not to be. A transaction
    /// that waits already, or is in a block already, is as good: so it can be sent again after an
    /// answer was lost.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit), and [`NodeError::TooManyWatches`].
    pub fn submit_and_wait(
        &self,
        transaction: Vec<u8>,
        timeout: Duration,
    ) -> Result<Result<InBlock, NotIncluded>, NodeError> {
        let id = match self.id(&transaction)? {
            Ok(id) => id,
            Err(invalid) => return Ok(Err(NotIncluded::Rejected(invalid.into()))),
        };
        // Before it is there, so that no block is missed.
        let watch = self.watch(id)?;
        match self.shared.submit(transaction)? {
            Ok(_) | Err(Rejected::AlreadyKnown { .. }) => Ok(watch.wait(timeout)),
            Err(Rejected::AlreadyIncluded { id, height }) => {
                let included = self.transaction(&id)?;
                let rejected = Rejected::AlreadyIncluded { id, height };
                Ok(included.ok_or(NotIncluded::Rejected(rejected)))
            }
            Err(rejected) => Ok(Err(NotIncluded::Rejected(rejected))),
        }
    }

    /// Watches for the block of a transaction, by its id. It tells of blocks that are committed
    /// from now on.
    ///
    /// # Errors
    ///
    /// [`NodeError::TooManyWatches`].
    pub fn watch(&self, id: TransactionId) -> Result<Watch, NodeError> {
        let limit = self.shared.options.watches;
        let watch = self.shared.watches.add(id);
        watch.ok_or(NodeError::TooManyWatches { limit })
    }

    /// The id of an encoded transaction, by the rules of the next block.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the state cannot be read, or the program does not have the rules.
    pub fn id(&self, transaction: &[u8]) -> Result<Result<TransactionId, Invalid>, NodeError> {
        let rules = self.shared.mempool.rules();
        Ok(SignedTransaction::decode(transaction, &rules).map(|it| it.id()))
    }
}

impl Shared {
    fn submit(&self, transaction: Vec<u8>) -> Result<Result<TransactionId, Rejected>, NodeError> {
        self.check_running()?;
        let decoded = SignedTransaction::decode(&transaction, &self.mempool.rules());
        let added = match self.mempool.add(transaction)? {
            Ok(added) => added,
            Err(rejected) => {
                self.counters.rejected.add(1);
                let id = decoded.ok().map(|it| it.id());
                return self.rejected(rejected, id).map(Err);
            }
        };
        self.counters.submitted.add(1);
        self.tell_dropped(added.dropped);
        if let Some(wake) = &*lock(&self.wake) {
            // If it is full, the producer is about to look.
            let _ = wake.try_send(());
        }
        Ok(Ok(added.id))
    }

    /// A nonce is past once its transaction is in a block: then that is the reason.
    fn rejected(
        &self,
        rejected: Rejected,
        id: Option<TransactionId>,
    ) -> Result<Rejected, NodeError> {
        let (Rejected::Invalid(Invalid::PastNonce { .. }), Some(id)) = (&rejected, id) else {
            return Ok(rejected);
        };
        let place = self.place(&id)?;
        Ok(match place {
            Some(place) => Rejected::AlreadyIncluded {
                id,
                height: place.height,
            },
            None => rejected,
        })
    }

    pub(super) fn tell_dropped(&self, dropped: Vec<(TransactionId, Dropped)>) {
        let count = u64::try_from(dropped.len()).unwrap_or(u64::MAX);
        self.counters.dropped.add(count);
        for (id, why) in dropped {
            self.watches.dropped(&id, why);
        }
    }
}
