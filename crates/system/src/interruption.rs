//! Interruptions: calls that wait for an answer from their caller.

use std::sync::Arc;

use fusee_engine::Gas;
use fusee_executor::Suspended;

use crate::{
    Billing, CallResult, SystemProgram, host::CallContext, instances::FrameHandle, wire::ExecParams,
};

/// The progress of a call.
#[derive(Debug)]
pub enum Step {
    /// The call has ended.
    Ended(CallResult),
    /// The call waits for its caller.
    Interrupted(Interruption),
}

/// A waiting call. Dropping it ends the call. If other calls wait in the same instance, the
/// instance is lost, and they fail.
#[derive(Debug)]
pub struct Interruption {
    pub(crate) params: Vec<u8>,
    pub(crate) waiting: Waiting,
    /// The transaction of the call. It counts the clones of this value.
    pub(crate) transaction: Arc<()>,
}

/// The position of a waiting call.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// The entry returned, and will be entered again. The frame is in the guest's memory.
    Returned {
        frame: Arc<FrameHandle>,
        context: Box<CallContext>,
    },
    /// It is suspended at `_exec`.
    Suspended(Suspended<Box<CallContext>>),
}

impl Interruption {
    /// The request for the caller. Never empty.
    #[must_use]
    pub fn params(&self) -> &[u8] {
        &self.params
    }

    /// The parameters, if the program requests a call of another program.
    #[must_use]
    pub fn exec_params(&self) -> Option<ExecParams> {
        ExecParams::decode(&self.params)
    }

    /// The system program that waits. `None` if it is not a system program.
    #[must_use]
    pub fn program(&self) -> Option<SystemProgram> {
        self.context().program
    }

    /// The used gas of the call.
    pub(crate) fn gas_used(&self) -> Gas {
        match &self.waiting {
            Waiting::Returned { context, .. } => context.gas_used,
            Waiting::Suspended(frame) => frame.host().gas_used_in_run(frame.gas_left()),
        }
    }

    /// The remaining gas of the call.
    pub(crate) fn gas_left(&self) -> Gas {
        match &self.waiting {
            Waiting::Returned { context, .. } => context.gas_left(),
            Waiting::Suspended(frame) => frame.host().gas_left_in_run(frame.gas_left()),
        }
    }

    /// Limits the remaining gas of the call. The gas that is removed does not count as used.
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

    /// The context of the call.
    pub fn context_mut(&mut self) -> &mut CallContext {
        match &mut self.waiting {
            Waiting::Returned { context, .. } => context,
            Waiting::Suspended(frame) => frame.host_mut(),
        }
    }

    /// The context of the call.
    #[must_use]
    pub fn context(&self) -> &CallContext {
        match &self.waiting {
            Waiting::Returned { context, .. } => context,
            Waiting::Suspended(frame) => frame.host(),
        }
    }
}
