//! Finalized blocks: executed, and not yet committed.

use fusee_state::Diff;

use crate::{CallResult, Header, HeaderHash, TransactionOutcome};

/// The result of a block. Nothing is written until the embedder commits the changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finalized {
    /// The changes to the state.
    pub changes: Diff,
    /// The outcome of each transaction, in their order.
    pub transactions: Vec<TransactionOutcome>,
    /// The results of the scheduled calls, in their order.
    pub calls: Vec<CallResult>,
    /// The encodings of the results, which are the leaves of the receipts root: of the
    /// transactions, then of the scheduled calls.
    pub results: Vec<Vec<u8>>,
    /// The header, without what `seal` adds.
    pub(crate) unsealed: Header,
}

impl Finalized {
    /// Completes the header: with the hash of the header before (of the first block, the identity
    /// of genesis) and the root of the state after the changes.
    #[must_use]
    pub fn seal(&self, parent: HeaderHash, state_root: [u8; 32]) -> Header {
        Header {
            parent,
            state_root,
            ..self.unsealed.clone()
        }
    }
}
