//! Subscriptions to blocks and events. A subscriber that does not keep up is ended with the height
//! that it missed.

use std::sync::Arc;

use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionMessage,
    core::{RegisterMethodError, SubscriptionError},
    types::ErrorObjectOwned,
};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::broadcast::error::RecvError;

use super::{
    announcer::{Announcement, BEHIND, Joined},
    calls,
    context::Context,
    failures,
};
use crate::{
    error::{ErrorKind, RpcError},
    methods::{Subscribe, SubscribeBlocks, SubscribeEvents},
    types::TransactionDetail,
};

/// Registers the subscriptions.
pub(super) fn register(module: &mut RpcModule<Context>) -> Result<(), RegisterMethodError> {
    add(module, |params: &SubscribeBlocks, block| {
        let block = match params.transactions {
            TransactionDetail::Ids => &block.with_ids,
            TransactionDetail::Full => &block.in_full,
        };
        vec![block.clone()]
    })?;
    add(module, |params: &SubscribeEvents, block| {
        let events = block.events.iter().filter(|event| {
            let topic = event.topic.as_ref();
            params.address.is_none_or(|it| it.0 == event.contract)
                && (params.topic.as_ref()).is_none_or(|it| Some(&it.0) == topic)
        });
        events.map(|event| event.json.clone()).collect()
    })
}

/// What a subscriber is sent of a block.
trait Items<S>: Fn(&S, &Announcement) -> Vec<Box<RawValue>> + Clone + Send + Sync + 'static {}

impl<S, F> Items<S> for F where
    F: Fn(&S, &Announcement) -> Vec<Box<RawValue>> + Clone + Send + Sync + 'static
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
                        let items = move |block: &_| items(&params, block);
                        deliver(&context, pending, joined, items).await
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
    mut joined: Joined,
    items: impl Fn(&Announcement) -> Vec<Box<RawValue>> + Send,
) -> Result<(), SubscriptionError> {
    let Ok(sink) = pending.accept().await else {
        return Ok(());
    };
    loop {
        let received = tokio::select! {
            received = joined.blocks.recv() => received,
            () = sink.closed() => return Ok(()),
        };
        let block = match received {
            Ok(Ok(block)) => block,
            Ok(Err(error)) => return Err(last(error)),
            Err(RecvError::Closed) => return Err(last(failures::shutting_down())),
            Err(RecvError::Lagged(_)) => {
                context.announcer.too_slow();
                return Err(last(too_slow(joined.next)));
            }
        };
        // Announced between the subscription and the height that it begins with.
        if block.height < joined.next {
            continue;
        }
        for item in items(&block) {
            if sink.send(SubscriptionMessage::from(item)).await.is_err() {
                return Ok(());
            }
        }
        joined.next = block.height.saturating_add(1);
    }
}

fn too_slow(height: u64) -> RpcError {
    RpcError::new(
        ErrorKind::TooSlow,
        format!("the subscriber was more than {BEHIND} blocks behind, at height {height}"),
        "read the blocks from this height on, and subscribe anew",
    )
    .with("height", height)
}

/// The error that a subscription ends with, as its last notification has it.
fn last(error: RpcError) -> SubscriptionError {
    let text = to_raw_value(&ErrorObjectOwned::from(error));
    text.map_or_else(|error| error.into(), SubscriptionError::from_json)
}
