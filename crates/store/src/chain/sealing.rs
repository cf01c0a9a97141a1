//! Sealing: divides the blocks into epochs, and gives complete ones to the thread that writes
//! checkpoints, once they are far enough behind the head.

use std::collections::VecDeque;
use std::sync::Arc;

use fusee_state::Diff;

use super::checkpoint::{Checkpointer, Job};
use super::epoch::Epoch;
use super::flat::Meta;
use super::reaper::Reaper;
use super::shown::Shown;
use super::{ChainStoreError, Head, Options};
use crate::Tree;

/// Divides blocks into epochs, and gives epochs to the thread that writes checkpoints.
pub(super) struct Sealing {
    pub(super) checkpointer: Checkpointer,
    reaper: Reaper,
    identity: [u8; 32],
    /// By how many heights a checkpoint trails the head.
    versions: u64,
    keys_limit: u64,
    bytes_limit: u64,
    keys: u64,
    bytes: u64,
    /// Complete epochs that are not given to the thread yet.
    sealed: VecDeque<(Arc<Epoch>, Head)>,
}

impl Sealing {
    pub(super) fn new(checkpointer: Checkpointer, reaper: Reaper, options: &Options) -> Self {
        Self {
            checkpointer,
            reaper,
            identity: options.identity,
            versions: options.versions.max(1),
            keys_limit: options.checkpoint_keys,
            bytes_limit: options.checkpoint_bytes,
            keys: 0,
            bytes: 0,
            sealed: VecDeque::new(),
        }
    }

    /// Shows a block to readers, and makes due checkpoints.
    pub(super) fn show(
        &mut self,
        shown: &Shown,
        head: Head,
        tree: Tree,
        changes: &Arc<Diff>,
    ) -> Result<(), ChainStoreError> {
        self.count(changes);
        let state = shown.read();
        let last = state.epochs.back().cloned();
        let (hot, gaps) = (Arc::clone(&state.hot), Arc::clone(&state.gaps));
        drop(state);
        let last = last.unwrap_or_default();
        hot.advance(head.height, changes);
        gaps.advance(head.height, changes);
        last.add(head.height, changes);
        let mut state = shown.write();
        let past = state.push(head.height, tree);
        if self.keys >= self.keys_limit || self.bytes >= self.bytes_limit {
            (self.keys, self.bytes) = (0, 0);
            state.epochs.push_back(Arc::default());
            self.sealed.push_back((last, head));
        }
        drop(state);
        self.reaper.free(past);
        self.give(head.height)
    }

    fn count(&mut self, changes: &Diff) {
        let bytes = changes.iter().fold(0_usize, |sum, (key, value)| {
            let value = value.map_or(0, <[u8]>::len);
            sum.saturating_add(key.len()).saturating_add(value)
        });
        let wide = |length| u64::try_from(length).unwrap_or(u64::MAX);
        self.keys = self.keys.saturating_add(wide(changes.len()));
        self.bytes = self.bytes.saturating_add(wide(bytes));
    }

    /// Gives the epochs that are far enough behind the head to the thread.
    fn give(&mut self, head: u64) -> Result<(), ChainStoreError> {
        let is_due = |(_, last): &mut (_, Head)| {
            let due = last.height.saturating_add(self.versions);
            due <= head
        };
        while let Some((epoch, last)) = self.sealed.pop_front_if(is_due) {
            let meta = Meta {
                identity: self.identity,
                height: last.height,
                root: last.root,
            };
            self.checkpointer.give(Job { epoch, meta })?;
        }
        Ok(())
    }
}
