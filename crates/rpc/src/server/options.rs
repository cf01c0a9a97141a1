//! What a server is started with.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use axum::http::{Uri, uri::Authority};
use fusee_ledger::Genesis;
use jsonrpsee::{Methods, RpcModule};
use thiserror::Error;

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
    /// The most bytes of a request (default: 6 MiB, since the largest program of a contract has 2.5
    /// MiB, and two digits a byte).
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
    /// The most bytes of the answers and notifications of one client address that are not sent yet
    /// (default: 128 MiB).
    pub unsent_per_client: usize,
    /// The most bytes of all of them together (default: 512 MiB).
    pub unsent: usize,
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
    /// How long a call may work, besides waiting for transactions (default: 10 seconds). A relay
    /// has to have answered by then.
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

/// An option that no server can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{option} `{value}`: {reason}")]
pub struct InvalidOption {
    /// Which one, as a field of [`RpcOptions`].
    pub option: &'static str,
    /// What it is.
    pub value: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl InvalidOption {
    fn new(option: &'static str, value: impl fmt::Display, reason: &'static str) -> Self {
        Self {
            option,
            value: value.to_string(),
            reason,
        }
    }
}

/// The most connections of a server, and of anything else that clients hold at the same time.
pub const MAX_CONNECTIONS: usize = 1_000_000;

impl RpcOptions {
    /// Checks what a server refuses to start with.
    ///
    /// # Errors
    ///
    /// [`InvalidOption`] for the first option that is wrong.
    pub fn check(&self) -> Result<(), InvalidOption> {
        for host in &self.hosts {
            check_host(host).map_err(|reason| InvalidOption::new("hosts", host, reason))?;
        }
        for origin in &self.origins {
            check_origin(origin).map_err(|reason| InvalidOption::new("origins", origin, reason))?;
        }
        let limits = &self.limits;
        for (option, count) in [
            ("limits.connections", limits.connections),
            (
                "limits.connections_per_client",
                limits.connections_per_client,
            ),
            ("limits.calls_per_connection", limits.calls_per_connection),
            ("limits.readers", limits.readers),
            ("limits.executors", limits.executors),
        ] {
            if !(1..=MAX_CONNECTIONS).contains(&count) {
                return Err(InvalidOption::new(option, count, "it is 1 to 1,000,000"));
            }
        }
        for (option, count) in [
            ("limits.all_subscriptions", limits.all_subscriptions),
            ("limits.waiting", limits.waiting),
        ] {
            if count > MAX_CONNECTIONS {
                return Err(InvalidOption::new(option, count, "it is at most 1,000,000"));
            }
        }
        Ok(())
    }

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
            request_bytes: 6 << 20,
            response_bytes: 10 << 20,
            batch: 50,
            connections: 512,
            connections_per_client: 64,
            subscriptions: 16,
            all_subscriptions: 1_000,
            calls_per_connection: 32,
            unsent_per_client: 128 << 20,
            unsent: 512 << 20,
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

/// Checks a name of [`RpcOptions::hosts`]: what the header `Host` has besides the port.
///
/// # Errors
///
/// What a name is, if this is none.
pub fn check_host(host: &str) -> Result<(), &'static str> {
    let authority: Result<Authority, _> = host.parse();
    match authority {
        Ok(authority) if authority.host() == host => Ok(()),
        _ => Err("it is a name such as node.example, without a port"),
    }
}

/// Checks one of [`RpcOptions::origins`]: a scheme, a host, and a port if it is not that of the
/// scheme, which is what browsers send.
///
/// # Errors
///
/// What an origin is, if this is none.
pub fn check_origin(origin: &str) -> Result<(), &'static str> {
    let uri: Result<Uri, _> = origin.parse();
    let is_origin = uri.is_ok_and(|uri| match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => {
            !authority.as_str().contains('@') && format!("{scheme}://{authority}") == origin
        }
        _ => false,
    });
    match is_origin {
        true => Ok(()),
        false => Err("it is an origin such as https://wallet.example, without a path"),
    }
}

fn half_of_the_cores() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.div_euclid(2).max(1)
}
