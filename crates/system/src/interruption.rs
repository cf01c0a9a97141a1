//! Interruptions: calls that wait for an answer of their caller.

use std::sync::Arc;

use fusee_engine::Gas;
use fusee_executor::Suspended;

use crate::{
    Billing, CallResult, SystemProgram, host::Context, instances::FrameHandle, wire::ExecParams,
};

/// How far a call came.
#[derive(Debug)]
pub enum Step {
    /// It has ended.
    Ended(CallResult),
    /// It waits for its caller.
    Interrupted(Interruption),
}

/// A call that waits. Dropping it ends the call. If the call waits in an instance in which others
/// wait as well, that instance is lost, and they fail.
#[derive(Debug)]
pub struct Interruption {
    pub(crate) params: Vec<u8>,
    pub(crate) waiting: Waiting,
    /// The transaction of the call, which counts the clones of this.
    pub(crate) transaction: Arc<()>,
}

/// How a call waits.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// It returned, and will be entered again. Its frame is in the guest's memory.
    Returned {
        frame: Arc<FrameHandle>,
        context: Box<Context>,
    },
    /// It is suspended at `_exec`.
    Suspended(Suspended<Box<Context>>),
}

impl Interruption {
    /// What the program asks of its caller. Never empty.
    #[must_use]
    pub fn params(&self) -> &[u8] {
        &self.params
    }

    /// The parameters, if the program asks for a call of another program.
    #[must_use]
    pub fn exec_params(&self) -> Option<ExecParams> {
        ExecParams::decode(&self.params)
    }

    /// The system program that waits; `None` if it is no system program.
    #[must_use]
    pub fn program(&self) -> Option<SystemProgram> {
        self.context().program
    }

    /// The gas that the call has used.
    pub(crate) fn gas_used(&self) -> Gas {
        match &self.waiting {
            Waiting::Returned { context, .. } => context.gas_used,
            Waiting::Suspended(frame) => frame.host().gas_used_in_run(frame.gas_left()),
        }
    }

    /// The gas that the call may still use.
    pub(crate) fn gas_left(&self) -> Gas {
        match &self.waiting {
            Waiting::Returned { context, .. } => context.gas_left(),
            Waiting::Suspended(frame) => frame.host().gas_left_in_run(frame.gas_left()),
        }
    }

    /// Leaves the call at most so much gas. What is taken away does not count as used.
    pub(crate) fn withhold(&mut self, most: Gas) {
        let left = self.gas_left();
        match &mut self.waiting {
            Waiting::Returned { context, .. } => {
                context.withhold(left, most);
            }
            Waiting::Suspended(frame) => {
                let left = frame.host_mut().withhold(left, most);
                if frame.host().billing() == Billing::Metered {
                    frame.set_gas(left);
                }
            }
        }
    }

    pub(crate) fn context(&self) -> &Context {
        match &self.waiting {
            Waiting::Returned { context, .. } => context,
            Waiting::Suspended(frame) => frame.host(),
        }
    }
}
