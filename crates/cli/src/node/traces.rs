//! Traces: spans of blocks, calls and requests, sent to an OpenTelemetry collector by OTLP (HTTP,
//! protobuf). Part of programs that are built with the cargo feature `otel`.
//!
//! A collector that does not answer holds up nothing: spans are sent in batches by a thread of
//! their own, and what does not fit its queue is dropped.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterExt as _, filter_fn},
};

use crate::failure::{Exit, Failure};

/// Where collectors receive traces, after their URL.
const PATH: &str = "/v1/traces";

/// How long a collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What sends traces. Dropping it sends those that are left.
#[derive(Debug)]
pub(super) struct Traces(SdkTracerProvider);

/// Sends by the HTTP client that the command line has for everything.
#[derive(Debug)]
struct Client(ureq::Agent);

/// A layer for the subscriber of the process, and what it sends by.
pub(super) fn start(
    url: &str,
) -> Result<(Box<dyn Layer<Registry> + Send + Sync>, Traces), Failure> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .build();
    let url = url.trim_end_matches('/');
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client(agent.into()))
        .with_endpoint(match url.ends_with(PATH) {
            true => url.to_owned(),
            false => format!("{url}{PATH}"),
        })
        .with_timeout(TIMEOUT)
        .build()
        .map_err(|error| {
            let error = anyhow::Error::new(error).context("traces cannot be sent");
            Failure::new(Exit::Host, error).next("check the URL of --otlp")
        })?;
    let resource = Resource::builder().with_service_name("fusee");
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("fusee"))
        // What sends the traces does not trace itself.
        .with_filter(filter_fn(is_ours).and(LevelFilter::INFO));
    Ok((Box::new(layer), Traces(provider)))
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("fusee")
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // It waits on a thread that does nothing else.
        let mut response = self.0.run(request.map(|body| body.to_vec()))?;
        let body = response.body_mut().read_to_vec()?;
        Ok(response.map(|_| Bytes::from(body)))
    }
}
