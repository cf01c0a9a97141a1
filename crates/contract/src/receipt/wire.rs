//! The bytes of receipts, in two versions of the encoding.
//!
//! Version 1 is for receipts all of whose events have exactly one topic, and version 2 for all
//! others, whose events have lists of topics. So each receipt has exactly one encoding, and that of
//! a receipt that could be before version 2 is as it was.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_engine::Gas;

use super::{Event, Receipt};
use crate::{Address, EncodingError};

/// How the topics of events are encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Topics {
    /// Version 1: the only one.
    One,
    /// Version 2: a list.
    List,
}

impl Topics {
    fn of(receipt: &Receipt) -> Self {
        match receipt.events.iter().all(|event| event.topics.len() == 1) {
            true => Topics::One,
            false => Topics::List,
        }
    }

    const fn version(self) -> u8 {
        match self {
            Topics::One => 1,
            Topics::List => 2,
        }
    }
}

/// The newest version of the encoding of receipts.
pub(super) const NEWEST: u8 = Topics::List.version();

/// The bytes that are allocated for a receipt at first: enough for one with an event.
const USUAL: usize = 256;

pub(super) fn encode(receipt: &Receipt) -> Vec<u8> {
    let topics = Topics::of(receipt);
    let mut bytes = Vec::with_capacity(USUAL);
    bytes.push(topics.version());
    write(receipt, topics, &mut bytes)
        .expect("a vector takes any bytes, and no length here exceeds a u32");
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Result<Receipt, EncodingError> {
    let (&version, mut rest) = bytes.split_first().ok_or(EncodingError::Empty)?;
    let topics = [Topics::One, Topics::List].into_iter();
    let topics = topics.rev().find(|topics| topics.version() == version);
    let topics = topics.ok_or(EncodingError::Version {
        found: version,
        expected: NEWEST,
    })?;
    let receipt = read(topics, &mut rest)?;
    if !rest.is_empty() {
        return Err(malformed("bytes follow the receipt").into());
    }
    if Topics::of(&receipt) != topics {
        return Err(malformed("the receipt has an encoding of an earlier version").into());
    }
    Ok(receipt)
}

fn write(receipt: &Receipt, topics: Topics, writer: &mut Vec<u8>) -> io::Result<()> {
    let Receipt {
        status,
        gas_limit,
        gas_used,
        output,
        events,
        deployed,
    } = receipt;
    status.serialize(writer)?;
    gas_limit.units().serialize(writer)?;
    gas_used.units().serialize(writer)?;
    output.serialize(writer)?;
    u32::try_from(events.len())
        .map_err(io::Error::other)?
        .serialize(writer)?;
    for event in events {
        event.address.serialize(writer)?;
        match topics {
            // Exactly one: a loop over all of them writes no count.
            Topics::One => event
                .topics
                .iter()
                .try_for_each(|topic| topic.serialize(writer))?,
            Topics::List => event.topics.serialize(writer)?,
        }
        event.data.serialize(writer)?;
    }
    deployed.serialize(writer)
}

fn read(topics: Topics, bytes: &mut &[u8]) -> io::Result<Receipt> {
    let status = BorshDeserialize::deserialize(bytes)?;
    let gas_limit = read_gas(bytes)?;
    let gas_used = read_gas(bytes)?;
    let output = BorshDeserialize::deserialize(bytes)?;
    let mut events = Vec::new();
    // The count is untrusted: no event is allocated before its bytes are read.
    for _ in 0..u32::deserialize(bytes)? {
        events.push(Event {
            address: Address::deserialize(bytes)?,
            topics: match topics {
                Topics::One => vec![BorshDeserialize::deserialize(bytes)?],
                Topics::List => BorshDeserialize::deserialize(bytes)?,
            },
            data: BorshDeserialize::deserialize(bytes)?,
        });
    }
    Ok(Receipt {
        status,
        gas_limit,
        gas_used,
        output,
        events,
        deployed: BorshDeserialize::deserialize(bytes)?,
    })
}

fn read_gas(bytes: &mut &[u8]) -> io::Result<Gas> {
    let units = u64::deserialize(bytes)?;
    let gas = Gas::new(units);
    match gas.units() == units {
        true => Ok(gas),
        false => Err(malformed(&format!(
            "{units} exceeds the maximum amount of gas"
        ))),
    }
}

fn malformed(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
