//! What readers see: the head, the versions that are served, and the layers below them.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::epoch::Epoch;
use super::gaps::Gaps;
use super::hot::Hot;
use super::version::{Base, Version};
use super::{ChainStoreError, Head, Options};
use crate::Tree;

/// Shared by the store, the thread that writes checkpoints, and nobody else: versions take from it
/// what they need.
#[derive(Debug)]
pub(super) struct Shown(RwLock<State>);

#[derive(Debug)]
pub(super) struct State {
    pub(super) base: Arc<Base>,
    /// Oldest first. The last one grows.
    pub(super) epochs: VecDeque<Arc<Epoch>>,
    /// The trees of the versions that are served, by height without gaps, oldest first.
    trees: VecDeque<(u64, Tree)>,
    /// How many are served.
    versions: u64,
    pub(super) hot: Arc<Hot>,
    pub(super) gaps: Arc<Gaps>,
}

impl State {
    pub(super) fn new(base: Base, tree: Tree, options: &Options) -> Self {
        let height = base.height;
        Self {
            base: Arc::new(base),
            epochs: VecDeque::from([Arc::default()]),
            trees: height.map(|height| (height, tree)).into_iter().collect(),
            versions: options.versions.max(1),
            hot: Arc::new(Hot::new(options.cache_bytes, height)),
            gaps: Arc::new(Gaps::new(height)),
        }
    }

    pub(super) fn head(&self) -> Option<Head> {
        let (height, tree) = self.trees.back()?;
        Some(Head {
            height: *height,
            root: tree.root(),
        })
    }

    /// The tree of the head, which is that of an empty state before the genesis.
    pub(super) fn tree(&self) -> Tree {
        let last = self.trees.back();
        last.map(|(_, tree)| tree.clone()).unwrap_or_default()
    }

    /// Shows the next block. Returns the trees that are not served any more.
    pub(super) fn push(&mut self, height: u64, tree: Tree) -> Vec<Tree> {
        self.trees.push_back((height, tree));
        let served = usize::try_from(self.versions).unwrap_or(usize::MAX);
        let past = self.trees.len().saturating_sub(served);
        self.trees.drain(..past).map(|(_, tree)| tree).collect()
    }

    /// The flat state has the oldest epoch now. Returns what it replaces.
    pub(super) fn advance(&mut self, base: Base) -> (Arc<Base>, Option<Arc<Epoch>>) {
        let before = std::mem::replace(&mut self.base, Arc::new(base));
        (before, self.epochs.pop_front())
    }

    pub(super) fn version(&self, height: Option<u64>) -> Option<Version> {
        let (oldest, _) = self.trees.front()?;
        let at = match height {
            Some(height) => usize::try_from(height.checked_sub(*oldest)?).ok()?,
            None => self.trees.len().checked_sub(1)?,
        };
        let (height, tree) = self.trees.get(at)?;
        Some(Version {
            height: *height,
            tree: tree.clone(),
            base: Arc::clone(&self.base),
            epochs: self.epochs.iter().map(Arc::clone).collect(),
            hot: Arc::clone(&self.hot),
            gaps: Arc::clone(&self.gaps),
        })
    }
}

impl Shown {
    pub(super) fn new(state: State) -> Self {
        Self(RwLock::new(state))
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        // Each change is made of moves that do not panic.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn version(
        &self,
        height: Option<u64>,
        initial: u64,
    ) -> Result<Version, ChainStoreError> {
        let state = self.read();
        let Some(head) = state.head() else {
            return Err(ChainStoreError::NoGenesis { initial });
        };
        let not_served = || ChainStoreError::NotServed {
            height: height.unwrap_or(head.height),
            oldest: state
                .trees
                .front()
                .map_or(head.height, |(oldest, _)| *oldest),
            head: head.height,
        };
        state.version(height).ok_or_else(not_served)
    }
}
