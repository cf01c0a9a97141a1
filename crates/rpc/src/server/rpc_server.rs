//! The server: starts its listeners and stops them.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use fusee_node::Node;
use jsonrpsee::{
    core::RegisterMethodError,
    server::{BatchRequestConfig, PingConfig, Server, ServerConfig, ServerHandle, stop_channel},
};
use thiserror::Error;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time,
};

use super::{
    announcer::Announcer,
    connections::{self, Bounds},
    context::{self, Context},
    hosts::Hosts,
    http::{self, Listener},
    metrics::RpcMetrics,
    module,
    options::{InvalidOption, Limits, RpcOptions},
};

/// How often idle clients are forgotten.
const FORGET: Duration = Duration::from_secs(60);

/// How long calls have to end when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// A server of one node. Dropping it stops it.
pub struct RpcServer {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    context: Arc<Context>,
    running: Mutex<Option<Running>>,
}

/// The listeners of a server, on threads of their own.
pub(super) struct Running {
    pub(super) runtime: Runtime,
    pub(super) handle: ServerHandle,
    pub(super) listeners: Vec<JoinHandle<()>>,
}

/// Why a server cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// An option is none that a server can have.
    #[error(transparent)]
    Option(#[from] InvalidOption),
    /// The operating system has no thread for the server.
    #[error("no threads for the RPC server: {0}")]
    Runtime(#[source] io::Error),
    /// The node does not take subscribers.
    #[error(transparent)]
    Node(#[from] fusee_node::NodeError),
    /// A method that the options add has the name of another one.
    #[error("a method of the admin listener has the name of another one: {0}")]
    Methods(#[from] RegisterMethodError),
}

impl RpcServer {
    /// Starts to serve a node, with threads of its own. Must not be called from inside an async
    /// runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`] if an address is in use, or the operating system has no threads.
    pub fn start(node: Arc<Node>, options: RpcOptions) -> Result<Self, StartError> {
        options.check()?;
        let limits = options.limits;
        let runtime = runtime(context::servers(), threads(limits))?;
        let admin = options.admin.as_ref().map(|admin| admin.address);
        // First what can fail: then there is nothing to be stopped.
        let public_socket = bind(&runtime, options.address)?;
        let admin_socket = admin.map(|address| bind(&runtime, address)).transpose()?;
        let announcer = Announcer::start(Arc::clone(&node), limits.all_subscriptions)?;
        let context = Arc::new(Context::new(node, options, announcer));
        let (stop, handle) = stop_channel();
        let listener = |address: SocketAddr, methods| {
            Arc::new(Listener {
                hosts: Hosts::new(address, &context.options.hosts, &context.options.origins),
                context: Arc::clone(&context),
                methods,
                service: Server::builder()
                    .set_config(config(limits))
                    .to_service_builder(),
                stop: stop.clone(),
            })
        };
        let mut listeners = Vec::new();
        let (socket, address) = public_socket;
        let methods = module::public(&context)?.into();
        let router = http::public(listener(address, methods));
        listeners.push((socket, router, Bounds::of(&context, false)));
        let mut admin_address = None;
        if let Some((socket, address)) = admin_socket {
            let methods = module::admin(&context)?.into();
            let router = http::admin(listener(address, methods));
            listeners.push((socket, router, Bounds::of(&context, true)));
            admin_address = Some(address);
        }
        let spawn = |(socket, router, bounds): (TcpListener, Router, Bounds)| {
            runtime.spawn(connections::serve(socket, router, bounds, stop.clone()))
        };
        let listeners = listeners.into_iter().map(spawn).collect();
        runtime.spawn(forget(Arc::clone(&context)));
        Ok(Self {
            address,
            admin_address,
            context,
            running: Mutex::new(Some(Running {
                runtime,
                handle,
                listeners,
            })),
        })
    }

    /// The address of the public listener.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the admin listener, if there is one.
    #[must_use]
    pub const fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// What the server has done.
    #[must_use]
    pub fn metrics(&self) -> RpcMetrics {
        let mut metrics = self.context.counters.read();
        self.context.announcer.count(&mut metrics);
        metrics
    }

    /// Stops the server: takes no more connections, lets the calls that work end, and ends
    /// subscriptions and those who wait for transactions. Stop it before the node. Must not be
    /// called from inside an async runtime.
    pub fn stop(&self) {
        let running = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.take()
        };
        let Some(running) = running else { return };
        self.context.close();
        self.context.announcer.stop();
        running.runtime.block_on(self.context.announcer.all_told());
        running.stop();
    }
}

impl Running {
    /// Takes no more connections, lets those end that work, and ends the threads.
    pub(super) fn stop(self) {
        let _ = self.handle.stop();
        self.runtime.block_on(async {
            for listener in self.listeners {
                let _ = time::timeout(GRACE, listener).await;
            }
        });
        self.runtime.shutdown_timeout(GRACE);
    }
}

impl Drop for RpcServer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for RpcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcServer")
            .field("address", &self.address)
            .field("admin_address", &self.admin_address)
            .finish_non_exhaustive()
    }
}

/// The threads that may block: one for each call that may work, one for health, and one for a
/// backup.
fn threads(limits: Limits) -> usize {
    let working = limits.readers.saturating_add(limits.executors);
    working.saturating_add(context::RELAYERS).saturating_add(2)
}

/// The threads of a server.
pub(super) fn runtime(workers: usize, blocking: usize) -> Result<Runtime, StartError> {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(blocking)
        .thread_name("rpc")
        .enable_all()
        .build()
        .map_err(StartError::Runtime)
}

pub(super) fn bind(
    runtime: &Runtime,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = runtime.block_on(TcpListener::bind(address));
    let listener = listener.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn config(limits: Limits) -> ServerConfig {
    let ping = PingConfig::new()
        .ping_interval(limits.idle_time)
        .inactive_limit(limits.idle_time.saturating_mul(2));
    ServerConfig::builder()
        .max_request_body_size(limits.request_bytes)
        .max_response_body_size(limits.response_bytes)
        // Requests at the same time: connections are counted when they are accepted.
        .max_connections(u32::try_from(limits.connections).unwrap_or(u32::MAX))
        .max_subscriptions_per_connection(limits.subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch))
        .set_message_buffer_capacity(64)
        .enable_ws_ping(ping)
        .build()
}

async fn forget(context: Arc<Context>) {
    loop {
        time::sleep(FORGET).await;
        context.forget_idle_clients();
    }
}
