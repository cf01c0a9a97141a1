//! The state tree: a sparse Merkle tree in memory, of which every version is a value.
//!
//! Guarantees: the root is a function of the entries alone, see [`fusee_proof`]. A tree does not
//! change; applying changes makes another one that shares what is equal. It takes about 240 bytes
//! of memory for each entry, and values are not in it.

use std::{fmt, sync::Arc};

use fusee_proof::{EMPTY, End, Hash, Proof, bit, leaf, node, path, value_hash};
use fusee_state::Diff;

/// One version of the state tree. Clones share it.
#[derive(Clone, Default)]
pub struct Tree {
    top: Option<Arc<Node>>,
}

/// A subtree that is not empty.
enum Node {
    Leaf {
        path: Hash,
        value_hash: Hash,
        hash: Hash,
    },
    /// Has at least two leaves.
    Branch {
        left: Option<Arc<Node>>,
        right: Option<Arc<Node>>,
        hash: Hash,
    },
}

/// What becomes of the entry at a path.
#[derive(Clone, Copy)]
struct Change {
    path: Hash,
    /// `None`: it is removed.
    value_hash: Option<Hash>,
}

impl Tree {
    /// The state root: [`EMPTY`] for the empty state.
    #[must_use]
    pub fn root(&self) -> Hash {
        hash(self.top.as_ref())
    }

    /// The tree of the state after `diff`.
    #[must_use]
    pub fn apply(&self, diff: &Diff) -> Self {
        self.with(diff.iter())
    }

    /// The tree of a state. If a key occurs twice, any of its values counts.
    #[must_use]
    pub fn of<B: AsRef<[u8]>>(entries: impl IntoIterator<Item = (B, B)>) -> Self {
        let entries = entries.into_iter();
        Self::default().with(entries.map(|(key, value)| (key, Some(value))))
    }

    fn with<B: AsRef<[u8]>>(&self, changes: impl Iterator<Item = (B, Option<B>)>) -> Self {
        let changes = changes.map(|(key, value)| Change {
            path: path(key.as_ref()),
            value_hash: value.map(|value| value_hash(value.as_ref())),
        });
        let mut changes: Vec<_> = changes.collect();
        changes.sort_unstable_by_key(|change| change.path);
        changes.dedup_by_key(|change| change.path);
        Self {
            top: update(self.top.clone(), &changes, 0),
        }
    }

    /// Proves what the state has under a key.
    #[must_use]
    pub fn prove(&self, key: &[u8]) -> Proof {
        let wanted = path(key);
        let mut siblings = Vec::new();
        let mut at = self.top.as_deref();
        while let Some(Node::Branch { left, right, .. }) = at {
            let (next, sibling) = match bit(&wanted, siblings.len()) {
                true => (right, left),
                false => (left, right),
            };
            siblings.push(hash(sibling.as_ref()));
            at = next.as_deref();
        }
        let end = match at {
            Some(Node::Leaf { path, .. }) if *path == wanted => End::Present,
            Some(Node::Leaf {
                path, value_hash, ..
            }) => End::Other {
                path: *path,
                value_hash: *value_hash,
            },
            _ => End::Empty,
        };
        Proof::new(siblings, end)
    }
}

fn hash(subtree: Option<&Arc<Node>>) -> Hash {
    match subtree.map(AsRef::as_ref) {
        None => EMPTY,
        Some(Node::Leaf { hash, .. } | Node::Branch { hash, .. }) => *hash,
    }
}

/// The subtree at a depth after changes, whose paths ascend and lead to it.
fn update(subtree: Option<Arc<Node>>, changes: &[Change], depth: usize) -> Option<Arc<Node>> {
    if changes.is_empty() {
        return subtree;
    }
    match subtree.as_deref() {
        None => {
            let leaves: Vec<_> = changes.iter().filter_map(Change::leaf).collect();
            build(&leaves, depth)
        }
        Some(Node::Leaf { path, .. }) => {
            let kept = changes.binary_search_by_key(path, |change| change.path);
            let before = match kept {
                Ok(_) => changes.len(),
                Err(at) => at,
            };
            let (before, after) = changes.split_at(before);
            let own = kept.is_err().then_some(subtree).flatten();
            let leaves = before.iter().filter_map(Change::leaf);
            let leaves = leaves
                .chain(own)
                .chain(after.iter().filter_map(Change::leaf));
            let leaves: Vec<_> = leaves.collect();
            build(&leaves, depth)
        }
        Some(Node::Branch { left, right, .. }) => {
            let (to_left, to_right) = split(changes, |change| &change.path, depth);
            branch(
                update(left.clone(), to_left, depth + 1),
                update(right.clone(), to_right, depth + 1),
            )
        }
    }
}

/// The subtree at a depth with these leaves, whose paths ascend and lead to it.
fn build(leaves: &[Arc<Node>], depth: usize) -> Option<Arc<Node>> {
    match leaves {
        [] => None,
        [leaf] => Some(Arc::clone(leaf)),
        _ => {
            let (left, right) = split(leaves, |leaf| leaf.path(), depth);
            branch(build(left, depth + 1), build(right, depth + 1))
        }
    }
}

/// Splits what ascends by path into what goes left and what goes right.
fn split<T>(all: &[T], path: impl Fn(&T) -> &Hash, depth: usize) -> (&[T], &[T]) {
    all.split_at(all.partition_point(|one| !bit(path(one), depth)))
}

/// The subtree of two halves. One with a single leaf is that leaf.
fn branch(left: Option<Arc<Node>>, right: Option<Arc<Node>>) -> Option<Arc<Node>> {
    match (left.as_deref(), right.as_deref()) {
        (None, None | Some(Node::Leaf { .. })) => right,
        (Some(Node::Leaf { .. }), None) => left,
        _ => {
            let hash = node(&hash(left.as_ref()), &hash(right.as_ref()));
            Some(Arc::new(Node::Branch { left, right, hash }))
        }
    }
}

impl Change {
    /// The leaf after the change.
    fn leaf(&self) -> Option<Arc<Node>> {
        let value_hash = self.value_hash?;
        Some(Arc::new(Node::Leaf {
            path: self.path,
            value_hash,
            hash: leaf(&self.path, &value_hash),
        }))
    }
}

impl Node {
    /// The path of a leaf.
    fn path(&self) -> &Hash {
        match self {
            Self::Leaf { path, .. } => path,
            Self::Branch { .. } => unreachable!("only leaves are listed"),
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root();
        f.debug_struct("Tree").field("root", &root).finish()
    }
}

#[cfg(test)]
mod tests;
