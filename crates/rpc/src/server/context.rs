//! What the handlers share, and how they work: on a bounded number of threads, for a bounded time,
//! and no longer than their client waits.
//!
//! What takes microseconds is done by the thread that serves the connection: handing it over to
//! another one takes as long again. One of these threads is always left to the others.

use std::{
    any::Any,
    net::{IpAddr, Ipv6Addr},
    panic::{self, AssertUnwindSafe},
    sync::{Arc, atomic::AtomicUsize},
    thread,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use fusee_engine::Interrupt;
use fusee_node::{InBlock, Node, NotIncluded, Watch};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde_json::value::{RawValue, to_raw_value};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task, time,
};

use super::{
    announcer::Announcer,
    failures,
    metrics::Counters,
    options::{Limits, RpcOptions},
    unsent::Unsent,
};
use crate::{
    error::{ErrorKind, RpcError},
    openrpc,
};

/// How many calls hand a transaction to a consensus engine at the same time.
pub(super) const RELAYERS: usize = 4;

/// What the handlers of a server share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) node: Arc<Node>,
    pub(super) options: RpcOptions,
    pub(super) counters: Arc<Counters>,
    pub(super) announcer: Announcer,
    /// The bytes of answers that are not sent yet.
    pub(super) unsent: Arc<AtomicUsize>,
    /// The OpenRPC document, serialised once: each answer is a copy.
    pub(super) document: Box<RawValue>,
    /// The same as text.
    pub(super) document_text: Bytes,
    /// One for each thread that serves connections, but for one.
    servers: Semaphore,
    /// One for each call that reads or sends.
    readers: Arc<Semaphore>,
    /// One for each call that executes.
    executors: Arc<Semaphore>,
    /// One for the call that looks at the node itself.
    lookers: Arc<Semaphore>,
    /// One for each call that hands a transaction to a consensus engine.
    relayers: Arc<Semaphore>,
    /// One for each call that waits for a transaction.
    waiting: Arc<Semaphore>,
    /// One for the backup that is written.
    backups: Arc<Semaphore>,
    rates: DefaultKeyedRateLimiter<IpAddr>,
    is_closing: watch::Sender<bool>,
}

/// A client, as its connection has it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// One for each call of the connection.
    pub(super) calls: Arc<Semaphore>,
    /// What the connection has to send.
    pub(super) unsent: Arc<Unsent>,
    /// Whether it may call as often as it wants: on the listener for operators.
    pub(super) is_operator: bool,
}

/// The address that limits count: of IPv6 the network of 64 bits, of which a client has all.
pub(super) fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address => address,
    }
}

/// Triggers an interrupt when it is dropped: when the client leaves, or the time is over.
struct Cancels(Interrupt);

impl Drop for Cancels {
    fn drop(&mut self) {
        self.0.trigger();
    }
}

impl Context {
    pub(super) fn new(node: Arc<Node>, options: RpcOptions, announcer: Announcer) -> Self {
        let limits = options.limits;
        let rate = |count| std::num::NonZeroU32::new(count).unwrap_or(std::num::NonZeroU32::MIN);
        let quota = Quota::per_second(rate(limits.calls_per_second));
        Self {
            node,
            counters: Arc::default(),
            announcer,
            unsent: Arc::default(),
            // A `Value` can always be serialised.
            document: to_raw_value(&openrpc::document())
                .unwrap_or_else(|_| RawValue::NULL.to_owned()),
            document_text: openrpc::text().into(),
            servers: Semaphore::new(servers().saturating_sub(1)),
            readers: Arc::new(Semaphore::new(limits.readers)),
            executors: Arc::new(Semaphore::new(limits.executors)),
            lookers: Arc::new(Semaphore::new(1)),
            relayers: Arc::new(Semaphore::new(RELAYERS)),
            waiting: Arc::new(Semaphore::new(limits.waiting)),
            backups: Arc::new(Semaphore::new(1)),
            rates: RateLimiter::keyed(quota.allow_burst(rate(limits.burst))),
            is_closing: watch::Sender::new(false),
            options,
        }
    }

    /// Counts a request or a call of a client.
    ///
    /// # Errors
    ///
    /// If it makes too many.
    pub(super) fn admit(&self, peer: &Peer) -> Result<(), RpcError> {
        // Clients of the public listener cannot use up what operators need, who may have the same
        // address: that of a proxy.
        if peer.is_operator {
            return Ok(());
        }
        let client = peer.address;
        match self.rates.check_key(&client) {
            Ok(()) => Ok(()),
            Err(_) => {
                let limit = self.options.limits.calls_per_second;
                Err(RpcError::new(
                    ErrorKind::TooManyRequests,
                    format!("more than {limit} calls a second from {client}"),
                    "call more slowly, or subscribe instead of asking again",
                )
                .with("calls_per_second", limit))
            }
        }
    }

    /// Forgets the clients that have not called for a while.
    pub(super) fn forget_idle_clients(&self) {
        self.rates.retain_recent();
        self.rates.shrink_to_fit();
    }

    /// As [`work`](Self::work), on the thread of the connection if the work takes microseconds:
    /// reads a few keys, or sends what is small. While all of these threads but one do such work,
    /// it is handed over nevertheless.
    pub(super) async fn work_here_if<T: Send + 'static>(
        self: &Arc<Self>,
        takes_microseconds: bool,
        work: impl FnOnce(&Context) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        // Not held while it is handed over.
        if takes_microseconds && let Ok(_permit) = self.servers.try_acquire() {
            let worked = panic::catch_unwind(AssertUnwindSafe(|| work(self)));
            return worked.map_err(|panic| fault(&what(&*panic)))?;
        }
        self.work(|context, _| work(context)).await
    }

    /// Reads or sends, on a thread that may block. The interrupt is triggered when the client
    /// leaves, and when the call has taken too long.
    pub(super) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Context, &Interrupt) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        self.work_among(&self.readers, work).await
    }

    /// Executes code of contracts. As [`work`](Self::work), among other calls: those that read and
    /// send do not wait for these.
    pub(super) async fn execute<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Context, &Interrupt) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        self.work_among(&self.executors, work).await
    }

    /// Hands something to a consensus engine. As [`work`](Self::work), among other calls: those
    /// that read do not wait for an engine that does not answer.
    pub(super) async fn relay<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Context, &Interrupt) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        self.work_among(&self.relayers, work).await
    }

    /// Looks at the node itself. As [`work`](Self::work), among no other calls, since it takes no
    /// time: for those who have to know whether the node is there while it has much to do.
    pub(super) async fn look<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Context, &Interrupt) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        self.work_among(&self.lookers, work).await
    }

    async fn work_among<T: Send + 'static>(
        self: &Arc<Self>,
        workers: &Arc<Semaphore>,
        work: impl FnOnce(&Context, &Interrupt) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        let Limits {
            queue_time,
            call_time,
            ..
        } = self.options.limits;
        let permit = Arc::clone(workers).acquire_owned();
        let Ok(Ok(permit)) = time::timeout(queue_time, permit).await else {
            return Err(busy(queue_time));
        };
        let interrupt = Interrupt::new();
        let _cancels = Cancels(interrupt.clone());
        let context = Arc::clone(self);
        let mut working = task::spawn_blocking(move || {
            // Held as long as it works, also if nobody waits for it.
            let _permit = permit;
            if interrupt.is_triggered() {
                return Err(failures::timeout());
            }
            match work(&context, &interrupt) {
                Err(_) if interrupt.is_triggered() => Err(failures::timeout()),
                worked => worked,
            }
        });
        match time::timeout(call_time, &mut working).await {
            Ok(ended) => ended.map_err(|error| panicked(&error))?,
            Err(_) => Err(failures::timeout()),
        }
    }

    /// Writes a backup on a thread of its own, for as long as it takes. One at a time.
    pub(super) async fn back_up<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        let Ok(place) = Arc::clone(&self.backups).try_acquire_owned() else {
            return Err(RpcError::new(
                ErrorKind::Busy,
                "another backup is being written",
                "ask again when it is complete",
            ));
        };
        let working = task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        working.await.map_err(|error| panicked(&error))?
    }

    /// A place among those who wait for transactions.
    pub(super) fn waiter(&self) -> Result<OwnedSemaphorePermit, RpcError> {
        let limit = self.options.limits.waiting;
        let place = Arc::clone(&self.waiting).try_acquire_owned();
        place.map_err(|_| {
            RpcError::new(
                ErrorKind::Busy,
                format!("{limit} callers wait for transactions, which is all that may"),
                "use sendTransaction, and ask for the transaction by its id",
            )
            .with("limit", limit)
        })
    }

    /// Waits for a transaction: for a time, and until the server stops.
    pub(super) async fn wait(
        &self,
        (time, _place): (Duration, OwnedSemaphorePermit),
        watch: Watch,
    ) -> Result<InBlock, NotIncluded> {
        let mut is_closing = self.is_closing.subscribe();
        tokio::select! {
            biased;
            end = watch => end,
            () = time::sleep(time) => Err(NotIncluded::Timeout),
            _ = is_closing.wait_for(|is_closing| *is_closing) => Err(NotIncluded::Timeout),
        }
    }

    /// Ends those who wait for transactions.
    pub(super) fn close(&self) {
        self.is_closing.send_replace(true);
    }
}

/// The threads that serve connections: one for each core, and one that is left.
pub(super) fn servers() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.saturating_add(1)
}

/// What a panic says.
fn what(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it panicked".to_owned())
}

fn panicked(error: &task::JoinError) -> RpcError {
    fault(&error.to_string())
}

fn fault(what: &str) -> RpcError {
    RpcError::new(
        ErrorKind::Internal,
        format!("the call was ended by a fault of the node: {what}"),
        "tell the operator of the node",
    )
}

fn busy(waited: Duration) -> RpcError {
    RpcError::new(
        ErrorKind::Busy,
        format!("the node has too much to do: the call could not begin within {waited:?}"),
        "ask again later",
    )
}

/// The clock of latencies and timeouts.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a call may take is no part of what it answers"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
