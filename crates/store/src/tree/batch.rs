//! A batch of changes to a subtree.
//!
//! It goes down once, which says what becomes of the nodes on the way and wants their hashes, and
//! makes the nodes when the hashes are known. Each node that changes is made and hashed once,
//! however many changes lead through it.

use std::sync::Arc;

use fusee_proof::{EMPTY, leaves};

use super::{
    Below, Leaf, MAX_LEAVES, Node, Write,
    hashing::{Hashing, Pending},
    leaves_of,
    pool::Spare,
    prefetch::prefetch,
    split, top_hash,
};

/// Two halves with at most so many leaves become one node with these leaves. It is less than
/// [`MAX_LEAVES`], so that changes back and forth do not split and join each time.
const JOINED_LEAVES: usize = MAX_LEAVES / 2;

/// What becomes of the entry at the path of a leaf.
struct Change {
    leaf: Leaf,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Written,
    Removed,
}

/// The batch: how to make the nodes, in an order in which halves come before what they are part of.
#[derive(Default)]
pub(super) struct Batch {
    spare: Spare,
    steps: Vec<Step>,
    hashing: Hashing,
    /// The nodes that were hashed.
    #[cfg(test)]
    hashed: usize,
    /// Memory for the leaves of one node.
    leaves: Vec<Leaf>,
    /// Memory for the subtrees that are made, and not yet part of another one.
    made: Vec<Option<Arc<Node>>>,
}

enum Step {
    /// A subtree that exists.
    Same(Option<Arc<Node>>),
    /// A node with leaves.
    Leaves(Arc<Node>, Pending),
    /// A node of the two subtrees before it.
    Branch(Pending),
    /// A node with the leaves of the two subtrees before it.
    Join(Pending),
}

/// A subtree that will be made.
#[derive(Clone, Copy)]
struct Part {
    hash: Pending,
    /// The number of its leaves, unless it has branches.
    leaves: Option<usize>,
}

impl Batch {
    pub(super) fn new(spare: Spare) -> Self {
        Self {
            spare,
            ..Self::default()
        }
    }

    #[cfg(test)]
    pub(super) const fn hashed(&self) -> usize {
        self.hashed
    }

    /// The nodes that were not used.
    pub(super) fn into_spare(self) -> Spare {
        self.spare
    }

    /// The subtree at a depth after writes, whose paths ascend and lead to it.
    pub(super) fn subtree(
        &mut self,
        subtree: Option<&Arc<Node>>,
        writes: &[Write],
        depth: usize,
    ) -> Option<Arc<Node>> {
        prefetch(subtree, writes, depth);
        self.update(subtree, &changes(writes), depth);
        self.finish()
    }

    /// The subtree of two halves.
    pub(super) fn halves(&mut self, [left, right]: [Option<Arc<Node>>; 2]) -> Option<Arc<Node>> {
        let left = self.same(left);
        let right = self.same(right);
        self.join(left, right);
        self.finish()
    }

    fn update(&mut self, subtree: Option<&Arc<Node>>, changes: &[Change], depth: usize) -> Part {
        if changes.is_empty() {
            return self.same(subtree.cloned());
        }
        if let Some(Below::Halves([left, right])) = subtree.map(|node| &node.below) {
            let (to_left, to_right) = split(changes, |change| &change.leaf.path, depth);
            let left = self.update(left.as_ref(), to_left, depth + 1);
            let right = self.update(right.as_ref(), to_right, depth + 1);
            return self.join(left, right);
        }
        let mut leaves = std::mem::take(&mut self.leaves);
        leaves.clear();
        merge(leaves_of(subtree), changes, &mut leaves);
        let part = self.build(&leaves, depth);
        self.leaves = leaves;
        part
    }

    /// A subtree that exists.
    fn same(&mut self, subtree: Option<Arc<Node>>) -> Part {
        let hash = self.hashing.known(top_hash(subtree.as_ref()));
        let leaves = match subtree.as_ref().map(|node| &node.below) {
            None => Some(0),
            Some(Below::Leaves(leaves)) => Some(leaves.len()),
            Some(Below::Halves(_)) => None,
        };
        self.steps.push(Step::Same(subtree));
        Part { hash, leaves }
    }

    /// The subtree of two halves, the last two that were made.
    fn join(&mut self, left: Part, right: Part) -> Part {
        let leaves = left
            .leaves
            .zip(right.leaves)
            .map(|(left, right)| left + right);
        let leaves = leaves.filter(|leaves| *leaves <= JOINED_LEAVES);
        let hash = match (leaves, left.leaves) {
            (Some(0 | 1), Some(0)) => right.hash,
            (Some(0 | 1), _) => left.hash,
            _ => self.hashing.node(left.hash, right.hash),
        };
        self.steps.push(match leaves {
            Some(_) => Step::Join(hash),
            None => Step::Branch(hash),
        });
        Part { hash, leaves }
    }

    /// The subtree at a depth with these leaves, whose paths ascend and lead to it.
    fn build(&mut self, leaves: &[Leaf], depth: usize) -> Part {
        if leaves.is_empty() {
            return self.same(None);
        }
        if leaves.len() <= MAX_LEAVES {
            let hash = self.hash(leaves, depth);
            let node = self.spare.leaves(EMPTY, [leaves, &[]]);
            self.steps.push(Step::Leaves(node, hash));
            return Part {
                hash,
                leaves: Some(leaves.len()),
            };
        }
        let (left, right) = split(leaves, |leaf| &leaf.path, depth);
        let left = self.build(left, depth + 1);
        let right = self.build(right, depth + 1);
        self.join(left, right)
    }

    /// The hash of the subtree at a depth with these leaves.
    fn hash(&mut self, leaves: &[Leaf], depth: usize) -> Pending {
        match leaves {
            [] => self.hashing.known(EMPTY),
            [leaf] => self.hashing.known(leaf.hash),
            _ => {
                let (left, right) = split(leaves, |leaf| &leaf.path, depth);
                let left = self.hash(left, depth + 1);
                let right = self.hash(right, depth + 1);
                self.hashing.node(left, right)
            }
        }
    }

    /// Makes the nodes. The last part that was asked for is the result.
    fn finish(&mut self) -> Option<Arc<Node>> {
        #[cfg(test)]
        {
            self.hashed += self.hashing.len();
        }
        self.hashing.compute();
        for step in self.steps.drain(..) {
            let subtree = match step {
                Step::Same(subtree) => subtree,
                Step::Leaves(mut node, hash) => {
                    let own = Arc::get_mut(&mut node).expect("it was made for this step");
                    own.hash = self.hashing.of(hash);
                    Some(node)
                }
                Step::Branch(hash) => {
                    let halves = last_two(&mut self.made);
                    Some(self.spare.branch(self.hashing.of(hash), halves))
                }
                Step::Join(hash) => match last_two(&mut self.made) {
                    [None, None] => None,
                    halves => {
                        let leaves = halves.each_ref().map(|half| leaves_of(half.as_ref()));
                        Some(self.spare.leaves(self.hashing.of(hash), leaves))
                    }
                },
            };
            self.made.push(subtree);
        }
        self.hashing.clear();
        self.made.pop().flatten()
    }
}

fn last_two(made: &mut Vec<Option<Arc<Node>>>) -> [Option<Arc<Node>>; 2] {
    let right = made.pop().flatten();
    [made.pop().flatten(), right]
}

fn changes(writes: &[Write]) -> Vec<Change> {
    let inputs: Vec<_> = writes
        .iter()
        .map(|write| [write.path, write.value_hash.unwrap_or_default()])
        .collect();
    let mut hashes = vec![EMPTY; inputs.len()];
    leaves(&inputs, &mut hashes);
    let changes = writes.iter().zip(inputs).zip(hashes);
    let changes = changes.map(|((write, [path, value_hash]), hash)| Change {
        leaf: Leaf {
            path,
            value_hash,
            hash,
        },
        kind: match write.value_hash {
            Some(_) => Kind::Written,
            None => Kind::Removed,
        },
    });
    changes.collect()
}

/// The leaves of a node after changes, in ascending order of paths.
fn merge(before: &[Leaf], changes: &[Change], leaves: &mut Vec<Leaf>) {
    let mut before = before.iter().peekable();
    for change in changes {
        while let Some(leaf) = before.next_if(|leaf| leaf.path < change.leaf.path) {
            leaves.push(*leaf);
        }
        before.next_if(|leaf| leaf.path == change.leaf.path);
        if change.kind == Kind::Written {
            leaves.push(change.leaf);
        }
    }
    leaves.extend(before);
}
