//! Subscriptions to committed blocks, each with a bounded queue.
//!
//! A subscriber that does not keep up is dropped, and told so after what its queue still has. It
//! never holds up the node or another subscriber.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};

use fusee_chain::StoredBlock;
use thiserror::Error;

/// The blocks that are committed from now on, in their order, without gaps.
#[derive(Debug)]
pub struct Subscription {
    blocks: Receiver<Arc<StoredBlock>>,
    missed: Arc<AtomicU64>,
}

/// Why there is no next block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoBlock {
    /// None was committed in this time.
    #[error("no block was committed in this time")]
    Timeout,
    /// The subscriber did not keep up.
    #[error(
        "the subscriber was too slow: read the blocks from height {height}, and subscribe anew"
    )]
    TooSlow {
        /// The height of the first block that it has missed.
        height: u64,
    },
    /// The node has shut down.
    #[error("the node has shut down")]
    ShutDown,
}

/// The senders of all subscriptions.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    limit: usize,
    senders: Mutex<Vec<Sender>>,
    /// How many were dropped because they did not keep up.
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Sender {
    blocks: SyncSender<Arc<StoredBlock>>,
    missed: Arc<AtomicU64>,
}

/// The most blocks of one queue.
const MAX_CAPACITY: usize = 10_000;

/// Stands for no height in `missed`: no block has it, since there would be no next one.
const NONE: u64 = u64::MAX;

impl Subscription {
    /// Waits for the next block.
    ///
    /// # Errors
    ///
    /// [`NoBlock`] if none comes.
    pub fn next(&self, timeout: Duration) -> Result<Arc<StoredBlock>, NoBlock> {
        match self.blocks.recv_timeout(timeout) {
            Ok(block) => Ok(block),
            Err(RecvTimeoutError::Timeout) => Err(NoBlock::Timeout),
            Err(RecvTimeoutError::Disconnected) => match self.missed.load(Ordering::Acquire) {
                NONE => Err(NoBlock::ShutDown),
                height => Err(NoBlock::TooSlow { height }),
            },
        }
    }
}

impl Sender {
    /// Whether the subscription is still there, which shares the number.
    fn is_read(&self) -> bool {
        Arc::strong_count(&self.missed) > 1
    }
}

impl Subscriptions {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            senders: Mutex::new(Vec::new()),
            dropped: AtomicU64::new(0),
        }
    }

    /// A subscription whose queue has so many blocks. `None` if there are too many.
    pub(crate) fn add(&self, capacity: usize) -> Option<Subscription> {
        let mut senders = self.senders();
        senders.retain(Sender::is_read);
        if senders.len() >= self.limit {
            return None;
        }
        // A queue without room would take a block only while its subscriber waits. The memory of a
        // queue is taken in advance.
        let (blocks, queue) = sync_channel(capacity.clamp(1, MAX_CAPACITY));
        let missed = Arc::new(AtomicU64::new(NONE));
        senders.push(Sender {
            blocks,
            missed: Arc::clone(&missed),
        });
        Some(Subscription {
            blocks: queue,
            missed,
        })
    }

    /// Hands a block to everyone, and forgets those that are gone or too slow.
    pub(crate) fn publish(&self, block: &Arc<StoredBlock>) {
        self.senders()
            .retain(|sender| match sender.blocks.try_send(Arc::clone(block)) {
                Ok(()) => true,
                Err(TrySendError::Disconnected(_)) => false,
                Err(TrySendError::Full(_)) => {
                    sender.missed.store(block.header.height, Ordering::Release);
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    false
                }
            });
    }

    /// Ends all subscriptions, after what their queues have.
    pub(crate) fn close(&self) {
        self.senders().clear();
    }

    pub(crate) fn count(&self) -> usize {
        self.senders()
            .iter()
            .filter(|sender| sender.is_read())
            .count()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn senders(&self) -> MutexGuard<'_, Vec<Sender>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
