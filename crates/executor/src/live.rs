//! Instances at rest. How they are entered stands with the outcomes (`outcome`).

use std::sync::Arc;

use fusee_engine::{Gas, GuestMemory, Module, Program, Value};

use crate::{PreparedProgram, RunError, RunRequest, guest::Guest};

/// An instance at rest that can be entered: a fresh one, or one whose last run finished.
#[derive(Debug)]
pub struct LiveInstance {
    pub(crate) guest: Box<Guest>,
}

impl LiveInstance {
    pub(crate) fn new(program: Arc<PreparedProgram>, module: Arc<dyn Module>, slice: Gas) -> Self {
        Self::of(Box::new(Guest::new(program, module, slice)))
    }

    pub(crate) const fn of(guest: Box<Guest>) -> Self {
        Self { guest }
    }

    /// The program of which it is an instance.
    #[must_use]
    pub fn program(&self) -> &Program {
        self.guest.program()
    }

    /// The guest's whole memory; empty before the instance is made.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.guest.memory()
    }

    /// The results of the last run.
    #[must_use]
    pub fn results(&self) -> &[Value] {
        &self.guest.run.values
    }

    /// Makes the instance now, for runs like `request`, so that its memory, with the program's data
    /// in it, can be read and written before the first run. No code runs. The first run does not
    /// pay for the instantiation: the caller charges [`Program::instantiation_gas`] where it
    /// belongs. An instance that exists already is unchanged.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if it cannot be made.
    pub fn make(&mut self, request: &RunRequest<'_>) -> Result<(), RunError> {
        self.guest.make(request)
    }

    /// Grows the guest's memory by `pages`, without charging gas, and returns its previous size in
    /// pages. `None` if the guest has no memory yet, or the rules or the program do not let it grow
    /// so far.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if the system has no memory for it.
    pub fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, RunError> {
        self.guest.grow_memory(pages)
    }
}
