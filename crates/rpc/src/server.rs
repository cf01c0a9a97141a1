//! The server: listeners, what bounds their clients, and the handlers of the methods.

mod accounts;
mod admin;
mod announcer;
mod blocks;
mod calls;
mod chain;
mod connections;
mod context;
mod convert;
mod entries;
mod events;
mod explorer;
mod failures;
mod hosts;
mod http;
mod io;
mod metrics;
mod module;
mod options;
mod relay;
mod rpc_server;
mod starting;
mod state;
mod storage;
mod subscriptions;
mod traces;
mod transactions;
mod unsent;

pub use metrics::{MethodMetrics, RpcMetrics};
pub use options::{
    AdminOptions, InvalidOption, Limits, MAX_CONNECTIONS, RpcOptions, WriteBackup, check_host,
    check_origin,
};
pub use relay::{Relay, RelayError};
pub use rpc_server::{RpcServer, StartError};
pub use starting::StartingServer;
