//! A staged block: the changes of the next block, and the root to which they lead.
//!
//! The work of the tree is done once, here. A staged block is a value: it can be dropped, and the
//! one after it can be staged before it is committed.

use std::sync::Arc;

use fusee_proof::Hash;
use fusee_state::Diff;

use super::flat::MAX_KEY;
use super::{ChainStoreError, Head};
use crate::Tree;

/// A block that is not committed yet.
#[derive(Clone, Debug)]
pub struct Staged {
    parent: Option<Head>,
    height: u64,
    tree: Tree,
    changes: Arc<Diff>,
}

impl Staged {
    pub(super) fn new(
        parent: Option<Head>,
        initial: u64,
        tree: &Tree,
        changes: Arc<Diff>,
    ) -> Result<Self, ChainStoreError> {
        if let Some((key, _)) = changes.iter().find(|(key, _)| key.len() > MAX_KEY) {
            return Err(ChainStoreError::KeyLength {
                found: key.len(),
                limit: MAX_KEY,
            });
        }
        Ok(Self {
            parent,
            height: next(parent, initial),
            tree: tree.apply(&changes),
            changes,
        })
    }

    /// The block after this one, before this one is committed.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::KeyLength`] for a key of more than 65,534 bytes.
    pub fn stage(&self, changes: impl Into<Arc<Diff>>) -> Result<Self, ChainStoreError> {
        let parent = Head {
            height: self.height,
            root: self.root(),
        };
        Self::new(Some(parent), self.height, &self.tree, changes.into())
    }

    /// The height that the block will have.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The root of the state after the block.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// The changes.
    #[must_use]
    pub fn changes(&self) -> &Diff {
        &self.changes
    }

    /// The block on which this one is staged.
    pub(super) fn parent(&self) -> Option<Head> {
        self.parent
    }

    pub(super) fn into_parts(self) -> (Tree, Arc<Diff>) {
        (self.tree, self.changes)
    }
}

/// The height after a head.
pub(super) fn next(head: Option<Head>, initial: u64) -> u64 {
    head.map_or(initial, |head| head.height.saturating_add(1))
}
