//! Subscriptions to blocks and events.
//!
//! One thread reads the blocks of the node, and hands each to all subscribers. A subscriber that
//! does not keep up is ended with the height that it missed.

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
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionMessage, SubscriptionSink,
    core::{RegisterMethodError, SubscriptionError},
    types::ErrorObjectOwned,
};
use serde::Serialize;
use tokio::sync::{
    Semaphore,
    broadcast::{self, error::RecvError},
};

use super::{calls, context::Context, convert, metrics::RpcMetrics};
use crate::{
    error::{ErrorKind, RpcError},
    methods::{Subscribe, SubscribeBlocks, SubscribeEvents},
    types::EventEntry,
};

/// How many blocks a subscriber may be behind.
const BEHIND: usize = 64;

/// How long it takes at most to notice that the server stops.
const SLICE: Duration = Duration::from_millis(200);

/// Hands the blocks of a node to the subscribers.
#[derive(Debug)]
pub(super) struct Announcer {
    blocks: Mutex<Option<broadcast::Sender<Arc<StoredBlock>>>>,
    places: Arc<Semaphore>,
    limit: usize,
    slow: AtomicU64,
    is_stopped: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Announcer {
    /// Begins to read the blocks of a node, for so many subscribers.
    pub(super) fn start(node: Arc<Node>, limit: usize) -> Result<Self, NodeError> {
        let (sender, _) = broadcast::channel(BEHIND);
        let is_stopped = Arc::new(AtomicBool::new(false));
        let subscription = node.subscribe(BEHIND)?;
        let last = node.head().map_or(0, |head| head.height);
        let thread = {
            let (sender, is_stopped) = (sender.clone(), Arc::clone(&is_stopped));
            let read = move || read(&node, (subscription, last), &sender, &is_stopped);
            let thread = thread::Builder::new()
                .name("announce".to_owned())
                .spawn(read);
            thread.map_err(NodeError::Thread)?
        };
        Ok(Self {
            blocks: Mutex::new(Some(sender)),
            places: Arc::new(Semaphore::new(limit)),
            limit,
            slow: AtomicU64::new(0),
            is_stopped,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The blocks from now on. `None` once the server stops.
    fn subscribe(&self) -> Option<broadcast::Receiver<Arc<StoredBlock>>> {
        let blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.as_ref().map(broadcast::Sender::subscribe)
    }

    pub(super) fn count(&self, metrics: &mut RpcMetrics) {
        let taken = self.limit.saturating_sub(self.places.available_permits());
        metrics.subscriptions = convert::count(taken);
        metrics.slow_subscriptions = self.slow.load(Ordering::Relaxed);
    }

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

/// Reads the blocks after the one of height `last`, each once, in order.
fn read(
    node: &Node,
    (mut subscription, mut last): (fusee_node::Subscription, u64),
    sender: &broadcast::Sender<Arc<StoredBlock>>,
    is_stopped: &AtomicBool,
) {
    while !is_stopped.load(Ordering::Acquire) {
        match subscription.next(SLICE) {
            Ok(block) => announce(node, &block, &mut last, sender),
            Err(NoBlock::Timeout) => {}
            // The next block makes up for those that were missed.
            Err(NoBlock::TooSlow { .. }) => match node.subscribe(BEHIND) {
                Ok(anew) => subscription = anew,
                Err(NodeError::TooManySubscriptions { .. }) => thread::sleep(SLICE),
                Err(_) => return,
            },
            Err(_) => return,
        }
    }
}

/// Hands on a block, and before it those between the last one and it.
fn announce(
    node: &Node,
    block: &Arc<StoredBlock>,
    last: &mut u64,
    sender: &broadcast::Sender<Arc<StoredBlock>>,
) {
    let height = block.header.height;
    for missing in last.saturating_add(1)..height {
        if let Ok(block) = node.block(missing) {
            // Nobody may be subscribed.
            let _ = sender.send(Arc::new(block));
        }
    }
    if height > *last {
        let _ = sender.send(Arc::clone(block));
        *last = height;
    }
}

/// Registers the subscriptions.
pub(super) fn register(module: &mut RpcModule<Context>) -> Result<(), RegisterMethodError> {
    add(
        module,
        |context: &Context, params: &SubscribeBlocks, block| {
            Ok(vec![context.convert(block, params.transactions)?])
        },
    )?;
    add(
        module,
        |context: &Context, params: &SubscribeEvents, block| context.events_of(block, params),
    )
}

fn add<S, F>(module: &mut RpcModule<Context>, items: F) -> Result<(), RegisterMethodError>
where
    S: Subscribe,
    F: Fn(&Context, &S, &StoredBlock) -> Result<Vec<S::Item>, RpcError>
        + Clone
        + Send
        + Sync
        + 'static,
{
    module.register_subscription(
        S::SUBSCRIBE,
        S::NOTIFICATION,
        S::UNSUBSCRIBE,
        move |params, pending, context, extensions| {
            let items = items.clone();
            async move {
                let call = calls::Call::begin(&context, S::SUBSCRIBE);
                let admitted = calls::admit(&context, &extensions)
                    .and_then(|_| Ok((calls::parse::<S>(&params)?, context.join()?)));
                let (params, (blocks, _place)) = match call.end(admitted) {
                    Ok(admitted) => admitted,
                    Err(error) => {
                        pending.reject(ErrorObjectOwned::from(error)).await;
                        return Ok(());
                    }
                };
                let params = Arc::new(params);
                let items =
                    move |context: &Context, block: &StoredBlock| items(context, &params, block);
                deliver(&context, pending, blocks, items).await
            }
        },
    )?;
    Ok(())
}

/// Sends what is of each block, until the client or the server ends it.
async fn deliver<T: Serialize + Send + 'static>(
    context: &Arc<Context>,
    pending: PendingSubscriptionSink,
    mut blocks: broadcast::Receiver<Arc<StoredBlock>>,
    items: impl Fn(&Context, &StoredBlock) -> Result<Vec<T>, RpcError> + Clone + Send + 'static,
) -> Result<(), SubscriptionError> {
    let Ok(sink) = pending.accept().await else {
        return Ok(());
    };
    let mut next = None;
    loop {
        let received = tokio::select! {
            received = blocks.recv() => received,
            () = sink.closed() => return Ok(()),
        };
        let block = match received {
            Ok(block) => block,
            Err(RecvError::Closed) => return Err(ended(&shutting_down())),
            Err(RecvError::Lagged(_)) => {
                context.announcer.slow.fetch_add(1, Ordering::Relaxed);
                return Err(ended(&too_slow(next)));
            }
        };
        next = Some(block.header.height.saturating_add(1));
        let items = items.clone();
        let converted = context.work(move |context, _| items(context, &block)).await;
        let converted = converted.map_err(|error| ended(&error))?;
        if !send(&sink, &converted).await? {
            return Ok(());
        }
    }
}

/// Whether the subscriber is still there.
async fn send<T: Serialize>(
    sink: &SubscriptionSink,
    items: &[T],
) -> Result<bool, SubscriptionError> {
    for item in items {
        let text = serde_json::value::to_raw_value(item)?;
        if sink.send(SubscriptionMessage::from(text)).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn shutting_down() -> RpcError {
    let message = "the node is shutting down";
    RpcError::new(
        ErrorKind::ShuttingDown,
        message,
        "subscribe anew when it is back",
    )
}

fn too_slow(next: Option<u64>) -> RpcError {
    let error = RpcError::new(
        ErrorKind::TooSlow,
        format!("the subscriber was more than {BEHIND} blocks behind"),
        "read the blocks from this height on, and subscribe anew",
    );
    match next {
        Some(height) => error.with("height", height),
        None => error,
    }
}

/// The last notification of a subscription, as text with the error.
fn ended(error: &RpcError) -> SubscriptionError {
    let object = ErrorObjectOwned::from(error.clone());
    let text = serde_json::value::to_raw_value(&object);
    text.map_or_else(|error| error.into(), SubscriptionError::from_json)
}

/// The blocks of a subscriber, and its place among all.
type Joined = (
    broadcast::Receiver<Arc<StoredBlock>>,
    tokio::sync::OwnedSemaphorePermit,
);

impl Context {
    fn join(&self) -> Result<Joined, RpcError> {
        let limit = self.announcer.limit;
        let place = Arc::clone(&self.announcer.places).try_acquire_owned();
        let place = place.map_err(|_| {
            RpcError::new(
                ErrorKind::LimitExceeded,
                format!("there are {limit} subscriptions, which is all that may be"),
                "ask again later, or call getBlocks or getEvents from time to time",
            )
            .with("limit", limit)
        })?;
        let blocks = self.announcer.subscribe().ok_or_else(shutting_down)?;
        Ok((blocks, place))
    }

    fn events_of(
        &self,
        block: &StoredBlock,
        filter: &SubscribeEvents,
    ) -> Result<Vec<EventEntry>, RpcError> {
        let entries = self.node.events_of(block)?;
        let entries = entries.iter().filter(|entry| {
            let event = &entry.event;
            let topic = event.topics.first();
            filter
                .address
                .is_none_or(|it| it.0 == *event.address.as_bytes())
                && filter.topic.as_ref().is_none_or(|it| Some(&it.0) == topic)
        });
        Ok(entries.map(convert::event_entry).collect())
    }
}
