//! Events of contracts.

use std::sync::Arc;

use fusee_node::{self as node, EventFilter};

use super::{context::Context, convert};
use crate::{
    error::RpcError,
    methods::{GetEvents, Order},
    types::EventPage,
};

/// The most events of a page.
const MAX_PAGE: u32 = 1_000;

pub(super) async fn events(
    context: Arc<Context>,
    params: GetEvents,
) -> Result<EventPage, RpcError> {
    let limit = params.limit.unwrap_or(100).clamp(1, MAX_PAGE);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let filter = EventFilter {
        contract: params.address.into(),
        topic: params.topic.map(|topic| topic.0),
        from: params.from.unwrap_or(0),
        to: params.to.unwrap_or(u64::MAX),
        order: match params.order {
            Order::OldestFirst => node::Order::OldestFirst,
            Order::NewestFirst => node::Order::NewestFirst,
        },
    };
    let cursor = params.cursor.map(node::EventPlace::from);
    let work = move |context: &Context, _: &_| {
        let entries = context.node.events(&filter, cursor, limit)?;
        let last = entries.last().filter(|_| entries.len() == limit);
        Ok(EventPage {
            cursor: last.map(|entry| entry.place.into()),
            events: entries.iter().map(convert::event_entry).collect(),
        })
    };
    context.work(work).await
}
