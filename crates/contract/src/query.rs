//! Queries: calls of a method in read-only mode.

use std::sync::Arc;

use fusee_engine::Interrupt;
use fusee_executor::Tier;
use fusee_state::StateReader;

use crate::{
    BlockContext,
    call_stack::{self, Call, CallStack},
    changes::Changes,
    contracts::Contracts,
    deployment::Opening,
    error::ContractError,
    frame::{Access, Context},
    receipt::Receipt,
    transaction::Query,
};

impl Contracts {
    /// Runs a method in read-only mode: syscalls that change the state trap. `block` is the block
    /// whose state it is, which contracts see as that of a transaction.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn query(
        &self,
        state: Arc<dyn StateReader>,
        query: Query,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<Receipt, ContractError> {
        let attempt = |tier| {
            self.observers.clear();
            let stack = CallStack::new(self, block, interrupt, tier);
            Self::attempt_query(stack, Arc::clone(&state), &query)
        };
        match attempt(Tier::Best) {
            Err(error) if self.may_interpret(&error) => attempt(Tier::Interpreter),
            result => result,
        }
    }

    fn attempt_query(
        mut stack: CallStack,
        state: Arc<dyn StateReader>,
        query: &Query,
    ) -> Result<Receipt, ContractError> {
        let changes = Changes::new(state);
        let Query {
            from,
            to,
            method,
            input,
            gas,
        } = query.clone();
        let context = Context {
            caller: from,
            address: to,
            method,
            value: 0,
            input,
            access: Access::ReadOnly,
        };
        let call = Call {
            context,
            gas,
            opening: Opening::Method,
            changes,
        };
        let mut progress = stack.run(call)?;
        loop {
            progress = match progress {
                call_stack::Progress::Ended(_, result) => {
                    return Ok(result.receipt(Vec::new(), gas, None));
                }
                call_stack::Progress::Waiting(request) => stack.answer(request, None)?,
            };
        }
    }
}
