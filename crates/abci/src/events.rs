//! Events of contracts, as CometBFT indexes and announces them.
//!
//! | type | attributes |
//! |---|---|
//! | `fusee_transaction` | `id`, `status` |
//! | `fusee_event` | `contract`, `name` if the first topic is visible ASCII, `topic` for each, `data` |
//! | `fusee_call` | `index` and `status` of a scheduled call |
//!
//! Bytes are hexadecimal. `data` is not indexed. Consensus does not cover events, but the receipts
//! that they come from.

use fusee_contract::{Receipt, Status};
use fusee_ledger::{CallResult, TransactionOutcome};
use tendermint_proto::v0_38::abci::{Event, EventAttribute};

/// The events of a transaction.
pub(crate) fn of_transaction(outcome: &TransactionOutcome) -> Vec<Event> {
    let mut attributes = Vec::new();
    attributes.extend(outcome.id.map(|id| indexed("id", id.to_string())));
    attributes.extend(outcome.result.status().map(of_status));
    let transaction = Event {
        r#type: "fusee_transaction".to_owned(),
        attributes,
    };
    let receipts = outcome.result.receipts.iter().flat_map(of_receipt);
    std::iter::once(transaction).chain(receipts).collect()
}

/// The events of a scheduled call.
pub(crate) fn of_call(call: &CallResult) -> Vec<Event> {
    let begun = Event {
        r#type: "fusee_call".to_owned(),
        attributes: vec![
            indexed("index", call.index.to_string()),
            of_status(call.receipt.status),
        ],
    };
    std::iter::once(begun)
        .chain(of_receipt(&call.receipt))
        .collect()
}

fn of_receipt(receipt: &Receipt) -> impl Iterator<Item = Event> {
    receipt.events.iter().map(|event| {
        let mut attributes = vec![indexed("contract", event.address.to_string())];
        let name = event.topics.first().and_then(|topic| visible(topic));
        attributes.extend(name.map(|name| indexed("name", name)));
        let topics = event.topics.iter().map(hex::encode);
        attributes.extend(topics.map(|topic| indexed("topic", topic)));
        attributes.push(EventAttribute {
            index: false,
            ..indexed("data", hex::encode(&event.data))
        });
        Event {
            r#type: "fusee_event".to_owned(),
            attributes,
        }
    })
}

fn visible(topic: &[u8]) -> Option<String> {
    let is_visible = !topic.is_empty() && topic.iter().all(u8::is_ascii_graphic);
    is_visible.then(|| String::from_utf8_lossy(topic).into_owned())
}

fn of_status(status: Status) -> EventAttribute {
    indexed("status", status.name().to_owned())
}

fn indexed(key: &str, value: String) -> EventAttribute {
    EventAttribute {
        key: key.to_owned(),
        value,
        index: true,
    }
}
