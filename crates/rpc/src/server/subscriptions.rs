//! Subscriptions to blocks and events. A subscriber that does not keep up is ended with the height
//! that it missed.

use std::sync::Arc;

use super::{
    announcer::{Announcement, BEHIND, Joined, KEPT_BYTES, NoMore},
    calls,
    context::{Context, Peer},
    unsent::Unsent,
};
use crate::{
    error::{ErrorKind, RpcError},
    methods::{Subscribe, SubscribeBlocks, SubscribeEvents},
    types::TransactionDetail,
};
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionMessage,
    core::{RegisterMethodError, SubscriptionError},
    types::ErrorObjectOwned,
};
use serde_json::value::{RawValue, to_raw_value};

/// Registers the subscriptions.
pub(super) fn register(module: &mut RpcModule<Context>) -> Result<(), RegisterMethodError> {
    add(module, |params: &SubscribeBlocks, block| {
        let block = match params.transactions {
            TransactionDetail::Ids => &block.with_ids,
            TransactionDetail::Full => &block.in_full,
        };
        vec![block]
    })?;
    add(module, |params: &SubscribeEvents, block| {
        let events = block.events.iter().filter(|event| {
            let topic = event.topic.as_ref();
            params.address.is_none_or(|it| it.0 == event.contract)
                && (params.topic.as_ref()).is_none_or(|it| Some(&it.0) == topic)
        });
        events.map(|event| &event.json).collect()
    })
}

/// What a subscriber is sent of a block.
trait Items<S>:
    for<'a> Fn(&S, &'a Announcement) -> Vec<&'a Box<RawValue>> + Clone + Send + Sync + 'static
{
}

impl<S, F> Items<S> for F where
    F: for<'a> Fn(&S, &'a Announcement) -> Vec<&'a Box<RawValue>> + Clone + Send + Sync + 'static
{
}

fn add<S: Subscribe>(
    module: &mut RpcModule<Context>,
    items: impl Items<S>,
) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        S::SUBSCRIBE,
        S::NOTIFICATION,
        S::UNSUBSCRIBE,
        move |params, pending, context, extensions| {
            let items = items.clone();
            async move {
                let call = calls::Call::begin(&context, S::SUBSCRIBE);
                let joined = calls::admit(&context, &extensions)
                    .and_then(|_| Ok((calls::parse::<S>(&params)?, context.announcer.join()?)));
                match call.end(joined) {
                    Ok((params, joined)) => {
                        let unsent = extensions
                            .get::<Peer>()
                            .map(|peer| Arc::clone(&peer.unsent));
                        let deliver = deliver(&context, pending, (joined, unsent), |block| {
                            items(&params, block)
                        });
                        deliver.await
                    }
                    Err(error) => {
                        pending.reject(ErrorObjectOwned::from(error)).await;
                        Ok(())
                    }
                }
            }
        },
    )?;
    Ok(())
}

/// Sends what is of each block, until the client or the server ends it.
async fn deliver(
    context: &Arc<Context>,
    pending: PendingSubscriptionSink,
    (mut joined, unsent): (Joined, Option<Arc<Unsent>>),
    items: impl for<'a> Fn(&'a Announcement) -> Vec<&'a Box<RawValue>> + Send,
) -> Result<(), SubscriptionError> {
    let Ok(sink) = pending.accept().await else {
        return Ok(());
    };
    loop {
        let next = tokio::select! {
            next = context.announcer.next(&mut joined) => next,
            () = sink.closed() => return Ok(()),
        };
        let block = match next {
            Ok(block) => block,
            Err(NoMore::Ended(error)) => return Err(last(error)),
            Err(NoMore::TooSlow) => return Err(last(too_slow(context, joined.next))),
        };
        for item in items(&block) {
            // Before it is copied: a client that does not read has no more than its share.
            let counted = unsent
                .as_ref()
                .map_or(Ok(()), |it| it.add(item.get().len()));
            if counted.is_err() {
                return Err(last(too_slow(context, joined.next)));
            }
            if sink
                .send(SubscriptionMessage::from(item.clone()))
                .await
                .is_err()
            {
                return Ok(());
            }
        }
        joined.next = block.height.saturating_add(1);
    }
}

fn too_slow(context: &Context, height: u64) -> RpcError {
    context.announcer.too_slow();
    let size = KEPT_BYTES >> 20;
    RpcError::new(
        ErrorKind::TooSlow,
        format!(
            "the subscriber was more than {BEHIND} blocks or {size} MiB behind, at height {height}, \
             or has as much to read as it may"
        ),
        "read the blocks from this height on, and subscribe anew",
    )
    .with("height", height)
}

/// The error that a subscription ends with, as its last notification has it.
fn last(error: RpcError) -> SubscriptionError {
    let text = to_raw_value(&ErrorObjectOwned::from(error));
    text.map_or_else(|error| error.into(), SubscriptionError::from_json)
}
