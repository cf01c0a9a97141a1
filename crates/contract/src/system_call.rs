//! System calls: calls that the chain makes by itself, at the begin or the end of a block.
//!
//! Nobody sends them, so no nonce advances, and nobody pays for their gas. Their gas limit bounds
//! them. One that fails changes nothing.

use std::sync::Arc;

use fusee_engine::{Gas, Interrupt, Trap};
use fusee_state::{Diff, ReadSet, StateReader};

use crate::{
    Address, BlockContext, ContractError, Contracts, Included, Status,
    call_result::CallResult,
    changes::Parts,
    frame::{Access, Context},
};

/// A call that the chain makes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemCall {
    /// The contract. It sees [`Address::SYSTEM`] as the caller.
    pub to: Address,
    /// The method. An empty one does nothing.
    pub method: String,
    /// The input of the method.
    pub input: Vec<u8>,
    /// The gas limit.
    pub gas: Gas,
}

impl Contracts {
    /// Runs a call that the chain makes by itself. Oracle requests are answered with `UNANSWERED`.
    ///
    /// It has no intrinsic price. Unless it succeeds, there are no changes. One whose method or
    /// input exceeds the limits of transactions traps with [`Trap::DataLimit`], as a contract that
    /// makes such a call does.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails. In this case nothing has changed.
    pub fn execute_system(
        &self,
        state: Arc<dyn StateReader>,
        call: SystemCall,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<Included, ContractError> {
        let SystemCall {
            to,
            method,
            input,
            gas,
        } = call;
        if self.find_too_large_call(&method, &input).is_some() {
            self.observers.clear();
            let result = CallResult::of(Status::Trapped(Trap::DataLimit));
            return Ok(Included {
                receipt: result.receipt(Vec::new(), gas, None),
                changes: Diff::default(),
                reads: ReadSet::default(),
                refusal: None,
            });
        }
        let context = Context {
            caller: Address::SYSTEM,
            address: to,
            method,
            value: 0,
            input,
            access: Access::ReadWrite,
        };
        let (changes, result) = self.call_alone(&state, (&context, gas), block, interrupt)?;
        let Parts {
            diff,
            reads,
            events,
        } = changes.into_parts();
        Ok(Included {
            receipt: result.receipt(events, gas, None),
            changes: diff,
            reads,
            refusal: None,
        })
    }
}
