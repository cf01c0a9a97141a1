//! Calls to other contracts, and oracle requests. These syscalls suspend the frame. The call stack
//! runs the callee or waits for the oracle, and then resumes the frame.

use fusee_engine::{Gas, Stop, Trap};

use super::{PricedSyscall, arg, check_writable, take_address, take_array, take_region};
use crate::{
    deployment::Opening,
    frame::{Access, CallRequest, Frame, PendingRequest},
};

const OPTIONS_BYTES: usize = 24;

/// A page of wasm memory.
const PAGE_BYTES: u64 = 65_536;

pub(super) fn call(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    charge_held(frame, call)?;
    let to = take_address(call, 0)?;
    let method = take_region(call, 1, frame.limits.method_bytes)?;
    // All exports have UTF-8 names, so another name is an unknown method.
    let method = String::from_utf8_lossy(&method).into_owned();
    let input = take_region(call, 3, frame.input_bytes)?;
    let options: [u8; OPTIONS_BYTES] = take_array(call, 5)?;
    let (gas, value) = decode_options(&options).ok_or(Stop::Trap(Trap::MemoryOutOfBounds))?;
    if value > 0 {
        check_writable(frame)?;
    }
    let access = frame.context.access;
    suspend(
        frame,
        CallRequest {
            to,
            method,
            value,
            input,
            gas: Gas::new(gas),
            access,
            opening: Opening::Method,
        },
    )
}

pub(super) fn call_read_only(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    charge_held(frame, call)?;
    let to = take_address(call, 0)?;
    let method = take_region(call, 1, frame.limits.method_bytes)?;
    let method = String::from_utf8_lossy(&method).into_owned();
    let input = take_region(call, 3, frame.limits.data_bytes)?;
    let gas = Gas::new(arg(call, 5)?);
    suspend(
        frame,
        CallRequest {
            to,
            method,
            value: 0,
            input,
            gas,
            access: Access::ReadOnly,
            opening: Opening::Method,
        },
    )
}

/// Suspends the frame for a call.
pub(super) fn suspend(frame: &mut Frame, request: CallRequest) -> Result<u64, Stop> {
    frame.pending = Some(PendingRequest::Call(request));
    Err(Stop::Suspend)
}

pub(super) fn oracle_request(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    charge_held(frame, call)?;
    let question = take_region(call, 0, frame.limits.data_bytes)?;
    frame.pending = Some(PendingRequest::Oracle(question));
    Err(Stop::Suspend)
}

/// Charges for the caller's memory, which stays allocated during the call, in units of wasm pages.
/// Pages of other formats are smaller: a partial wasm page is charged as a whole page, as for an
/// instance.
pub(super) fn charge_held(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<(), Stop> {
    let pages = call.memory.bytes().div_ceil(PAGE_BYTES);
    let price = frame.prices.held_page;
    call.charge(price.saturating_mul(pages))?;
    Ok(())
}

/// The gas limit and the value that the options of a call begin with.
pub(super) fn decode_options(options: &[u8]) -> Option<(u64, u128)> {
    let (gas, value) = options.split_first_chunk()?;
    Some((
        u64::from_le_bytes(*gas),
        u128::from_le_bytes(*value.first_chunk()?),
    ))
}
