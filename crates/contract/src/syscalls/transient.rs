//! The contract's own transient storage.

use fusee_abi::status::ABSENT;
use fusee_engine::{Stop, Trap};

use super::{
    PricedSyscall, charge_bytes, check_writable, length, status, take_region, write_fitting,
};
use crate::{StorageKind, frame::Frame};

pub(super) fn read(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let key = take_region(call, 0, frame.limits.key_bytes)?;
    let address = frame.context.address;
    let value = frame.changes().transient.read(address, &key);
    frame.trace_read(StorageKind::Transient, &key, value.as_deref());
    let Some(value) = value else {
        return Ok(status(ABSENT));
    };
    charge_bytes(call, length(&value))?;
    write_fitting(call, 2, &value)
}

pub(super) fn write(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    let key = take_region(call, 0, frame.limits.key_bytes)?;
    let value = take_region(call, 2, frame.limits.value_bytes)?;
    let most = frame.extensions()?.transient_bytes;
    let address = frame.context.address;
    let is_traced = frame.observers.inspector.is_some();
    let transient = &mut frame.changes().transient;
    let before = is_traced.then(|| transient.read(address, &key)).flatten();
    match transient.write(address, &key, &value, most) {
        true => {
            let kind = StorageKind::Transient;
            frame.trace_access(kind, &key, before.as_deref(), Some(&value));
            Ok(0)
        }
        false => Err(Stop::Trap(Trap::DataLimit)),
    }
}

pub(super) fn remove(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    let key = take_region(call, 0, frame.limits.key_bytes)?;
    let address = frame.context.address;
    let Some(value) = frame.changes().transient.read(address, &key) else {
        frame.trace_read(StorageKind::Transient, &key, None);
        return Ok(0);
    };
    charge_bytes(call, length(&value))?;
    frame.changes().transient.remove(address, &key);
    frame.trace_access(StorageKind::Transient, &key, Some(&value), None);
    Ok(1)
}
