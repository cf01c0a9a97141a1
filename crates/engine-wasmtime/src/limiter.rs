//! Growth that fails for want of the host's memory.
//!
//! A guest sees `memory.grow` fail where the program's own limits say so, which is the same on every
//! machine. Where only this machine lacks the memory, that is a fault of the host.

use rustix::io::Errno;
use wasmtime::{Error, ResourceLimiter};

use crate::link::State;

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Error> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }

    /// Called too where the guest asks for more than its memory's type can say: then no system
    /// was asked, and none failed.
    fn memory_grow_failed(&mut self, error: Error) -> Result<(), Error> {
        if error.is::<Errno>() {
            Err(error)
        } else {
            Ok(())
        }
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Error> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}
