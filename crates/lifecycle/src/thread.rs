//! What the current thread does for a sandbox: runs a guest, or steps that were submitted together.
//!
//! A guest does not run within the host function of another: each would take native stack that
//! nothing limits, and none could be interrupted. It may also be the stack of another guest, whose
//! end an engine does not know.
//!
//! This is the thread's, and not a value that calls pass on: between the guest and the call that
//! its host function makes is code of the embedder's, which may use another sandbox, or another
//! executor.

use std::{cell::Cell, cell::RefCell};

use fusee_engine::Interrupt;

thread_local! {
    static IN_GUEST: Cell<bool> = const { Cell::new(false) };
    static STEPS: RefCell<Option<Steps>> = const { RefCell::new(None) };
}

/// Steps that a worker runs.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    /// Which sandbox: the address of its workers, which outlive the steps.
    pub(crate) workers: usize,
    /// The job in the queue of the workers.
    pub(crate) job: u64,
    /// Is triggered when nobody waits for the steps any more.
    pub(crate) interrupt: Interrupt,
}

/// Marks the thread until it is dropped.
#[derive(Debug)]
pub(crate) struct GuestMark(());

/// Marks the thread until it is dropped.
#[derive(Debug)]
pub(crate) struct StepsMark(());

/// A guest runs on this thread from now on.
pub(crate) fn enter_guest() -> GuestMark {
    IN_GUEST.set(true);
    GuestMark(())
}

/// Whether a guest runs on this thread: a host function is asking.
pub(crate) fn is_in_guest() -> bool {
    IN_GUEST.get()
}

/// Steps run on this thread from now on.
pub(crate) fn enter_steps(steps: Steps) -> StepsMark {
    STEPS.set(Some(steps));
    StepsMark(())
}

/// The steps of a sandbox that run on this thread.
pub(crate) fn steps_of(workers: usize) -> Option<Steps> {
    STEPS.with_borrow(|steps| {
        let steps = steps.as_ref();
        steps.filter(|steps| steps.workers == workers).cloned()
    })
}

impl Drop for GuestMark {
    fn drop(&mut self) {
        IN_GUEST.set(false);
    }
}

impl Drop for StepsMark {
    fn drop(&mut self) {
        STEPS.set(None);
    }
}
