//! Pointers to the run and the host of the current call.
//!
//! A store owns its data, so it cannot contain references that are borrowed for one call.

use std::ptr::NonNull;

use fusee_engine::{Host, Run};

/// Pointers to a run and a host, during a call.
#[derive(Debug)]
pub(crate) struct Lent {
    run: NonNull<Run>,
    host: NonNull<dyn Host>,
}

// SAFETY: a run and a host may be sent to another thread, and the pointers to them are in a store
// only between `new` and the end of the same call, which is on one thread.
unsafe impl Send for Lent {}

impl Lent {
    /// Stores pointers to both.
    ///
    /// # Safety
    ///
    /// The caller drops this before the borrows end, also if wasmi panics.
    pub(crate) unsafe fn new(run: &mut Run, host: &mut (dyn Host + 'static)) -> Self {
        Self {
            run: NonNull::from(run),
            host: NonNull::from(host),
        }
    }

    /// The run and the host.
    #[inline]
    pub(crate) fn get(&mut self) -> (&mut Run, &mut (dyn Host + 'static)) {
        // SAFETY: the caller of `new` guarantees that both are still borrowed, mutably and
        // exclusively. The references returned borrow `self` mutably.
        unsafe { (self.run.as_mut(), self.host.as_mut()) }
    }

    /// The run.
    pub(crate) fn run(&self) -> &Run {
        // SAFETY: as above.
        unsafe { self.run.as_ref() }
    }
}
