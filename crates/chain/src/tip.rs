//! Tips: the state on which the next block is executed.

use std::sync::Arc;

use fusee_state::{Diff, StackedState, StateReader};
use fusee_store::chain::Version;

/// The end of a chain: a committed version of the state, and the changes of blocks that were
/// executed on it and are not committed yet. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Tip {
    base: Version,
    /// Oldest first.
    pending: Vec<Arc<Diff>>,
}

impl Tip {
    pub(crate) const fn new(base: Version) -> Self {
        Self {
            base,
            pending: Vec::new(),
        }
    }

    /// The height of the last block.
    #[must_use]
    pub fn height(&self) -> u64 {
        let pending = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        self.base.height().saturating_add(pending)
    }

    /// The state after the last block.
    #[must_use]
    pub fn state(&self) -> Arc<dyn StateReader> {
        match self.pending.is_empty() {
            true => Arc::new(self.base.clone()),
            false => {
                let base = Arc::new(self.base.clone());
                Arc::new(StackedState::new(base, self.pending.clone()))
            }
        }
    }

    /// The tip after a block that was executed on this one.
    pub(crate) fn after(mut self, changes: Arc<Diff>) -> Self {
        self.pending.push(changes);
        self
    }

    /// The same tip on a later base, which has the changes of the first pending blocks.
    pub(crate) fn rebased(mut self, base: Version) -> Self {
        let committed = base.height().saturating_sub(self.base.height());
        let committed = usize::try_from(committed).unwrap_or(usize::MAX);
        self.pending.drain(..committed.min(self.pending.len()));
        Self { base, ..self }
    }
}
