//! The announcer: one thread that reads the blocks of a node, converts each once, and hands it to
//! all subscribers, in order and without gaps.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
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
    sync::{OwnedSemaphorePermit, Semaphore, broadcast},
    time,
};

use super::{blocks, convert, failures, metrics::RpcMetrics};
use crate::{
    error::{ErrorKind, RpcError},
    types::TransactionDetail,
};

/// How many blocks a subscriber may be behind.
pub(super) const BEHIND: usize = 64;

/// How long it takes at most to notice that the server stops.
const SLICE: Duration = Duration::from_millis(200);

/// How long the server waits, when it stops, for subscribers that do not read.
const TELL: Duration = Duration::from_secs(2);

/// How long a last message takes, at most, from the subscription to the connection.
const HAND_ON: Duration = Duration::from_millis(100);

/// A block as its subscribers get it. An error is for all of them: the node cannot read its chain.
pub(super) type Announced = Result<Arc<Announcement>, RpcError>;

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

/// The blocks of a subscriber from a height on, and its place among all.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) blocks: broadcast::Receiver<Announced>,
    pub(super) next: u64,
    pub(super) _place: OwnedSemaphorePermit,
}

/// Hands the blocks of a node to the subscribers.
#[derive(Debug)]
pub(super) struct Announcer {
    blocks: Mutex<Option<broadcast::Sender<Announced>>>,
    places: Arc<Semaphore>,
    limit: usize,
    slow: AtomicU64,
    /// The height of the last block that was handed on.
    last: Arc<AtomicU64>,
    is_stopped: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread reads from and writes to.
struct Reader {
    node: Arc<Node>,
    sender: broadcast::Sender<Announced>,
    last: Arc<AtomicU64>,
    is_stopped: Arc<AtomicBool>,
}

impl Announcer {
    /// Begins to read the blocks of a node, for so many subscribers.
    pub(super) fn start(node: Arc<Node>, limit: usize) -> Result<Self, NodeError> {
        let (sender, _) = broadcast::channel(BEHIND);
        let is_stopped = Arc::new(AtomicBool::new(false));
        let subscription = node.subscribe(BEHIND)?;
        let last = Arc::new(AtomicU64::new(node.head().map_or(0, |head| head.height)));
        let reader = Reader {
            node,
            sender: sender.clone(),
            last: Arc::clone(&last),
            is_stopped: Arc::clone(&is_stopped),
        };
        let thread = thread::Builder::new().name("announce".to_owned());
        let thread = thread
            .spawn(move || reader.run(subscription))
            .map_err(NodeError::Thread)?;
        Ok(Self {
            blocks: Mutex::new(Some(sender)),
            places: Arc::new(Semaphore::new(limit)),
            limit,
            slow: AtomicU64::new(0),
            last,
            is_stopped,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The blocks from now on.
    pub(super) fn join(&self) -> Result<Joined, RpcError> {
        let limit = self.limit;
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| {
            RpcError::new(
                ErrorKind::LimitExceeded,
                format!("there are {limit} subscriptions, which is all that may be"),
                "ask again later, or call getBlocks or getEvents from time to time",
            )
            .with("limit", limit)
        })?;
        let blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let blocks = blocks.as_ref().ok_or_else(failures::shutting_down)?;
        Ok(Joined {
            // Before the height is read, so that it is not that of a later block.
            blocks: blocks.subscribe(),
            next: self.last.load(Ordering::Acquire).saturating_add(1),
            _place: place,
        })
    }

    /// A subscriber was ended because it did not keep up.
    pub(super) fn too_slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self, metrics: &mut RpcMetrics) {
        let taken = self.limit.saturating_sub(self.places.available_permits());
        metrics.subscriptions = convert::count(taken);
        metrics.slow_subscriptions = self.slow.load(Ordering::Relaxed);
    }

    /// Waits, for a bounded time, until each subscriber has its last message. Call it after
    /// [`stop`](Self::stop), and before connections close.
    pub(super) async fn all_told(&self) {
        let all = u32::try_from(self.limit).unwrap_or(u32::MAX);
        if self.places.available_permits() >= self.limit {
            return;
        }
        // An error says that a subscriber does not read. The server stops all the same.
        let _ = time::timeout(TELL, self.places.acquire_many(all)).await;
        // A permit is released just before jsonrpsee queues the last message on the connection, in
        // the same poll. It has no notification for that.
        time::sleep(HAND_ON).await;
    }

    /// Ends all subscriptions.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        *blocks = None;
        drop(blocks);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic has ended the announcements, and nothing else.
            let _ = thread.join();
        }
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
        let last = self.last.load(Ordering::Acquire);
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
        // Conversion takes time, and often nobody is subscribed.
        if self.sender.receiver_count() > 0 {
            self.send(announcement(&self.node, block).map(Arc::new));
        }
        self.last.store(block.header.height, Ordering::Release);
    }

    fn send(&self, announced: Announced) {
        // An error says that all have left.
        let _ = self.sender.send(announced);
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
