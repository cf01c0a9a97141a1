//! What observes transactions and queries while they run. No receipt, no change, no read set and no
//! gas depends on them.

use fusee_engine::{CodeHash, Gas, Stop, Syscall};
use fusee_executor::FrameLimit;

use crate::{
    DebugLog, Inspector,
    call_result::CallResult,
    deployment::Opening,
    frame::Context,
    steps::{Exchange, StepRecorder},
};

/// The observers of one transaction or query. Clones share what they record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observers {
    pub(crate) log: Option<DebugLog>,
    pub(crate) inspector: Option<Inspector>,
    pub(crate) steps: Option<StepRecorder>,
}

impl Observers {
    /// Forgets an earlier transaction or attempt, which is not part of the next one.
    pub(crate) fn clear(&self) {
        if let Some(log) = &self.log {
            log.clear();
        }
        if let Some(inspector) = &self.inspector {
            inspector.clear();
        }
        if let Some(steps) = &self.steps {
            steps.clear();
        }
    }

    /// The operation with this index begins.
    pub(crate) fn begin_operation(&self, index: usize) {
        if let Some(steps) = &self.steps {
            steps.begin_operation(index);
        }
    }

    pub(crate) fn charge_intrinsic(&self, gas: Gas) {
        if let Some(inspector) = &self.inspector {
            inspector.charge_intrinsic(gas);
        }
    }

    /// A call begins.
    pub(crate) fn begin(&self, context: &Context, opening: &Opening, gas_limit: Gas) {
        if let Some(inspector) = &self.inspector {
            inspector.begin(context, opening, gas_limit);
        }
        if let Some(steps) = &self.steps {
            steps.begin(context, opening, gas_limit);
        }
    }

    /// The call that began last enters this method of the contract. `code` is `None` if the rules
    /// refuse it.
    pub(crate) fn enter(&self, method: &str, code: Option<CodeHash>) {
        if let Some(inspector) = &self.inspector {
            inspector.enter(method, code);
        }
    }

    /// The current call ends. `limit` is the limit of the call stack that refused it, if any.
    pub(crate) fn end(&self, result: &CallResult, limit: Option<FrameLimit>) {
        if let Some(inspector) = &self.inspector {
            inspector.end(result, limit);
        }
        if let Some(steps) = &self.steps {
            steps.end(result);
        }
    }

    /// The current frame is resumed with the result of its last syscall.
    pub(crate) fn resume(&self, reply: u64) {
        if let Some(inspector) = &self.inspector {
            inspector.resume(reply);
        }
    }

    /// Whether anybody observes syscalls.
    pub(crate) const fn observe_syscalls(&self) -> bool {
        self.inspector.is_some() || self.steps.is_some()
    }

    /// Lets the host answer a syscall of the current frame, and observes it.
    pub(crate) fn syscall(
        &self,
        call: &mut Syscall<'_>,
        answer: impl FnOnce(&mut Syscall<'_>, Option<&mut Exchange>) -> Result<u64, Stop>,
    ) -> Result<u64, Stop> {
        let (number, left) = (call.request.number, call.gas_left());
        let mut exchange = self.steps.as_ref().map(|_| {
            let mut exchange = Exchange::default();
            for index in 0..fusee_engine::MAX_SYSCALL_ARGS {
                exchange.argument(call.arg(index));
            }
            exchange
        });
        let result = answer(call, exchange.as_mut());
        let gas_used = left.saturating_sub(call.gas_left());
        let reply = result.as_ref().ok().copied();
        if let Some(inspector) = &self.inspector {
            inspector.syscall(number, left, gas_used, reply);
        }
        if let Some((steps, exchange)) = self.steps.as_ref().zip(exchange) {
            steps.syscall(number, (left, gas_used), exchange, reply);
        }
        result
    }
}
