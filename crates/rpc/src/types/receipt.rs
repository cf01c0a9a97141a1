//! Receipts and events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bytes, Hex32};

/// The result of one operation, call or query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// `success`, `reverted`, `trapped`, `out_of_gas` or `rejected`.
    pub status: String,
    /// The gas that it used.
    pub gas_used: u64,
    /// Its gas limit.
    pub gas_limit: u64,
    /// The output of the method, or its revert message.
    pub output: Bytes,
    /// The events of successful calls, in order.
    pub events: Vec<Event>,
    /// The message of a revert: the output as text, or as digits if it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert: Option<String>,
    /// Why it trapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trap: Option<String>,
    /// Why it could not begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<String>,
    /// The contract that it deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed: Option<Hex32>,
}

/// An event that a contract emitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The contract.
    pub address: Hex32,
    /// The first topic, by which most events have their name.
    pub topic: Bytes,
    /// The first topic as text, if it is some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_text: Option<String>,
    /// All topics, if there is not exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<Bytes>>,
    /// The data.
    pub data: Bytes,
}

/// Where an event is. It is the cursor for what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventPlace {
    /// The height of the block.
    pub height: u64,
    /// The index of the result in the block: of the transactions, then of the scheduled calls.
    pub result: u32,
    /// The index of the event in the result.
    pub event: u32,
}

/// An event with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventEntry {
    /// Where it is.
    pub place: EventPlace,
    /// The transaction that it is of. Absent: a scheduled call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Hex32>,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// Events in the order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// The events.
    pub events: Vec<EventEntry>,
    /// The cursor for the next ones. Absent if there are no more now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<EventPlace>,
}
