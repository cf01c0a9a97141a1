//! The announcer: one thread that reads the blocks of a node, converts each once, and hands it to
//! all subscribers, in order and without gaps. The last blocks are kept for those that are behind,
//! up to a number and a size.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use fusee_chain::StoredBlock;
use fusee_node::{NoBlock, Node, NodeError};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time,
};

use super::{blocks, convert, failures, metrics::RpcMetrics};
use crate::{
    error::{ErrorKind, RpcError},
    types::TransactionDetail,
};

/// How many blocks a subscriber may be behind.
pub(super) const BEHIND: usize = 64;

/// How many bytes of announced blocks are kept. One block may be larger.
pub(super) const KEPT_BYTES: usize = 64 << 20;

/// How long it takes at most to notice that the server stops.
const SLICE: Duration = Duration::from_millis(200);

/// How long the server waits, when it stops, for subscribers that do not read.
const TELL: Duration = Duration::from_secs(2);

/// How long a last message takes, at most, from the subscription to the connection.
const HAND_ON: Duration = Duration::from_millis(100);

/// A block in the forms that subscribers ask for, as JSON.
#[derive(Debug)]
pub(super) struct Announcement {
    pub(super) height: u64,
    pub(super) with_ids: Box<RawValue>,
    pub(super) in_full: Box<RawValue>,
    pub(super) events: Vec<AnnouncedEvent>,
}

/// An event of a block, and what filters look at.
#[derive(Debug)]
pub(super) struct AnnouncedEvent {
    pub(super) contract: [u8; 32],
    pub(super) topic: Option<Vec<u8>>,
    pub(super) json: Box<RawValue>,
}

impl Announcement {
    fn bytes(&self) -> usize {
        let events = self.events.iter().map(|event| event.json.get().len());
        let blocks = [&self.with_ids, &self.in_full].map(|block| block.get().len());
        events.chain(blocks).fold(0, usize::saturating_add)
    }
}

/// The place of a subscriber among all, and the next height that it gets.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) next: u64,
    last: watch::Receiver<Last>,
    _place: OwnedSemaphorePermit,
}

/// Why a subscriber gets no more blocks.
#[derive(Debug)]
pub(super) enum NoMore {
    /// The one at its height is not kept any more.
    TooSlow,
    /// The node cannot read its chain, or shuts down.
    Ended(RpcError),
}

/// The last height that was announced, or why no more can be.
type Last = Result<u64, RpcError>;

/// Hands the blocks of a node to the subscribers.
#[derive(Debug)]
pub(super) struct Announcer {
    /// `None` once it is stopped.
    last: Mutex<Option<watch::Sender<Last>>>,
    shared: Arc<Shared>,
    limit: usize,
    slow: AtomicU64,
    is_stopped: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread shares with the subscribers.
#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    places: Arc<Semaphore>,
    /// The number of places.
    limit: usize,
}

/// The announcements that subscribers may still ask for.
#[derive(Debug)]
struct Kept {
    /// The last block that was handed on, or that nobody was there for.
    last: u64,
    blocks: VecDeque<Arc<Announcement>>,
    bytes: usize,
}

/// What the thread reads from and writes to.
struct Reader {
    node: Arc<Node>,
    sender: watch::Sender<Last>,
    shared: Arc<Shared>,
    is_stopped: Arc<AtomicBool>,
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody has joined. Only while `kept` is locked does it stay so that nobody has.
    fn is_empty(&self) -> bool {
        self.places.available_permits() >= self.limit
    }
}

impl Kept {
    /// Adds the next block, and forgets those for which there is no room any more.
    fn push(&mut self, block: Announcement) {
        self.last = block.height;
        self.bytes = self.bytes.saturating_add(block.bytes());
        self.blocks.push_back(Arc::new(block));
        while self.blocks.len() > BEHIND || (self.bytes > KEPT_BYTES && self.blocks.len() > 1) {
            let oldest = self.blocks.pop_front();
            let bytes = oldest.map_or(0, |block| block.bytes());
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    /// Nobody is there for a block.
    fn skip(&mut self, height: u64) {
        *self = Self {
            last: height,
            blocks: VecDeque::new(),
            bytes: 0,
        };
    }

    fn at(&self, height: u64) -> Option<Arc<Announcement>> {
        let mut blocks = self.blocks.iter();
        blocks.find(|block| block.height == height).map(Arc::clone)
    }
}

impl Announcer {
    /// Begins to read the blocks of a node, for so many subscribers.
    pub(super) fn start(node: Arc<Node>, limit: usize) -> Result<Self, NodeError> {
        let subscription = node.subscribe(BEHIND)?;
        let height = node.head().map_or(0, |head| head.height);
        let shared = Arc::new(Shared {
            kept: Mutex::new(Kept {
                last: height,
                blocks: VecDeque::new(),
                bytes: 0,
            }),
            places: Arc::new(Semaphore::new(limit)),
            limit,
        });
        let (sender, _) = watch::channel(Ok(height));
        let is_stopped = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            node,
            sender: sender.clone(),
            shared: Arc::clone(&shared),
            is_stopped: Arc::clone(&is_stopped),
        };
        let thread = thread::Builder::new().name("announce".to_owned());
        let thread = thread
            .spawn(move || reader.run(subscription))
            .map_err(NodeError::Thread)?;
        Ok(Self {
            last: Mutex::new(Some(sender)),
            shared,
            limit,
            slow: AtomicU64::new(0),
            is_stopped,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The blocks from now on.
    pub(super) fn join(&self) -> Result<Joined, RpcError> {
        let limit = self.limit;
        let place = Arc::clone(&self.shared.places).try_acquire_owned();
        let place = place.map_err(|_| {
            RpcError::new(
                ErrorKind::LimitExceeded,
                format!("there are {limit} subscriptions, which is all that may be"),
                "ask again later, or call getBlocks or getEvents from time to time",
            )
            .with("limit", limit)
        })?;
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.as_ref().ok_or_else(failures::shutting_down)?;
        Ok(Joined {
            last: last.subscribe(),
            // After the place is taken: from here on, no block is skipped.
            next: self.shared.kept().last.saturating_add(1),
            _place: place,
        })
    }

    /// Waits for the next block of a subscriber.
    pub(super) async fn next(&self, joined: &mut Joined) -> Result<Arc<Announcement>, NoMore> {
        loop {
            let last = joined.last.borrow_and_update().clone();
            match last {
                Err(error) => return Err(NoMore::Ended(error)),
                Ok(last) if last >= joined.next => {
                    return self.shared.kept().at(joined.next).ok_or(NoMore::TooSlow);
                }
                Ok(_) => {}
            }
            let changed = joined.last.changed().await;
            changed.map_err(|_| NoMore::Ended(failures::shutting_down()))?;
        }
    }

    /// A subscriber was ended because it did not keep up.
    pub(super) fn too_slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self, metrics: &mut RpcMetrics) {
        let free = self.shared.places.available_permits();
        let taken = self.limit.saturating_sub(free);
        metrics.subscriptions = convert::count(taken);
        metrics.slow_subscriptions = self.slow.load(Ordering::Relaxed);
    }

    /// Waits, for a bounded time, until each subscriber has its last message. Call it after
    /// [`stop`](Self::stop), and before connections close.
    pub(super) async fn all_told(&self) {
        let all = u32::try_from(self.limit).unwrap_or(u32::MAX);
        if self.shared.is_empty() {
            return;
        }
        // An error says that a subscriber does not read. The server stops all the same.
        let _ = time::timeout(TELL, self.shared.places.acquire_many(all)).await;
        // A permit is released just before jsonrpsee queues the last message on the connection, in
        // the same poll. It has no notification for that.
        time::sleep(HAND_ON).await;
    }

    /// Ends all subscriptions.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = None;
        drop(last);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic has ended the announcements, and nothing else.
            let _ = thread.join();
        }
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Reader {
    fn run(&self, mut subscription: fusee_node::Subscription) {
        while !self.is_stopped.load(Ordering::Acquire) {
            match subscription.next(SLICE) {
                Ok(block) => self.announce(&block),
                Err(NoBlock::Timeout) => {}
                // The next block makes up for those that were missed.
                Err(NoBlock::TooSlow { .. }) => match self.node.subscribe(BEHIND) {
                    Ok(anew) => subscription = anew,
                    Err(NodeError::TooManySubscriptions { .. }) => thread::sleep(SLICE),
                    Err(_) => return,
                },
                Err(_) => return,
            }
        }
    }

    /// Hands on a block, and before it those between the last one and it.
    fn announce(&self, block: &StoredBlock) {
        let last = self.shared.kept().last;
        for missing in last.saturating_add(1)..block.header.height {
            match self.node.block(missing) {
                Ok(block) => self.hand_on(&block),
                Err(error) => self.send(Err(error.into())),
            }
        }
        if block.header.height > last {
            self.hand_on(block);
        }
    }

    fn hand_on(&self, block: &StoredBlock) {
        let height = block.header.height;
        // Conversion takes time, and often nobody is subscribed.
        let mut kept = self.shared.kept();
        if self.shared.is_empty() {
            kept.skip(height);
            return;
        }
        drop(kept);
        let announced = announcement(&self.node, block).map(|block| {
            self.shared.kept().push(block);
            height
        });
        self.send(announced);
    }

    fn send(&self, last: Last) {
        // Also if nobody is subscribed.
        let _ = self.sender.send_replace(last);
    }
}

fn announcement(node: &Node, block: &StoredBlock) -> Result<Announcement, RpcError> {
    let mut answer = blocks::answer(node, block, TransactionDetail::Full)?;
    let in_full = json(&answer)?;
    answer.transactions = None;
    let events = node.events_of(block)?;
    let events = events.into_iter().map(|entry| {
        Ok(AnnouncedEvent {
            contract: *entry.event.address.as_bytes(),
            json: json(&convert::event_entry(&entry))?,
            topic: entry.event.topics.into_iter().next(),
        })
    });
    Ok(Announcement {
        height: block.header.height,
        with_ids: json(&answer)?,
        in_full,
        events: events.collect::<Result<_, RpcError>>()?,
    })
}

fn json(value: &impl Serialize) -> Result<Box<RawValue>, RpcError> {
    to_raw_value(value).map_err(|error| failures::internal(&error))
}

#[cfg(test)]
mod tests;
