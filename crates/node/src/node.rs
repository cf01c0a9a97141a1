//! The node: a chain, what waits for it, and who wants to know of it.
//!
//! [`Node::committed`] is the seam to whatever makes the blocks: the producer of this crate, or a
//! consensus engine. It brings the mempool up to date, and hands the block to a thread that
//! indexes and announces it. A subscriber finds the block in the index. A look-up of a block that
//! is not in the index yet waits for that.

mod follower;
mod producer;
mod reads;
mod simulation;
mod submission;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use fusee_chain::{Chain, StoredBlock};
use fusee_contract::Address;
use fusee_engine::Gas;
use fusee_state::StateReader;

use crate::{
    Clock, Index, Mempool, MempoolLimits, Metrics, NodeError, SelfCheck, Subscription,
    mempool_file, metrics::Counters, subscriptions::Subscriptions, watches::Watches,
};

pub use reads::EventEntry;
pub use simulation::{Simulated, Simulation, Tracing};

/// The folder of the index.
const INDEX: &str = "index";

/// How many blocks wait to be indexed and announced before a commit waits for that.
const UNANNOUNCED: usize = 64;

/// Of a block with so few transactions, those who wait for one are told before it is indexed: to
/// find their transactions takes no longer than to wake the thread that indexes.
const FEW: usize = 32;

/// Who makes blocks, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Production {
    /// This node, a block for each transaction, as soon as it is there.
    Each,
    /// This node, a block in each interval, with or without transactions.
    Every(Duration),
    /// This node, when [`Node::produce`] is called.
    ByHand,
    /// Another program, which calls [`Node::committed`].
    Elsewhere,
}

/// What a node is started with.
#[derive(Debug)]
#[non_exhaustive]
pub struct NodeOptions {
    /// The data folder, in which the node has its index and, while it does not run, what waited.
    pub folder: PathBuf,
    /// Who makes blocks (default: this node, for each transaction).
    pub production: Production,
    /// The account of the proposer in blocks that this node makes (default: 32 bytes 0).
    pub proposer: Address,
    /// The clock for their times (default: that of the operating system).
    pub clock: Clock,
    /// The bounds of the mempool.
    pub mempool: MempoolLimits,
    /// Maximum gas limit of a query (default: 1,000,000,000).
    pub query_gas: Gas,
    /// Maximum number of callers that wait for transactions (default: 10,000).
    pub watches: usize,
    /// Maximum number of subscriptions (default: 1,000).
    pub subscriptions: usize,
    /// Executes some blocks again on another engine (default: none).
    pub self_check: Option<SelfCheck>,
}

impl NodeOptions {
    /// The defaults for a data folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            production: Production::Each,
            proposer: Address::new([0; 32]),
            clock: Clock::system(),
            mempool: MempoolLimits::default(),
            query_gas: Gas::new(1_000_000_000),
            watches: 10_000,
            subscriptions: 1_000,
            self_check: None,
        }
    }
}

/// A node on one chain. It can be shared between threads. Dropping it shuts it down.
#[derive(Debug)]
pub struct Node {
    shared: Arc<Shared>,
    producer: Mutex<Option<JoinHandle<()>>>,
    follower: Mutex<Option<JoinHandle<()>>>,
}

/// What the threads of a node share.
#[derive(Debug)]
struct Shared {
    chain: Arc<Chain>,
    options: NodeOptions,
    mempool: Mempool,
    index: Index,
    watches: Arc<Watches>,
    subscriptions: Subscriptions,
    counters: Counters,
    /// Held while a block is made and committed.
    producing: Mutex<()>,
    /// Wakes the producer. `None` if there is none, or no more.
    wake: Mutex<Option<SyncSender<()>>>,
    /// To the follower. `None` once the node has shut down.
    to_follower: Mutex<Option<SyncSender<Arc<StoredBlock>>>>,
    is_closing: AtomicBool,
    /// Why the producer has stopped.
    failure: Mutex<Option<Arc<NodeError>>>,
}

impl Node {
    /// Starts a node: brings its index up to date, takes back what waited when it was shut down,
    /// and starts its threads.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the chain or the index cannot be read or written, the program does not have
    /// the rules of the next height, or the operating system has no thread.
    pub fn start(chain: Arc<Chain>, options: NodeOptions) -> Result<Self, NodeError> {
        let index = Index::open(&options.folder.join(INDEX), &chain)?;
        let state: Arc<dyn StateReader> = Arc::new(chain.version(None)?);
        let mempool = Mempool::new(chain.ledger().clone(), state, options.mempool)?;
        for transaction in mempool_file::read(&options.folder)? {
            // What is rejected now has expired, or was included meanwhile.
            let _ = mempool.add(transaction)?;
        }
        mempool_file::remove(&options.folder)?;
        let (to_follower, blocks) = sync_channel(UNANNOUNCED);
        let production = options.production;
        let shared = Arc::new(Shared {
            watches: Watches::new(options.watches),
            subscriptions: Subscriptions::new(options.subscriptions),
            counters: Counters::default(),
            producing: Mutex::default(),
            wake: Mutex::default(),
            to_follower: Mutex::new(Some(to_follower)),
            is_closing: AtomicBool::new(false),
            failure: Mutex::default(),
            chain,
            options,
            mempool,
            index,
        });
        let follower = {
            let shared = Arc::clone(&shared);
            named("follow", move || follower::run(&shared, blocks))?
        };
        // From here on, dropping the node ends its threads.
        let node = Self {
            shared,
            producer: Mutex::default(),
            follower: Mutex::new(Some(follower)),
        };
        if matches!(production, Production::Each | Production::Every(_)) {
            let (wake, woken) = sync_channel(1);
            // For what waited before.
            let _ = wake.try_send(());
            *lock(&node.shared.wake) = Some(wake);
            let shared = Arc::clone(&node.shared);
            let producer = named("produce", move || {
                producer::run(&shared, production, &woken)
            })?;
            *lock(&node.producer) = Some(producer);
        }
        Ok(node)
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &Arc<Chain> {
        &self.shared.chain
    }

    /// The mempool, to read it.
    #[must_use]
    pub fn mempool(&self) -> &Mempool {
        &self.shared.mempool
    }

    /// Who makes blocks.
    #[must_use]
    pub fn production(&self) -> Production {
        self.shared.options.production
    }

    /// The greatest gas limit of a query.
    #[must_use]
    pub fn query_gas(&self) -> Gas {
        self.shared.options.query_gas
    }

    /// The self-check, if there is one.
    #[must_use]
    pub fn self_check(&self) -> Option<&SelfCheck> {
        self.shared.options.self_check.as_ref()
    }

    /// A block of the chain was committed. A consensus engine calls this after each commit, in the
    /// order of heights; for blocks that this node makes, it is called already. Waits only if many
    /// blocks are not indexed yet.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the state cannot be read, the program does not have the rules of the next
    /// height, or the node has shut down. The block is committed all the same.
    pub fn committed(&self, block: &Arc<StoredBlock>) -> Result<(), NodeError> {
        self.shared.committed(block)
    }

    /// Makes a block of what waits and commits it, also an empty one. Whatever makes blocks besides
    /// waits meanwhile.
    ///
    /// # Errors
    ///
    /// [`NodeError::ProducedElsewhere`] if this node makes no blocks. [`NodeError`] if the host
    /// fails.
    pub fn produce(&self) -> Result<Arc<StoredBlock>, NodeError> {
        self.shared.check_running()?;
        match self.shared.options.production {
            Production::Elsewhere => Err(NodeError::ProducedElsewhere),
            _ => self.shared.produce(),
        }
    }

    /// Subscribes to the blocks that are announced from now on. The queue has `capacity` blocks, 1
    /// to 10,000; a subscriber that leaves more of them unread is dropped.
    ///
    /// # Errors
    ///
    /// [`NodeError::TooManySubscriptions`].
    pub fn subscribe(&self, capacity: usize) -> Result<Subscription, NodeError> {
        self.shared.check_open()?;
        let limit = self.shared.options.subscriptions;
        let subscription = self.shared.subscriptions.add(capacity);
        subscription.ok_or(NodeError::TooManySubscriptions { limit })
    }

    /// Why the node has stopped making blocks, if it has.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<NodeError>> {
        lock(&self.shared.failure).clone()
    }

    /// The numbers of the node now.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }

    /// Shuts the node down: takes no more transactions, ends the block that is being made, indexes
    /// and announces what is committed, ends subscriptions and watches, and writes what still waits
    /// to the data folder, for the next start. The chain stays open.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if what waits cannot be written. Everything else is done all the same.
    pub fn shut_down(&self) -> Result<(), NodeError> {
        self.shared.is_closing.store(true, Ordering::Release);
        *lock(&self.shared.wake) = None;
        join(&self.producer);
        let is_first = {
            // After a block that is made by hand.
            let _producing = lock(&self.shared.producing);
            lock(&self.shared.to_follower).take().is_some()
        };
        join(&self.follower);
        self.shared.subscriptions.close();
        self.shared.watches.close();
        match is_first {
            true => mempool_file::write(&self.shared.options.folder, &self.shared.mempool),
            false => Ok(()),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Who wants to know of errors calls it before.
        let _ = self.shut_down();
    }
}

impl Shared {
    fn committed(&self, block: &Arc<StoredBlock>) -> Result<(), NodeError> {
        let count = u64::try_from(block.transactions.len()).unwrap_or(u64::MAX);
        self.counters.blocks.add(1);
        self.counters.transactions.add(count);
        self.counters.gas_used.add(block.header.gas_used.units());
        if let Some(check) = &self.options.self_check {
            check.offer(&self.chain, block);
        }
        let state: Arc<dyn StateReader> = Arc::new(self.chain.version(None)?);
        let dropped = self.mempool.committed(&block.transactions, state);
        if block.transactions.len() <= FEW {
            // Of an error, the follower tells.
            let _ = self.tell_included(block);
        }
        // Told of in any case: it is committed.
        let sender = lock(&self.to_follower).clone();
        let sent = sender.map(|sender| sender.send(Arc::clone(block)));
        self.tell_dropped(dropped?);
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(NodeError::ShuttingDown),
        }
    }

    fn check_open(&self) -> Result<(), NodeError> {
        match self.is_closing.load(Ordering::Acquire) {
            true => Err(NodeError::ShuttingDown),
            false => Ok(()),
        }
    }

    /// Checks that transactions can still become blocks.
    fn check_running(&self) -> Result<(), NodeError> {
        self.check_open()?;
        match &*lock(&self.failure) {
            Some(failure) => Err(NodeError::Failed(Arc::clone(failure))),
            None => Ok(()),
        }
    }

    fn metrics(&self) -> Metrics {
        let counters = &self.counters;
        let times = self.chain.times();
        Metrics {
            height: self.chain.store().head().map_or(0, |head| head.height),
            indexed_height: self.index.height(),
            blocks: counters.blocks.value(),
            transactions: counters.transactions.value(),
            gas_used: counters.gas_used.value(),
            execution: times.execution,
            commit: times.commit,
            mempool: self.mempool.size(),
            submitted: counters.submitted.value(),
            rejected: counters.rejected.value(),
            dropped: counters.dropped.value(),
            watches: self.watches.count(),
            subscriptions: self.subscriptions.count(),
            slow_subscriptions: self.subscriptions.dropped(),
            index_failures: counters.index_failures.value(),
            simulations: counters.simulations.value(),
            queries: counters.queries.value(),
        }
    }
}

/// Starts a thread, whose name profilers show.
fn named(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, NodeError> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map_err(NodeError::Thread)
}

fn join(thread: &Mutex<Option<JoinHandle<()>>>) {
    let thread = lock(thread).take();
    if let Some(thread) = thread {
        // A panic was printed.
        let _ = thread.join();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
