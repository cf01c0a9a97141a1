//! Instances at rest. How they are entered stands with the outcomes (`outcome`).

use std::sync::Arc;

use fusee_engine::{Gas, GuestMemory, Module, Program, Value};

use crate::{PreparedProgram, RunError, RunRequest, guest::Guest};

/// An instance at rest that can be entered: a fresh one, one whose last run finished, or a
/// [persistent](Self::make_persistent) one.
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

    /// [Makes](Self::make) the instance now, so that each of its runs is one call of the entry and
    /// nothing else: neither the program's start function nor `_initialize` runs before the first.
    /// A run that traps or runs out of gas leaves the instance at rest, with the memory that it
    /// wrote, if the engine can abandon a call: PolkaVM can, engines for wasm cannot.
    ///
    /// # Errors
    ///
    /// As [`make`](Self::make).
    pub fn make_persistent(&mut self, request: &RunRequest<'_>) -> Result<(), RunError> {
        self.guest.make_persistent(request)
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
