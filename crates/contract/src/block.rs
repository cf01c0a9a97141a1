//! The block that includes a transaction, as contracts see it.

use std::sync::Arc;

use crate::Address;

/// What contracts may read of the block that includes their transaction, besides the state. All
/// nodes must pass the same values: they come from the block's header, and never from a clock.
///
/// The default stands for no block: all numbers are 0, the chain id is empty, and the proposer is
/// the address of 32 bytes 0. Clones are cheap.
///
/// Nothing here is random, and no syscall is: what is unpredictable to users is chosen by the
/// proposer, or known to it before the block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// The name of the chain, by which contracts tell signatures for other chains apart.
    pub chain_id: Arc<str>,
    /// The number of the block. The first one after genesis has number 1.
    pub height: u64,
    /// The time of the block's header, in milliseconds since the Unix epoch.
    pub time: u64,
    /// The address of the block's proposer.
    pub proposer: Address,
}

impl Default for BlockContext {
    fn default() -> Self {
        Self {
            chain_id: "".into(),
            height: 0,
            time: 0,
            proposer: Address::new([0; 32]),
        }
    }
}
