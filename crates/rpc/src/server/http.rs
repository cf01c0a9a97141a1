//! The routes of the listeners.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use jsonrpsee::{
    Methods,
    server::{StopHandle, TowerServiceBuilder},
};
use tower::{Service, layer::util::Identity};
use tower_http::{
    cors::{AllowOrigin, CorsLayer},
    timeout::RequestBodyTimeoutLayer,
};

use super::{
    context::{Context, Peer},
    explorer,
    hosts::Hosts,
    options::AdminOptions,
};
use crate::types::HealthStatus;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The headers of every answer.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The format that [`AdminOptions::metrics`] has. Prometheus refuses
/// to read it by the name of another one.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the routes of one listener share.
pub(super) struct Listener {
    pub(super) context: Arc<Context>,
    pub(super) hosts: Hosts,
    pub(super) methods: Methods,
    pub(super) service: TowerServiceBuilder<Identity, Identity>,
    pub(super) stop: StopHandle,
}

/// The routes of the public listener.
pub(super) fn public(listener: Arc<Listener>) -> Router {
    let mut router = Router::new()
        .route("/", get(page_or_socket).post(rpc))
        .route("/openrpc.json", get(openrpc));
    if listener.context.options.explorer {
        router = router.route("/explorer/{file}", get(file));
    }
    finish(router, listener)
}

/// The routes of the admin listener.
pub(super) fn admin(listener: Arc<Listener>) -> Router {
    let router = Router::new()
        .route("/", get(rpc).post(rpc))
        .route("/metrics", get(metrics));
    finish(router, listener)
}

fn finish(router: Router<Arc<Listener>>, listener: Arc<Listener>) -> Router {
    let idle_time = listener.context.options.limits.idle_time;
    let check = middleware::from_fn_with_state(Arc::clone(&listener), check);
    router
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .layer(sharing(&listener.context.options.origins))
        .layer(RequestBodyTimeoutLayer::new(idle_time))
        .layer(check)
        .with_state(listener)
}

/// Tells browsers which other origins may call.
fn sharing(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| origin.parse().ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
}

/// Refuses requests of foreign hosts, origins and of clients that ask too often.
async fn check(State(it): State<Arc<Listener>>, request: Request, next: Next) -> Response {
    let checked = it.hosts.check(request.headers(), request.uri());
    let mut response = match checked {
        Err(reason) => {
            let counters = &it.context.counters;
            counters.change(|all| all.refused_hosts = all.refused_hosts.saturating_add(1));
            foreign(&reason)
        }
        Ok(()) => match request.extensions().get::<Peer>() {
            Some(peer) if !is_health(&request) && it.context.admit(peer).is_err() => {
                let counters = &it.context.counters;
                counters
                    .change(|all| all.refused_requests = all.refused_requests.saturating_add(1));
                let headers = [(header::RETRY_AFTER, "1")];
                (
                    StatusCode::TOO_MANY_REQUESTS,
                    headers,
                    "too many requests\n",
                )
                    .into_response()
            }
            _ => next.run(request).await,
        },
    };
    secure(&mut response);
    response
}

/// Whether a request asks how the node is, which a supervisor may do however much else is asked.
fn is_health(request: &Request) -> bool {
    matches!(request.uri().path(), "/healthz" | "/readyz")
}

/// The answer to a request for a foreign host or of a foreign origin.
pub(super) fn foreign(reason: &str) -> Response {
    let next = "call the node by its address, or have its operator admit the name";
    (StatusCode::FORBIDDEN, format!("{reason}: {next}\n")).into_response()
}

/// Adds the headers of every answer.
pub(super) fn secure(response: &mut Response) {
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
}

/// JSON-RPC by HTTP or WebSocket.
async fn rpc(State(it): State<Arc<Listener>>, request: Request) -> Response {
    if let Some(peer) = request.extensions().get::<Peer>() {
        peer.unsent.next_request();
    }
    let mut service = it
        .service
        .clone()
        .build(it.methods.clone(), it.stop.clone());
    match service.call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn page_or_socket(state: State<Arc<Listener>>, request: Request) -> Response {
    let is_socket = request.headers().contains_key(header::UPGRADE);
    match is_socket {
        true => rpc(state, request).await,
        false if state.context.options.explorer => asset("index.html"),
        false => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn file(Path(file): Path<String>) -> Response {
    asset(&file)
}

fn asset(path: &str) -> Response {
    match explorer::asset(path) {
        Some((content_type, bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, content_type),
                (header::CACHE_CONTROL, "no-cache"),
            ];
            (headers, bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn openrpc(State(it): State<Arc<Listener>>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, it.context.document_text.clone()).into_response()
}

pub(super) async fn alive() -> &'static str {
    "alive\n"
}

async fn ready(State(it): State<Arc<Listener>>) -> Response {
    let health = it.context.read_health().await;
    match health {
        Ok(health) if health.status == HealthStatus::Ok => Json(health).into_response(),
        Ok(health) => (StatusCode::SERVICE_UNAVAILABLE, Json(health)).into_response(),
        Err(error) => {
            let reason = serde_json::json!({"status": "failed", "reason": error.message});
            (StatusCode::SERVICE_UNAVAILABLE, Json(reason)).into_response()
        }
    }
}

async fn metrics(State(it): State<Arc<Listener>>) -> Response {
    metrics_of(it.context.options.admin.as_ref())
}

pub(super) fn metrics_of(admin: Option<&AdminOptions>) -> Response {
    match admin.and_then(|admin| admin.metrics.clone()) {
        Some(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
