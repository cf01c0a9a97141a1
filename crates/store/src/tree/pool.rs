//! The memory of nodes of dropped versions, used again for the nodes of new ones.
//!
//! A block makes tens of thousands of nodes, and the drop of an old version frees as many. An
//! allocator, which knows nothing of this, takes longer for them than all the hashing. The pool
//! affects time alone.

use std::sync::{Arc, Mutex, PoisonError};

use fusee_proof::Hash;

use super::{Below, Leaf, MAX_LEAVES, Node};

/// The most nodes with leaves that are kept: 40 MB.
const MOST_LEAVES: usize = 40_000;

/// The most nodes with halves that are kept: 6 MB.
const MOST_BRANCHES: usize = 80_000;

/// The pool that the versions of a tree share.
#[derive(Default)]
pub(super) struct Pool(Mutex<Spare>);

/// Nodes that nothing refers to.
#[derive(Default)]
pub(super) struct Spare {
    leaves: Vec<Arc<Node>>,
    branches: Vec<Arc<Node>>,
}

impl Pool {
    /// Takes all that the pool has.
    pub(super) fn take(&self) -> Spare {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut spare)
    }

    /// Gives back what was taken. If another thread has given back meanwhile, the larger part is
    /// kept.
    pub(super) fn give(&self, spare: Spare) {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let smaller = match own.leaves.len() < spare.leaves.len() {
            true => std::mem::replace(&mut *own, spare),
            false => spare,
        };
        drop(own);
        // The lock is free while the allocator works.
        drop(smaller);
    }
}

#[cfg(test)]
impl Pool {
    pub(super) fn len(&self) -> usize {
        let spare = self.0.lock().unwrap();
        spare.leaves.len() + spare.branches.len()
    }
}

impl Spare {
    /// A node with leaves, of which there are at most [`MAX_LEAVES`].
    pub(super) fn leaves(&mut self, hash: Hash, from: [&[Leaf]; 2]) -> Arc<Node> {
        let mut node = self.leaves.pop().unwrap_or_else(|| {
            Arc::new(Node {
                hash,
                below: Below::Leaves(Vec::with_capacity(MAX_LEAVES)),
            })
        });
        let own = Arc::get_mut(&mut node).expect("nothing else refers to it");
        own.hash = hash;
        if let Below::Leaves(leaves) = &mut own.below {
            leaves.clear();
            for from in from {
                leaves.extend_from_slice(from);
            }
        }
        node
    }

    /// A node of two halves.
    pub(super) fn branch(&mut self, hash: Hash, halves: [Option<Arc<Node>>; 2]) -> Arc<Node> {
        let below = Below::Halves(halves);
        let Some(mut node) = self.branches.pop() else {
            return Arc::new(Node { hash, below });
        };
        *Arc::get_mut(&mut node).expect("nothing else refers to it") = Node { hash, below };
        node
    }

    /// Takes the nodes of a subtree that nothing else refers to.
    pub(super) fn recycle(&mut self, subtree: Arc<Node>) {
        let mut dropped = vec![subtree];
        while let Some(mut node) = dropped.pop() {
            match Arc::get_mut(&mut node).map(|node| &mut node.below) {
                // Others have it.
                None => {}
                Some(Below::Halves(halves)) => {
                    dropped.extend(halves.iter_mut().filter_map(Option::take));
                    if self.branches.len() < MOST_BRANCHES {
                        self.branches.push(node);
                    }
                }
                Some(Below::Leaves(_)) if self.leaves.len() < MOST_LEAVES => {
                    self.leaves.push(node);
                }
                Some(Below::Leaves(_)) => {}
            }
        }
    }
}
