//! Connections: accepted, counted, and closed when the server stops.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicUsize},
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
    io::{self, Stream},
    metrics::Counters,
    options::Limits,
    unsent::Unsent,
};

/// How long to wait after the operating system has refused a connection, for want of files.
const PAUSE: Duration = Duration::from_millis(50);

/// How long connections have to end when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// What each client has of the server.
type Clients = Arc<Mutex<BTreeMap<IpAddr, Share>>>;

/// What a client has of the server.
#[derive(Debug, Default)]
struct Share {
    connections: usize,
    /// The bytes of answers that are not sent yet.
    unsent: Arc<AtomicUsize>,
}

/// The place of a connection among all, and among those of its client.
struct Place {
    _permit: OwnedSemaphorePermit,
    unsent: Arc<Unsent>,
    clients: Clients,
    client: IpAddr,
    counters: Arc<Counters>,
}

/// What bounds the connections of a listener, and counts them.
#[derive(Clone)]
pub(super) struct Bounds {
    limits: Limits,
    counters: Arc<Counters>,
    /// The bytes of answers of all listeners that are not sent yet.
    unsent: Arc<AtomicUsize>,
    /// Whether the listener is for operators.
    for_operators: bool,
}

impl Bounds {
    /// Those of a server without other counters.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            counters: Arc::default(),
            unsent: Arc::default(),
            for_operators: false,
        }
    }

    /// Those of the public listener, or of the one for operators.
    pub(super) fn of(context: &Context, for_operators: bool) -> Self {
        Self {
            limits: context.options.limits,
            counters: Arc::clone(&context.counters),
            unsent: Arc::clone(&context.unsent),
            for_operators,
        }
    }
}

/// Serves the connections of a listener until the server stops.
pub(super) async fn serve(listener: TcpListener, router: Router, bounds: Bounds, stop: StopHandle) {
    let limits = bounds.limits;
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
        let place = Place::take(&places, &clients, address, &bounds);
        let Some(place) = place else {
            bounds.counters.change(|all| {
                all.refused_connections = all.refused_connections.saturating_add(1);
            });
            continue;
        };
        let router = router.clone();
        connections.spawn(connection(
            stream,
            (place, bounds.clone()),
            router,
            stop.clone(),
        ));
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // Those that do not end are ended by dropping them.
    let _ = time::timeout(GRACE, ended).await;
}

async fn connection(
    stream: TcpStream,
    (place, bounds): (Place, Bounds),
    router: Router,
    stop: StopHandle,
) {
    let limits = bounds.limits;
    let unsent = Arc::clone(&place.unsent);
    let peer = Peer {
        address: place.client,
        calls: Arc::new(Semaphore::new(limits.calls_per_connection)),
        unsent: Arc::clone(&unsent),
        is_operator: bounds.for_operators,
    };
    let stream = Arc::new(stream);
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
            TokioIo::new(Stream::new(Arc::clone(&stream), unsent, limits.idle_time)),
            TowerToHyperService::new(service),
        )
        .with_upgrades();
    tokio::pin!(served);
    tokio::select! {
        // An error here is the client's.
        _ = &mut served => {}
        () = io::left(&stream) => {}
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
        address: SocketAddr,
        bounds: &Bounds,
    ) -> Option<Self> {
        let Bounds {
            limits,
            counters,
            unsent,
            ..
        } = bounds;
        let permit = Arc::clone(places).try_acquire_owned().ok()?;
        let client = context::client(address.ip());
        let mut all = clients.lock().unwrap_or_else(PoisonError::into_inner);
        let share = all.entry(client).or_default();
        if share.connections >= limits.connections_per_client {
            return None;
        }
        share.connections = share.connections.saturating_add(1);
        let of_client = Arc::clone(&share.unsent);
        drop(all);
        counters.change(|all| all.connections = all.connections.saturating_add(1));
        Some(Self {
            _permit: permit,
            unsent: Arc::new(Unsent::new(of_client, Arc::clone(unsent), limits)),
            clients: Arc::clone(clients),
            client,
            counters: Arc::clone(counters),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = all.get_mut(&self.client) {
            share.connections = share.connections.saturating_sub(1);
            if share.connections == 0 {
                all.remove(&self.client);
            }
        }
        let counters = &self.counters;
        counters.change(|all| all.connections = all.connections.saturating_sub(1));
    }
}
