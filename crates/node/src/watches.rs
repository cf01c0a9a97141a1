//! Watches: callers that wait for what becomes of a transaction.

use std::{
    collections::BTreeMap,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
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

/// What becomes of a transaction.
type End = Result<InBlock, NotIncluded>;

/// Waits for one transaction, either on a thread ([`wait`](Self::wait)) or as a future, of any
/// runtime. Dropping it ends that.
#[derive(Debug)]
pub struct Watch {
    id: TransactionId,
    number: u64,
    end: Arc<Slot>,
    watches: Weak<Watches>,
}

/// What a watch is told, once.
#[derive(Debug, Default)]
struct Slot {
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    end: Option<End>,
    /// Of the task that waits.
    waker: Option<Waker>,
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
        let is_open = |told: &mut Told| told.end.is_none();
        let told = self.end.told();
        let waited = self.end.changed.wait_timeout_while(told, timeout, is_open);
        let (told, _) = waited.unwrap_or_else(PoisonError::into_inner);
        told.end.clone().unwrap_or(Err(NotIncluded::Timeout))
    }
}

/// Waits as [`wait`](Watch::wait) does, without a limit.
impl Future for Watch {
    type Output = Result<InBlock, NotIncluded>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut told = self.end.told();
        if let Some(end) = &told.end {
            return Poll::Ready(end.clone());
        }
        told.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Slot {
    fn tell(&self, end: &End) {
        let waker = {
            let mut told = self.told();
            told.end.get_or_insert_with(|| end.clone());
            told.waker.take()
        };
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
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
    by_id: BTreeMap<(TransactionId, u64), Arc<Slot>>,
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
        let end = Arc::<Slot>::default();
        let number = waiting.numbers;
        waiting.numbers = number.saturating_add(1);
        match waiting.is_closed {
            true => end.tell(&Err(NotIncluded::ShutDown)),
            false => drop(waiting.by_id.insert((id, number), Arc::clone(&end))),
        }
        Some(Watch {
            id,
            number,
            end,
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
        for slot in mem::take(&mut waiting.by_id).into_values() {
            slot.tell(&Err(NotIncluded::ShutDown));
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.waiting().by_id.len()
    }

    fn has(&self, id: &TransactionId) -> bool {
        let waiting = self.waiting();
        let mut of_id = waiting.by_id.range((*id, 0)..=(*id, u64::MAX));
        of_id.next().is_some()
    }

    fn end(&self, id: &TransactionId, end: &End) {
        let mut waiting = self.waiting();
        let of_id = waiting.by_id.range((*id, 0)..=(*id, u64::MAX));
        let keys: Vec<_> = of_id.map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(slot) = waiting.by_id.remove(&key) {
                slot.tell(end);
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
