//! Hosts for tests.

use std::fmt;

use fusee_engine::{Host, Stop, Syscall};

/// A host that answers syscalls by a function.
pub struct Answering<F>(pub F);

impl<F> Host for Answering<F>
where
    F: FnMut(&mut Syscall<'_>) -> Result<u64, Stop> + Send + 'static,
{
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        (self.0)(call)
    }
}

impl<F> fmt::Debug for Answering<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Answering")
    }
}
