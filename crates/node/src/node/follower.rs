//! The follower: the thread that indexes committed blocks, and announces them then.

use std::sync::{Arc, mpsc::Receiver};

use fusee_chain::StoredBlock;

use super::Shared;
use crate::IndexError;

/// Ends when the node shuts down, after the last committed block.
pub(super) fn run(shared: &Shared, blocks: Receiver<Arc<StoredBlock>>) {
    for block in blocks {
        if index(shared, &block).is_err() {
            // The next block makes up for it. Until then, the index lacks this one.
            shared.counters.index_failures.add(1);
        }
        shared.subscriptions.publish(&block);
    }
}

fn index(shared: &Shared, block: &Arc<StoredBlock>) -> Result<(), IndexError> {
    let indexed = shared.index.add(&shared.chain, block);
    if !shared.watches.is_empty() {
        let ids = shared.index.ids(&shared.chain, block)?;
        shared.watches.committed(block, &ids)?;
    }
    indexed
}
