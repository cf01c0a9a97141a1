//! Import restrictions of nested VMs. Nested VMs themselves are a layer above the frame.

use fusee_engine::{Stop, Trap};
use fusee_virtualization::Symbols;

use super::{PricedSyscall, take_region};
use crate::frame::Frame;

pub(super) fn restrict_imports(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    let names = take_region(call, 0, frame.limits.data_bytes)?;
    let names = String::from_utf8(names).map_err(|_| Stop::Trap(Trap::SyscallRefused))?;
    frame.symbols = Symbols::Only(names.lines().map(str::to_owned).collect());
    Ok(0)
}
