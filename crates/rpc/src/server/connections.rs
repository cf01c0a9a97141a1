//! Connections: accepted, counted, and closed when the server stops.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::Request};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use jsonrpsee::server::StopHandle;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time,
};
use tower::ServiceExt;

use super::{
    context::{self, Context, Peer},
    io::Stream,
    metrics::Counters,
    options::Limits,
};

/// How long to wait after the operating system has refused a connection, for want of files.
const PAUSE: Duration = Duration::from_millis(50);

/// How long connections have to end when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// The connections of each client.
type Clients = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

/// The place of a connection among all, and among those of its client.
struct Place {
    _permit: OwnedSemaphorePermit,
    clients: Clients,
    client: IpAddr,
    counters: Arc<Counters>,
}

/// What bounds the connections of a listener, and counts them.
#[derive(Clone)]
pub(super) struct Bounds {
    limits: Limits,
    counters: Arc<Counters>,
}

impl Bounds {
    /// Those of a server without other counters.
    pub(super) fn new(limits: Limits) -> Self {
        let counters = Arc::default();
        Self { limits, counters }
    }

    pub(super) fn of(context: &Context) -> Self {
        Self {
            limits: context.options.limits,
            counters: Arc::clone(&context.counters),
        }
    }
}

/// Serves the connections of a listener until the server stops.
pub(super) async fn serve(listener: TcpListener, router: Router, bounds: Bounds, stop: StopHandle) {
    let Bounds { limits, counters } = bounds;
    let places = Arc::new(Semaphore::new(limits.connections));
    let clients = Clients::default();
    let mut connections = JoinSet::new();
    let stopped = stop.clone().shutdown();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut stopped => break,
        };
        let Ok((stream, address)) = accepted else {
            time::sleep(PAUSE).await;
            continue;
        };
        let place = Place::take(&places, &clients, (address, limits), &counters);
        let Some(place) = place else {
            counters.change(|all| {
                all.refused_connections = all.refused_connections.saturating_add(1);
            });
            continue;
        };
        let router = router.clone();
        connections.spawn(connection(stream, (place, limits), router, stop.clone()));
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // Those that do not end are ended by dropping them.
    let _ = time::timeout(GRACE, ended).await;
}

async fn connection(
    stream: TcpStream,
    (place, limits): (Place, Limits),
    router: Router,
    stop: StopHandle,
) {
    let peer = Peer {
        address: place.client,
        calls: Arc::new(Semaphore::new(limits.calls_per_connection)),
    };
    // An error here is the client's: it finds its connection without delay at worst.
    let _ = stream.set_nodelay(true);
    let place = Arc::new(place);
    let held = Arc::clone(&place);
    let service = router.map_request(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer.clone());
        // A WebSocket holds the place after this task has ended.
        request.extensions_mut().insert(Arc::clone(&held));
        request.map(axum::body::Body::new)
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_time)
        .max_buf_size(64 << 10);
    let served = builder
        .serve_connection(
            TokioIo::new(Stream::new(stream, limits.idle_time)),
            TowerToHyperService::new(service),
        )
        .with_upgrades();
    tokio::pin!(served);
    tokio::select! {
        // An error here is the client's.
        _ = &mut served => {}
        () = stop.shutdown() => {
            served.as_mut().graceful_shutdown();
            let _ = served.await;
        }
    }
}

impl Place {
    /// `None` if there are too many connections.
    fn take(
        places: &Arc<Semaphore>,
        clients: &Clients,
        (address, limits): (SocketAddr, Limits),
        counters: &Arc<Counters>,
    ) -> Option<Self> {
        let permit = Arc::clone(places).try_acquire_owned().ok()?;
        let client = context::client(address.ip());
        let mut all = clients.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(client).or_default();
        if *count >= limits.connections_per_client {
            return None;
        }
        *count = count.saturating_add(1);
        drop(all);
        counters.change(|all| all.connections = all.connections.saturating_add(1));
        Some(Self {
            _permit: permit,
            clients: Arc::clone(clients),
            client,
            counters: Arc::clone(counters),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                all.remove(&self.client);
            }
        }
        let counters = &self.counters;
        counters.change(|all| all.connections = all.connections.saturating_sub(1));
    }
}
