//! The client: typed calls over HTTP, for programs that wait for their answers.

mod subscription;

use std::{fmt, time::Duration};

use jsonrpsee::{
    core::{
        client::{ClientT, Error},
        traits::ToRpcParams,
    },
    http_client::{HttpClient, HttpClientBuilder, transport::Error as TransportError},
};
use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error as ThisError;
use tokio::runtime::{Builder, Runtime};

use crate::{
    error::{ErrorKind, RpcError},
    methods::Method,
};

pub use subscription::Subscription;

/// The HTTP status of a request that a node refuses because of the client's rate (RFC 6585, 4).
const TOO_MANY_REQUESTS: u16 = 429;

/// How a client calls.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// The most time that a call may take (default: 60 seconds).
    pub timeout: Duration,
    /// The most bytes of an answer (default: 64 MiB).
    pub max_response_bytes: u32,
    /// The most bytes of a request (default: 16 MiB).
    pub max_request_bytes: u32,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            max_response_bytes: 64 << 20,
            max_request_bytes: 16 << 20,
        }
    }
}

/// A client of one node. It can be shared between threads. Calls must not be made from inside an
/// async runtime, which they would block.
pub struct Client {
    http: HttpClient,
    runtime: Runtime,
    url: String,
    options: ClientOptions,
}

/// Why a call has no answer.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ClientError {
    /// The node answered with an error.
    #[error(transparent)]
    Rpc(RpcError),
    /// The address is not one that the client can call.
    #[error("`{url}` is not the address of a node: {reason}")]
    Url {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// There was no answer: the node does not run, or something between does not let through.
    #[error("no answer from {url}: {reason}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// No answer came in time. The node may have done what it was asked for.
    #[error("no answer from {url} within {} s", timeout.as_secs_f32())]
    Timeout {
        /// The address.
        url: String,
        /// How long the client waited.
        timeout: Duration,
    },
    /// The answer is not one of this interface.
    #[error("{url} does not answer as a node of this version does: {reason}")]
    Answer {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The operating system has no thread or timer for the client.
    #[error("no runtime for the client: {0}")]
    Runtime(#[source] std::io::Error),
}

/// Parameters as JSON.
struct Params<'a, M>(&'a M);

impl<M: Serialize> ToRpcParams for Params<'_, M> {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        serde_json::value::to_raw_value(self.0).map(Some)
    }
}

impl Client {
    /// A client of the node at a URL, such as `http://127.0.0.1:8645`. It connects at the first
    /// call.
    ///
    /// # Errors
    ///
    /// [`ClientError::Url`] if the URL is none, or of a scheme other than `http` and `https`.
    pub fn new(url: &str, options: ClientOptions) -> Result<Self, ClientError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let http = HttpClientBuilder::default()
            .request_timeout(options.timeout)
            .max_response_size(options.max_response_bytes)
            .max_request_size(options.max_request_bytes)
            .build(url);
        Ok(Self {
            http: http.map_err(|error| ClientError::Url {
                url: url.to_owned(),
                reason: error.to_string(),
            })?,
            runtime: runtime.map_err(ClientError::Runtime)?,
            url: url.to_owned(),
            options,
        })
    }

    /// The URL of the node.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls a method, and waits for its answer.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if there is none.
    pub fn call<M: Method>(&self, params: &M) -> Result<M::Answer, ClientError> {
        let answer = self.http.request(M::NAME, Params(params));
        self.runtime
            .block_on(answer)
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: Error) -> ClientError {
        let url = self.url.clone();
        match error {
            Error::Call(object) => ClientError::Rpc(RpcError::of_object(&object)),
            Error::RequestTimeout => ClientError::Timeout {
                url,
                timeout: self.options.timeout,
            },
            // Of the whole request, before the node looks at the call.
            Error::Transport(error) if has_status(&*error, TOO_MANY_REQUESTS) => {
                ClientError::Rpc(RpcError::new(
                    ErrorKind::TooManyRequests,
                    format!("too many requests to {url}"),
                    "call more slowly, or subscribe instead of asking again",
                ))
            }
            Error::Transport(error) => ClientError::Unreachable {
                url,
                reason: causes(&*error),
            },
            error => ClientError::Answer {
                url,
                reason: error.to_string(),
            },
        }
    }
}

/// Whether a request was answered with an HTTP status.
fn has_status(error: &(dyn std::error::Error + 'static), status: u16) -> bool {
    matches!(
        error.downcast_ref(),
        Some(TransportError::Rejected { status_code }) if *status_code == status
    )
}

/// An error with what caused it.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
