//! What a server is started with.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use fusee_ledger::Genesis;
use jsonrpsee::{Methods, RpcModule};

use super::relay::Relay;
use crate::{error::RpcError, types::BackedUp};

/// What a server is started with.
#[derive(Clone)]
#[non_exhaustive]
pub struct RpcOptions {
    /// The address of the public listener (default: 127.0.0.1:8645). Port 0: any free one.
    pub address: SocketAddr,
    /// The identity of genesis, which clients tell chains apart by.
    pub genesis: [u8; 32],
    /// The engine of the node, for people (default: empty).
    pub engine: String,
    /// The version of the software (default: that of this crate).
    pub version: String,
    /// Host names besides those of loopback and the listener that requests may be for, without a
    /// port (default: none).
    pub hosts: Vec<String>,
    /// Origins besides that of the server itself whose pages may call, such as
    /// `https://example.org` (default: none).
    pub origins: Vec<String>,
    /// Whether to serve the explorer (default: yes).
    pub explorer: bool,
    /// What clients may ask for.
    pub limits: Limits,
    /// The listener for operators (default: none).
    pub admin: Option<AdminOptions>,
    /// Hands a transaction to the consensus engine that makes the blocks, and returns why it did
    /// not take it (default: none). Without, transactions wait in the mempool of the node, which
    /// is refused if another program makes the blocks.
    pub relay: Option<Relay>,
}

/// Writes a backup to a folder, which must not exist.
pub type WriteBackup = dyn Fn(&Path) -> Result<BackedUp, RpcError> + Send + Sync;

/// The listener for operators.
#[derive(Clone)]
#[non_exhaustive]
pub struct AdminOptions {
    /// Its address (default: 127.0.0.1:8646). Port 0: any free one.
    pub address: SocketAddr,
    /// More methods, such as those of development chains (default: none).
    pub methods: Methods,
    /// The text of `GET /metrics` in the format OpenMetrics 1.0 (default: none, which answers 404).
    pub metrics: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    /// What `admin_backUp` does (default: nothing, and the method says so): writes a backup to a
    /// folder of this machine, beside the blocks that are made.
    pub back_up: Option<Arc<WriteBackup>>,
    /// What `admin_shutDown` does (default: nothing, and the method says so). It has to return at
    /// once.
    pub shut_down: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// What clients may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes of a request (default: 5 MiB).
    pub request_bytes: u32,
    /// The most bytes of an answer (default: 10 MiB).
    pub response_bytes: u32,
    /// The most calls in a batch (default: 50).
    pub batch: u32,
    /// The most connections (default: 512).
    pub connections: usize,
    /// The most connections of one client address (default: 64).
    pub connections_per_client: usize,
    /// The most subscriptions of a connection (default: 16).
    pub subscriptions: u32,
    /// The most subscriptions together (default: 1,000).
    pub all_subscriptions: usize,
    /// The most calls of a connection at the same time (default: 32).
    pub calls_per_connection: usize,
    /// How many calls a second one client address may make in the long run (default: 500).
    pub calls_per_second: u32,
    /// How many of them at once (default: 1,000).
    pub burst: u32,
    /// How many calls read or send at the same time (default: 4).
    pub readers: usize,
    /// How many queries and simulations run at the same time (default: half of the cores). Blocks
    /// have the others.
    pub executors: usize,
    /// How long a call may wait until it begins (default: 2 seconds).
    pub queue_time: Duration,
    /// How long a call may work, besides waiting for transactions (default: 10 seconds).
    pub call_time: Duration,
    /// How long a call may wait for a transaction (default: 60 seconds).
    pub wait_time: Duration,
    /// How many calls wait for transactions at the same time (default: 256).
    pub waiting: usize,
    /// How long a connection may be without progress: between requests, in the head or between the
    /// parts of a request, and while its client does not read (default: 30 seconds). A WebSocket
    /// may be idle as long as its client answers pings.
    pub idle_time: Duration,
    /// The most bytes of a trace in memory (default: 4 MiB).
    pub trace_bytes: usize,
}

impl RpcOptions {
    /// The defaults for the chain of a genesis.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 8645).into(),
            genesis: genesis.identity(),
            engine: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            hosts: Vec::new(),
            origins: Vec::new(),
            explorer: true,
            limits: Limits::default(),
            admin: None,
            relay: None,
        }
    }
}

impl Default for AdminOptions {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 8646).into(),
            methods: RpcModule::new(()).into(),
            metrics: None,
            back_up: None,
            shut_down: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 5 << 20,
            response_bytes: 10 << 20,
            batch: 50,
            connections: 512,
            connections_per_client: 64,
            subscriptions: 16,
            all_subscriptions: 1_000,
            calls_per_connection: 32,
            calls_per_second: 500,
            burst: 1_000,
            readers: 4,
            executors: half_of_the_cores(),
            queue_time: Duration::from_secs(2),
            call_time: Duration::from_secs(10),
            wait_time: Duration::from_secs(60),
            waiting: 256,
            idle_time: Duration::from_secs(30),
            trace_bytes: 4 << 20,
        }
    }
}

impl fmt::Debug for RpcOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcOptions")
            .field("address", &self.address)
            .field("limits", &self.limits)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AdminOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminOptions")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn half_of_the_cores() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.div_euclid(2).max(1)
}
