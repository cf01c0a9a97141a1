//! What listens before there is a node to serve: it tells that the process is alive, that it is not
//! ready and why, and its metrics. Everything else is refused as unavailable.
//!
//! It listens where the server of the same options will, checks hosts and origins as that does, and
//! bounds its connections alike. Stopping it leaves the addresses to the server.

use std::{fmt, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use jsonrpsee::server::stop_channel;

use super::{
    connections::{self, Bounds},
    hosts::Hosts,
    http,
    options::{AdminOptions, RpcOptions},
    rpc_server::{Running, StartError, bind, runtime},
};

/// A server of a process whose node is not there yet. Dropping it stops it.
pub struct StartingServer {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    running: Option<Running>,
}

/// What the routes of a listener share.
#[derive(Clone)]
struct Listener {
    hosts: Hosts,
    reason: Arc<str>,
    /// The options of the listener for operators.
    admin: Option<AdminOptions>,
}

impl StartingServer {
    /// Starts to listen, with threads of its own. `reason` says what the node waits for. Must not
    /// be called from inside an async runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`] if an address is in use, or the operating system has no threads.
    pub fn start(options: &RpcOptions, reason: &str) -> Result<Self, StartError> {
        let runtime = runtime(1, 1)?;
        let (stop, handle) = stop_channel();
        let reason: Arc<str> = reason.into();
        let mut listeners = Vec::new();
        let mut listen = |address, admin: Option<AdminOptions>| {
            let (socket, address) = bind(&runtime, address)?;
            let has_metrics = admin.is_some();
            let listener = Listener {
                hosts: Hosts::new(address, &options.hosts, &options.origins),
                reason: Arc::clone(&reason),
                admin,
            };
            let router = router(listener, has_metrics);
            let bounds = Bounds::new(options.limits);
            listeners.push(runtime.spawn(connections::serve(socket, router, bounds, stop.clone())));
            Ok::<_, StartError>(address)
        };
        let address = listen(options.address, None)?;
        let admin = options.admin.clone();
        let admin_address = admin.map(|admin| listen(admin.address, Some(admin)));
        Ok(Self {
            address,
            admin_address: admin_address.transpose()?,
            running: Some(Running {
                runtime,
                handle,
                listeners,
            }),
        })
    }

    /// The address of the public listener.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the listener for operators, if there is one.
    #[must_use]
    pub const fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Stops it. Must not be called from inside an async runtime.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}

impl Drop for StartingServer {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for StartingServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartingServer")
            .field("address", &self.address)
            .field("admin_address", &self.admin_address)
            .finish_non_exhaustive()
    }
}

fn router(listener: Listener, has_metrics: bool) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(http::alive))
        .route("/readyz", get(not_ready));
    if has_metrics {
        router = router.route("/metrics", get(metrics));
    }
    router
        .fallback(not_ready)
        .layer(middleware::from_fn_with_state(listener.clone(), check))
        .with_state(listener)
}

async fn check(State(it): State<Listener>, request: Request, next: Next) -> Response {
    let mut response = match it.hosts.check(request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(reason) => http::foreign(&reason),
    };
    http::secure(&mut response);
    response
}

async fn not_ready(State(it): State<Listener>) -> Response {
    let body = serde_json::json!({"status": "starting", "reason": &*it.reason});
    let headers = [(header::RETRY_AFTER, "1")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(body)).into_response()
}

async fn metrics(State(it): State<Listener>) -> Response {
    http::metrics_of(it.admin.as_ref())
}
