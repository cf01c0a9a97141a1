//! Calls that belong to no transaction: queries, and calls of the chain itself.

use std::sync::Arc;

use fusee_engine::{Gas, Interrupt};
use fusee_executor::Tier;
use fusee_state::StateReader;

use crate::{
    BlockContext, ContractError, Contracts,
    call_result::CallResult,
    call_stack::{Call, CallStack, Progress},
    changes::Changes,
    deployment::Opening,
    frame::Context,
};

impl Contracts {
    /// Runs a call on `state`, on the interpreter if only the engine fails. Oracle requests are
    /// answered with `UNANSWERED`. The changes of a call that fails are reverted.
    pub(crate) fn call_alone(
        &self,
        state: &Arc<dyn StateReader>,
        (context, gas): (&Context, Gas),
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<(Changes, CallResult), ContractError> {
        let attempt = |tier| {
            self.observers.clear();
            let mut stack = CallStack::new(self, block, interrupt, tier);
            let mut progress = stack.run(Call {
                context: context.clone(),
                gas,
                opening: Opening::Method,
                changes: Changes::new(Arc::clone(state)),
            })?;
            loop {
                progress = match progress {
                    Progress::Ended(changes, result) => return Ok((changes, result)),
                    Progress::Waiting(request) => stack.answer(request, None)?,
                };
            }
        };
        match attempt(Tier::Best) {
            Err(error) if self.may_interpret(&error) => {
                self.executor.count_fallback();
                attempt(Tier::Interpreter)
            }
            result => result,
        }
    }
}
