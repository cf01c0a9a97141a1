//! The keys and values of the index. Integers in keys are big-endian, so that their order is that
//! of the chain.
//!
//! | key | value |
//! |---|---|
//! | 0 | version, first height, last height, hash of its header |
//! | 1, id of a transaction | height (8 bytes), index (4), whether it was included (1) |
//! | 2, contract, place of an event | |
//! | 3, contract, length of the topic (4), topic, place of an event | |
//! | 4, hash of a header | height (8 bytes) |
//!
//! A place is height (8 bytes), result (4) and event (4).

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_chain::Chain;
use fusee_contract::Address;
use fusee_ledger::{HeaderHash, TransactionId};

use super::{EventFilter, EventPlace, Order, TransactionPlace};

/// The version of the format. An index of another one is made anew.
const VERSION: u32 = 2;

/// The key of what the index is of.
pub(super) const PROGRESS: [u8; 1] = [0];

const TRANSACTION: u8 = 1;
const EVENT: u8 = 2;
const TOPIC: u8 = 3;
const HEADER: u8 = 4;

const PLACE_BYTES: usize = 16;

/// How many bytes of a topic are part of a key.
const TOPIC_BYTES: usize = 1_024;

/// What the index is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Progress {
    pub(super) version: u32,
    /// The first height that was kept when it was written.
    pub(super) first: u64,
    /// The last height.
    pub(super) height: u64,
    /// The hash of the last header.
    pub(super) hash: [u8; 32],
}

impl Progress {
    /// The progress of an empty index.
    pub(super) fn before(chain: &Chain) -> Self {
        let first = super::first_height(chain);
        Self {
            version: VERSION,
            first,
            height: first.saturating_sub(1),
            hash: [0; 32],
        }
    }

    /// Whether it is of blocks that this chain has. The hash of the last header covers all before
    /// it, and the genesis.
    pub(super) fn is_of(&self, chain: &Chain) -> bool {
        let header = chain.header(self.height);
        let is_last = header.is_ok_and(|header| *header.hash().as_bytes() == self.hash);
        self.version == VERSION && is_last
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).expect("a vector takes any bytes")
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        borsh::from_slice(bytes).ok()
    }
}

pub(super) fn transaction(id: &TransactionId) -> Vec<u8> {
    [&[TRANSACTION], id.as_bytes().as_slice()].concat()
}

pub(super) fn header(hash: &HeaderHash) -> Vec<u8> {
    [&[HEADER], hash.as_bytes().as_slice()].concat()
}

pub(super) fn encode_height(height: u64) -> Vec<u8> {
    height.to_be_bytes().to_vec()
}

pub(super) fn decode_height(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

pub(super) fn encode_transaction(place: TransactionPlace, is_included: bool) -> Vec<u8> {
    let mut bytes = place.height.to_be_bytes().to_vec();
    bytes.extend(place.index.to_be_bytes());
    bytes.push(u8::from(is_included));
    bytes
}

pub(super) fn decode_transaction(bytes: &[u8]) -> Option<(TransactionPlace, bool)> {
    let (height, bytes) = bytes.split_first_chunk()?;
    let (index, bytes) = bytes.split_first_chunk()?;
    let place = TransactionPlace {
        height: u64::from_be_bytes(*height),
        index: u32::from_be_bytes(*index),
    };
    Some((place, bytes == [1]))
}

/// What the keys of events begin with.
pub(super) fn events(contract: Address, topic: Option<&[u8]>) -> Vec<u8> {
    let mut key = vec![if topic.is_some() { TOPIC } else { EVENT }];
    key.extend(contract.as_bytes());
    if let Some(topic) = topic {
        let length = u32::try_from(topic.len()).unwrap_or(u32::MAX);
        key.extend(length.to_be_bytes());
        key.extend(topic.get(..TOPIC_BYTES).unwrap_or(topic));
    }
    key
}

pub(super) fn place(place: EventPlace) -> [u8; PLACE_BYTES] {
    let (height, result, event) = (place.height, place.result, place.event);
    let bytes = (u128::from(height) << 64) | (u128::from(result) << 32) | u128::from(event);
    bytes.to_be_bytes()
}

/// The place at the end of a key.
pub(super) fn decode_place(key: &[u8]) -> Option<EventPlace> {
    let (height, rest) = key.last_chunk::<PLACE_BYTES>()?.split_first_chunk()?;
    let (result, rest) = rest.split_first_chunk()?;
    let (event, _) = rest.split_first_chunk()?;
    Some(EventPlace {
        height: u64::from_be_bytes(*height),
        result: u32::from_be_bytes(*result),
        event: u32::from_be_bytes(*event),
    })
}

/// The height that an entry is of.
pub(super) fn height(key: &[u8], value: &[u8]) -> Option<u64> {
    match *key.first()? {
        TRANSACTION => Some(decode_transaction(value)?.0.height),
        EVENT | TOPIC => Some(decode_place(key)?.height),
        HEADER => decode_height(value),
        _ => None,
    }
}

/// The first and the last place that a list can have. `None` if it is empty.
pub(super) fn bounds(
    filter: &EventFilter,
    cursor: Option<EventPlace>,
) -> Option<(EventPlace, EventPlace)> {
    let mut first = EventPlace {
        height: filter.from,
        result: 0,
        event: 0,
    };
    let mut last = EventPlace {
        height: filter.to,
        result: u32::MAX,
        event: u32::MAX,
    };
    match (filter.order, cursor) {
        (_, None) => {}
        (Order::OldestFirst, Some(cursor)) => first = first.max(after(cursor)?),
        (Order::NewestFirst, Some(cursor)) => last = last.min(before(cursor)?),
    }
    (first <= last).then_some((first, last))
}

fn after(cursor: EventPlace) -> Option<EventPlace> {
    let next = u128::from_be_bytes(place(cursor)).checked_add(1)?;
    decode_place(&next.to_be_bytes())
}

fn before(cursor: EventPlace) -> Option<EventPlace> {
    let next = u128::from_be_bytes(place(cursor)).checked_sub(1)?;
    decode_place(&next.to_be_bytes())
}

#[cfg(test)]
mod tests;
