//! The contract's own key-value space.

use fusee_abi::status::ABSENT;
use fusee_engine::Stop;
use fusee_state::Value;

use super::{PricedSyscall, charge_bytes, check_writable, give_buffer, status, take_region};
use crate::{
    frame::{Frame, fail},
    keys,
};

pub(super) fn read(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    match stored(frame, call)?.1 {
        None => Ok(status(ABSENT)),
        Some(value) => give_buffer(call, 2, &value),
    }
}

pub(super) fn write(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    let key = take_region(call, 0, frame.limits.key_bytes)?;
    let value = take_region(call, 2, frame.limits.value_bytes)?;
    let key = keys::storage(frame.context.address, &key);
    frame.changes().journal.write(key, value);
    Ok(0)
}

pub(super) fn remove(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    let (key, value) = stored(frame, call)?;
    match value {
        None => Ok(0),
        Some(value) => {
            charge_bytes(call, super::length(&value))?;
            frame.changes().journal.remove(key);
            Ok(1)
        }
    }
}

/// The full key that the first two arguments specify, and its value.
fn stored(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<(Vec<u8>, Option<Value>), Stop> {
    let key = take_region(call, 0, frame.limits.key_bytes)?;
    let key = keys::storage(frame.context.address, &key);
    let value = frame
        .changes()
        .journal
        .read(&key)
        .map_err(|error| fail(error.into()))?;
    Ok((key, value))
}
