//! The results of a stored block, decoded: of its transactions, then of its scheduled calls.

use fusee_chain::StoredBlock;
use fusee_contract::Event;
use fusee_ledger::{CallResult, DecodeError, TransactionResult};

use crate::IndexError;

/// One result of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockResult {
    /// Of a transaction.
    Transaction(TransactionResult),
    /// Of a scheduled call.
    Call(CallResult),
}

impl BlockResult {
    /// Decodes a result of a block by its index, which transactions and scheduled calls share.
    /// `None` if the block has fewer.
    ///
    /// # Errors
    ///
    /// [`IndexError::Result`] if it is not what a chain writes.
    pub fn of(block: &StoredBlock, index: usize) -> Result<Option<Self>, IndexError> {
        let Some(bytes) = block.results.get(index) else {
            return Ok(None);
        };
        let decoded: Result<Self, DecodeError> = match index < block.transactions.len() {
            true => TransactionResult::decode(bytes).map(BlockResult::Transaction),
            false => CallResult::decode(bytes).map(BlockResult::Call),
        };
        let height = block.header.height;
        decoded.map(Some).map_err(|source| IndexError::Result {
            height,
            index,
            source,
        })
    }

    /// The events, in order: of all operations of a transaction.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        let receipts = match self {
            BlockResult::Transaction(result) => result.receipts.as_slice(),
            BlockResult::Call(result) => std::slice::from_ref(&result.receipt),
        };
        receipts.iter().flat_map(|receipt| &receipt.events)
    }
}
