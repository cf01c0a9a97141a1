//! Parameters of the call and of its block, and balances.

use fusee_engine::Stop;

use super::{PricedSyscall, give, give_buffer, take_address};
use crate::frame::{Frame, fail};

pub(super) fn caller(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    give(call, 0, frame.context.caller.as_bytes()).map(|()| 0)
}

pub(super) fn self_address(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    give(call, 0, frame.context.address.as_bytes()).map(|()| 0)
}

pub(super) fn value(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    frame.has_seen_value = true;
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

pub(super) fn proposer(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    give(call, 0, frame.block.proposer.as_bytes()).map(|()| 0)
}

pub(super) fn chain_id(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    give_buffer(call, 0, frame.block.chain_id.as_bytes())
}

pub(super) fn deposit(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let (address, deposit) = (frame.context.address, frame.deposit);
    let held = frame.changes().held(address, deposit);
    let held = held.map_err(|error| fail(error.into()))?;
    give(call, 0, &held.to_le_bytes()).map(|()| 0)
}
