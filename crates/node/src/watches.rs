//! Watches: callers that wait for what becomes of a transaction.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};

use fusee_chain::StoredBlock;
use fusee_ledger::{TransactionId, TransactionResult};
use thiserror::Error;

use crate::{BlockResult, Dropped, IndexError, Rejected};

/// A transaction in a block.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InBlock {
    /// The block.
    pub block: Arc<StoredBlock>,
    /// The index of the transaction in it.
    pub index: u32,
    /// Its result.
    pub result: TransactionResult,
}

/// Why a transaction is not known to be in a block.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotIncluded {
    /// It was not added to those that wait.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// It waited, and does not any more.
    #[error("the transaction was dropped: {0}")]
    Dropped(#[from] Dropped),
    /// It still waits.
    #[error("no block had the transaction in this time, and it still waits: ask for it by its id")]
    Timeout,
    /// The node has shut down, and with it all that waited.
    #[error("the node has shut down: look the transaction up when it is back, and send it again")]
    ShutDown,
}

/// Waits for one transaction. Dropping it ends that.
#[derive(Debug)]
pub struct Watch {
    id: TransactionId,
    number: u64,
    end: Receiver<Result<InBlock, NotIncluded>>,
    /// What came out of `end`.
    ended: OnceLock<Result<InBlock, NotIncluded>>,
    watches: Weak<Watches>,
}

impl Watch {
    /// The transaction.
    #[must_use]
    pub const fn id(&self) -> TransactionId {
        self.id
    }

    /// Waits until the transaction is in a block. What it was told once, it tells again.
    ///
    /// # Errors
    ///
    /// [`NotIncluded`] if it is not, and why.
    pub fn wait(&self, timeout: Duration) -> Result<InBlock, NotIncluded> {
        if let Some(ended) = self.ended.get() {
            return ended.clone();
        }
        match self.end.recv_timeout(timeout) {
            Ok(end) => self.ended.get_or_init(|| end).clone(),
            Err(RecvTimeoutError::Timeout) => Err(NotIncluded::Timeout),
            Err(RecvTimeoutError::Disconnected) => Err(NotIncluded::ShutDown),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(watches) = self.watches.upgrade() {
            watches.remove(&self.id, self.number);
        }
    }
}

/// All that callers wait for.
#[derive(Debug)]
pub(crate) struct Watches {
    limit: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    by_id: BTreeMap<(TransactionId, u64), SyncSender<Result<InBlock, NotIncluded>>>,
    numbers: u64,
    is_closed: bool,
}

impl Watches {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            waiting: Mutex::default(),
        })
    }

    /// Waits for a transaction. `None` if too many callers wait.
    pub(crate) fn add(self: &Arc<Self>, id: TransactionId) -> Option<Watch> {
        let mut waiting = self.waiting();
        if waiting.by_id.len() >= self.limit {
            return None;
        }
        let (sender, end) = sync_channel(1);
        let number = waiting.numbers;
        waiting.numbers = number.saturating_add(1);
        // Of a node that has shut down, the sender is dropped, which the watch tells.
        if !waiting.is_closed {
            waiting.by_id.insert((id, number), sender);
        }
        Some(Watch {
            id,
            number,
            end,
            ended: OnceLock::new(),
            watches: Arc::downgrade(self),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting().by_id.is_empty()
    }

    /// A block has these transactions. Tells those that wait for one that is not invalid there.
    pub(crate) fn committed(
        &self,
        block: &Arc<StoredBlock>,
        ids: &[Option<TransactionId>],
    ) -> Result<(), IndexError> {
        for (index, id) in ids.iter().enumerate() {
            let Some(id) = id.filter(|id| self.has(id)) else {
                continue;
            };
            let result = BlockResult::of(block, index)?;
            if let Some(BlockResult::Transaction(result)) = result.filter(is_included) {
                let end = InBlock {
                    block: Arc::clone(block),
                    index: u32::try_from(index).unwrap_or(u32::MAX),
                    result,
                };
                self.end(&id, &Ok(end));
            }
        }
        Ok(())
    }

    pub(crate) fn dropped(&self, id: &TransactionId, why: Dropped) {
        self.end(id, &Err(NotIncluded::Dropped(why)));
    }

    /// Tells everybody that the node has shut down.
    pub(crate) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        waiting.by_id.clear();
    }

    pub(crate) fn count(&self) -> usize {
        self.waiting().by_id.len()
    }

    fn has(&self, id: &TransactionId) -> bool {
        let waiting = self.waiting();
        let mut of_id = waiting.by_id.range((*id, 0)..=(*id, u64::MAX));
        of_id.next().is_some()
    }

    fn end(&self, id: &TransactionId, end: &Result<InBlock, NotIncluded>) {
        let mut waiting = self.waiting();
        let of_id = waiting.by_id.range((*id, 0)..=(*id, u64::MAX));
        let keys: Vec<_> = of_id.map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(sender) = waiting.by_id.remove(&key) {
                // Its queue has room for one end, and each watch has one.
                let _ = sender.try_send(end.clone());
            }
        }
    }

    fn remove(&self, id: &TransactionId, number: u64) {
        self.waiting().by_id.remove(&(*id, number));
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_included(result: &BlockResult) -> bool {
    matches!(result, BlockResult::Transaction(result) if result.code == 0)
}
