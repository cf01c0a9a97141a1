//! Queries: calls of a method in read-only mode.

use std::sync::Arc;

use fusee_engine::Interrupt;
use fusee_executor::Tier;
use fusee_state::StateReader;

use crate::{
    call_stack::{self, Call, CallStack},
    changes::Changes,
    contracts::Contracts,
    entry::Entry,
    error::ContractError,
    frame::{Access, Context},
    receipt::Receipt,
    transaction::Query,
};

impl Contracts {
    /// Runs a method in read-only mode: syscalls that change the state trap.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn query(
        &self,
        state: Arc<dyn StateReader>,
        query: Query,
        interrupt: &Interrupt,
    ) -> Result<Receipt, ContractError> {
        let attempt = |tier| self.attempt_query(Arc::clone(&state), &query, interrupt, tier);
        match attempt(Tier::Best) {
            Err(error) if self.may_interpret(&error) => attempt(Tier::Interpreter),
            result => result,
        }
    }

    fn attempt_query(
        &self,
        state: Arc<dyn StateReader>,
        query: &Query,
        interrupt: &Interrupt,
        tier: Tier,
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
            entry: Entry::Method,
            program: None,
            changes,
        };
        let mut stack = CallStack::new(self, interrupt, tier);
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
