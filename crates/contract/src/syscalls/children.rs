//! Children: programs that a contract runs. What it waits for is done where the frame is parked.

use fusee_engine::{Stop, Syscall, Trap};
use fusee_virtualization::{Children, Symbols};

use super::{Call, take_region};
use crate::frame::{Frame, fail};

pub(super) fn function(frame: &mut Frame, call: &mut Syscall<'_>) -> Result<u64, Stop> {
    children(frame)?.syscall(call)
}

pub(super) fn admit_symbols(frame: &mut Frame, call: &mut Call<'_, '_>) -> Result<u64, Stop> {
    let names = take_region(call, 0, frame.limits.data_bytes)?;
    let names = String::from_utf8(names).map_err(|_| Stop::Trap(Trap::SyscallRefused))?;
    let names = names.lines().map(str::to_owned).collect();
    // A contract that imports this alone never compiles anything.
    if let Some(children) = &mut frame.children {
        children.admit(Symbols::Only(names));
    }
    Ok(0)
}

fn children(frame: &mut Frame) -> Result<&mut Children, Stop> {
    let children = frame.children.as_deref_mut();
    children.ok_or_else(|| fail("a frame calls for children, and has none".into()))
}
