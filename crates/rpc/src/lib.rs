//! JSON-RPC for a node: the types of its methods, a server and a client.
//!
//! [`methods`] is the table of methods, [`types`] what they answer, [`RpcError`] how they fail.
//! Feature `server` has the [`RpcServer`], feature `client` the [`Client`].
//!
//! The server is safe by default: it listens on loopback, admits known hosts and origins alone, and
//! bounds everything that a client decides. What it answers depends on the chain; how long that
//! takes and whom it turns away is its own matter. `docs/book/src/rpc.md` describes it.
#![forbid(unsafe_code)]

/// The examples of the document are compiled with the tests.
#[cfg(all(doctest, feature = "client", feature = "server"))]
#[doc = include_str!("../../../docs/book/src/rpc.md")]
struct _Document;

#[cfg(feature = "client")]
mod client;
mod error;
pub mod methods;
pub mod openrpc;
#[cfg(feature = "server")]
mod server;
pub mod types;

#[cfg(feature = "client")]
pub use client::{Client, ClientError, ClientOptions, Subscription};
pub use error::{ErrorKind, RpcError};
#[cfg(feature = "server")]
pub use server::{
    AdminOptions, InvalidOption, Limits, MAX_CONNECTIONS, MethodMetrics, Relay, RelayError,
    RpcMetrics, RpcOptions, RpcServer, StartError, StartingServer, WriteBackup, check_host,
    check_origin,
};
