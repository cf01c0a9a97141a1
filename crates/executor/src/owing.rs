//! A guest that returned with less gas than none: it has done its work, and waits to pay for it.

use fusee_engine::{EngineError, GuestMemory, Instance, Parked, Run, Step};

/// Parked behind the last check of the guest's. When it goes on it returns again, so that whoever
/// holds the run looks at its gas again.
#[derive(Debug)]
pub(crate) struct Owing {
    pub(crate) instance: Box<dyn Instance>,
}

impl Parked for Owing {
    fn memory(&mut self) -> GuestMemory<'_> {
        self.instance.memory()
    }

    fn resume(self: Box<Self>, run: Box<Run>, _: u64) -> Result<Step, EngineError> {
        let Self { instance } = *self;
        Ok(Step::Returned { instance, run })
    }
}
