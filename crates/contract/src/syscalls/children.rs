//! Import restrictions of nested VMs. Nested VMs themselves are a layer above the frame.

use std::sync::Arc;

use fusee_engine::{Stop, Trap};
use fusee_virtualization::Symbols;

use super::{PricedSyscall, take_region};
use crate::frame::Frame;

pub(super) fn restrict_imports(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    // A list is no longer than a value: its names become a set, which takes longer for many.
    let names = take_region(call, 0, frame.limits.value_bytes)?;
    let names = String::from_utf8(names).map_err(|_| Stop::Trap(Trap::SyscallRefused))?;
    let names = names.lines().map(str::to_owned);
    frame.symbols = Some(Arc::new(Symbols::Only(names.collect())));
    Ok(0)
}
