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
    // Before it is in the index: who looks something up there has it catch up.
    let told = shared.tell_included(block);
    shared.index.add(&shared.chain, block)?;
    told
}

impl Shared {
    /// Tells those that wait for a transaction of a block.
    pub(super) fn tell_included(&self, block: &Arc<StoredBlock>) -> Result<(), IndexError> {
        if self.watches.is_empty() {
            return Ok(());
        }
        let ids = self.index.ids(&self.chain, block)?;
        self.watches.committed(block, &ids)
    }
}
