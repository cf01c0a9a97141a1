//! The contract's own key-value space.
//!
//! A value that is read is paid for as soon as its length is known, whatever part of it the
//! contract takes. Only a contract without the gas for it is not charged for all of it: it has then
//! paid the base price for one value of bounded size, and is out of gas.

use fusee_abi::status::ABSENT;
use fusee_engine::Stop;
use fusee_state::Value;

use super::{PricedSyscall, charge_bytes, check_writable, status, take_region, write_fitting};
use crate::{
    frame::{Frame, fail},
    keys,
};

pub(super) fn read(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    match stored(frame, call)?.1 {
        None => Ok(status(ABSENT)),
        Some(value) => write_fitting(call, 2, &value),
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
        Some(_) => {
            frame.changes().journal.remove(key);
            Ok(1)
        }
    }
}

/// The full key that the first two arguments specify, and its value. Charges for both.
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
    if let Some(value) = &value {
        charge_bytes(call, super::length(value))?;
    }
    Ok((key, value))
}
