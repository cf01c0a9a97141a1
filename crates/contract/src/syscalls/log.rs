//! The debug log.

use fusee_engine::Stop;

use super::{PricedSyscall, arg, charge_bytes};
use crate::frame::Frame;

/// Charges for the part of the text that is within the limit, and writes it. Whether there is a log
/// changes neither the gas nor which addresses trap.
pub(super) fn debug_log(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let most = frame.extensions()?.log_bytes;
    let (start, length) = (arg(call, 0)?, arg(call, 1)?.min(most.into()));
    charge_bytes(call, length)?;
    let text = call.read(start, length)?;
    frame.log(&text);
    Ok(0)
}
