//! Data of a call: input, output, revert messages, events and return data.

use fusee_engine::Stop;

use super::{PricedSyscall, check_writable, give_buffer, take_region};
use crate::{Event, frame::Frame};

pub(super) fn input_read(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    give_buffer(call, 0, &frame.context.input)
}

pub(super) fn output_write(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    frame.output = take_region(call, 0, frame.limits.data_bytes)?;
    Ok(0)
}

pub(super) fn revert(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    frame.output = take_region(call, 0, frame.limits.data_bytes)?;
    frame.has_reverted = true;
    Err(Stop::Finish)
}

pub(super) fn event_emit(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    let topic = take_region(call, 0, frame.limits.topic_bytes)?;
    let data = take_region(call, 2, frame.limits.data_bytes)?;
    let address = frame.context.address;
    frame.changes().events.push(Event {
        address,
        topic,
        data,
    });
    Ok(0)
}

pub(super) fn return_data_read(
    frame: &Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    give_buffer(call, 0, &frame.return_data)
}
