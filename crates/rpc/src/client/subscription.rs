//! Subscriptions of the client, over a WebSocket of their own.

use std::{fmt, marker::PhantomData};

use jsonrpsee::{
    core::client::{Subscription as Stream, SubscriptionClientT, SubscriptionCloseReason},
    ws_client::{WsClient, WsClientBuilder},
};
use tokio::runtime::{Builder, Runtime};

use super::{Client, ClientError, Params};
use crate::methods::Subscribe;

/// What a node announces to this client, in the order of its blocks. Dropping it ends it.
///
/// A client that does not keep up is cut off. It sees that by a gap, which has no item: so read the
/// blocks from the last one on, and subscribe anew.
pub struct Subscription<S: Subscribe> {
    items: Stream<S::Item>,
    /// Answers the pings of the node, also while nobody waits for an item.
    runtime: Runtime,
    url: String,
    _connection: WsClient,
    _subscribed: PhantomData<S>,
}

impl Client {
    /// Subscribes to blocks ([`SubscribeBlocks`](crate::methods::SubscribeBlocks)) or events
    /// ([`SubscribeEvents`](crate::methods::SubscribeEvents)), by a connection of its own.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the node does not answer, or refuses.
    pub fn subscribe<S: Subscribe>(&self, params: &S) -> Result<Subscription<S>, ClientError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(ClientError::Runtime)?;
        let url = match self.url.split_once("://") {
            Some(("http", rest)) => format!("ws://{rest}"),
            Some(("https", rest)) => format!("wss://{rest}"),
            _ => self.url.clone(),
        };
        let connection = WsClientBuilder::default()
            .request_timeout(self.options.timeout)
            .connection_timeout(self.options.timeout)
            .max_response_size(self.options.max_response_bytes)
            .build(&url);
        let connection: WsClient = runtime
            .block_on(connection)
            .map_err(|error| self.failed(error))?;
        let items = connection.subscribe(S::SUBSCRIBE, Params(params), S::UNSUBSCRIBE);
        let items = runtime
            .block_on(items)
            .map_err(|error| self.failed(error))?;
        Ok(Subscription {
            items,
            runtime,
            url,
            _connection: connection,
            _subscribed: PhantomData,
        })
    }
}

impl<S: Subscribe> Subscription<S> {
    /// Waits for the next item.
    ///
    /// # Errors
    ///
    /// [`ClientError::Answer`] for an item that this version does not know.
    /// [`ClientError::Unreachable`] if the node has ended the subscription: it shuts down, or this
    /// client did not keep up. There are no items after that.
    pub fn wait(&mut self) -> Result<S::Item, ClientError> {
        let url = self.url.clone();
        match self.runtime.block_on(self.items.next()) {
            Some(Ok(item)) => Ok(item),
            Some(Err(error)) => Err(ClientError::Answer {
                url,
                reason: error.to_string(),
            }),
            None => Err(ClientError::Unreachable {
                url,
                reason: match self.items.close_reason() {
                    Some(SubscriptionCloseReason::Lagged) => "too many items were not read",
                    _ => "the node has ended the subscription",
                }
                .to_owned(),
            }),
        }
    }
}

impl<S: Subscribe> fmt::Debug for Subscription<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("method", &S::SUBSCRIBE)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
