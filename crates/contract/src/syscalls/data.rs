//! Data of a call: input, output, revert messages, events and return data.

use fusee_engine::{Stop, Trap};

use super::{PricedSyscall, check_writable, give_buffer, take_region};
use crate::{Event, frame::Frame};

pub(super) fn input_read(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    give_buffer(call, 0, &frame.context.input)
}

pub(super) fn output_write(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    frame.output = take_region(call, 0, frame.output_bytes)?;
    Ok(0)
}

pub(super) fn revert(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    frame.output = take_region(call, 0, frame.output_bytes)?;
    frame.has_reverted = true;
    Err(Stop::Finish)
}

pub(super) fn event_emit(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    let topic = take_region(call, 0, frame.limits.topic_bytes)?;
    let data = take_region(call, 2, frame.limits.data_bytes)?;
    emit(frame, vec![topic], data)
}

pub(super) fn event_emit_topics(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    check_writable(frame)?;
    let most = frame.extensions()?.topics;
    let topic_bytes = frame.limits.topic_bytes;
    let list_bytes = topic_bytes
        .saturating_add(LENGTH_BYTES)
        .saturating_mul(most);
    let list = take_region(call, 0, list_bytes)?;
    let topics = topics(&list, most, topic_bytes)?;
    let data = take_region(call, 2, frame.limits.data_bytes)?;
    emit(frame, topics, data)
}

/// The bytes of a length in a list.
const LENGTH_BYTES: u32 = 4;

/// The topics in a list of at most `most`, each of at most `topic_bytes` bytes. A length that does
/// not fit the list is that of a region outside it.
fn topics(mut list: &[u8], most: u32, topic_bytes: u32) -> Result<Vec<Vec<u8>>, Stop> {
    let outside = || Stop::Trap(Trap::MemoryOutOfBounds);
    let mut topics = Vec::new();
    for _ in 0..most {
        if list.is_empty() {
            break;
        }
        let (length, rest) = list.split_first_chunk().ok_or_else(outside)?;
        let length = u32::from_le_bytes(*length);
        if length > topic_bytes {
            return Err(Stop::Trap(Trap::DataLimit));
        }
        let length = usize::try_from(length).map_err(|_| outside())?;
        let (topic, rest) = rest.split_at_checked(length).ok_or_else(outside)?;
        topics.push(topic.to_vec());
        list = rest;
    }
    match list.is_empty() {
        true => Ok(topics),
        false => Err(Stop::Trap(Trap::DataLimit)),
    }
}

/// Records an event, if the transaction may have another one of this size.
fn emit(frame: &mut Frame, topics: Vec<Vec<u8>>, data: Vec<u8>) -> Result<u64, Stop> {
    let event = Event {
        address: frame.context.address,
        topics,
        data,
    };
    let limits = frame.extensions;
    let traced = frame
        .observers
        .inspector
        .clone()
        .map(|inspector| (inspector, event.clone()));
    match frame.changes().events.emit(event, limits) {
        true => {
            if let Some((inspector, event)) = traced {
                inspector.emit(event);
            }
            Ok(0)
        }
        false => Err(Stop::Trap(Trap::DataLimit)),
    }
}

pub(super) fn return_data_read(
    frame: &Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    give_buffer(call, 0, &frame.return_data)
}
