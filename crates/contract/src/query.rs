//! Queries: calls of a method in read-only mode.

use std::sync::Arc;

use fusee_engine::Interrupt;
use fusee_state::{ReadSet, StateReader};

use crate::{
    BlockContext, ContractError, Contracts, Query, Receipt,
    frame::{Access, Context},
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
        let (receipt, _) = self.query_with_reads(state, query, block, interrupt)?;
        Ok(receipt)
    }

    /// Runs a method as [`query`](Self::query) does, and returns what it read of the state as well,
    /// also in frames that failed. On a state that has the same there, everybody comes to the same
    /// receipt.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub fn query_with_reads(
        &self,
        state: Arc<dyn StateReader>,
        query: Query,
        block: &BlockContext,
        interrupt: &Interrupt,
    ) -> Result<(Receipt, ReadSet), ContractError> {
        let Query {
            from,
            to,
            method,
            input,
            gas,
        } = query;
        let context = Context {
            caller: from,
            address: to,
            method,
            value: 0,
            input,
            access: Access::ReadOnly,
        };
        let (changes, result) = self.call_alone(&state, (&context, gas), block, interrupt)?;
        let reads = changes.into_parts().reads;
        Ok((result.receipt(Vec::new(), gas, None), reads))
    }
}
