//! Parameters of the call: caller, address, value and balances.

use fusee_engine::Stop;

use super::{PricedSyscall, give, take_address};
use crate::frame::{Frame, fail};

pub(super) fn caller(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    give(call, 0, frame.context.caller.as_bytes()).map(|()| 0)
}

pub(super) fn self_address(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    give(call, 0, frame.context.address.as_bytes()).map(|()| 0)
}

pub(super) fn value(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    give(call, 0, &frame.context.value.to_le_bytes()).map(|()| 0)
}

pub(super) fn balance(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let address = take_address(call, 0)?;
    let balance = frame
        .changes()
        .balance(address)
        .map_err(|error| fail(error.into()))?;
    give(call, 1, &balance.to_le_bytes()).map(|()| 0)
}
