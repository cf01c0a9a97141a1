//! Growth of memories and tables that fails because the machine is out of memory.
//!
//! For the guest, `memory.grow` and `table.grow` fail only by the limits of the program and the
//! rules, which are the same on every machine. If this machine is out of memory, that is a fault of
//! the host.

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

    /// Wasmtime calls this too if the requested size exceeds the limit of the memory's type. Then
    /// it made no system call, and the error is not an [`Errno`].
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
