//! Subtrees of the state tree, as far as the ones above them need to know them.
//!
//! A subtree with one leaf is that leaf, wherever it is. So one has to know whether a subtree is a
//! leaf; a hash alone that is claimed to be one could be that of anything. A leaf is therefore
//! always given by its path and the hash of its value.

use fusee_proof::{EMPTY, Hash, bit, leaf, node};

use super::Rest;

const EMPTY_KIND: u8 = 0;
const LEAF_KIND: u8 = 1;
const BRANCH_KIND: u8 = 2;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Subtree {
    Empty,
    Leaf {
        path: Hash,
        value_hash: Hash,
    },
    /// At least two leaves.
    Branch(Hash),
}

impl Subtree {
    /// The subtree at a depth of leaves, whose paths ascend and lead to it.
    pub(super) fn of(leaves: &[(Hash, Hash)], depth: usize) -> Self {
        match leaves {
            [] => Self::Empty,
            [(path, value_hash)] => Self::Leaf {
                path: *path,
                value_hash: *value_hash,
            },
            _ => {
                let middle = leaves.partition_point(|(path, _)| !bit(path, depth));
                let (left, right) = leaves.split_at(middle);
                let below = depth.saturating_add(1);
                Self::of(left, below).join(Self::of(right, below))
            }
        }
    }

    /// The subtree of which this is the left half.
    pub(super) fn join(self, right: Self) -> Self {
        match (self, right) {
            (Self::Empty, only @ (Self::Empty | Self::Leaf { .. }))
            | (only @ Self::Leaf { .. }, Self::Empty) => only,
            (left, right) => Self::Branch(node(&left.hash(), &right.hash())),
        }
    }

    pub(super) fn hash(&self) -> Hash {
        match self {
            Self::Empty => EMPTY,
            Self::Leaf { path, value_hash } => leaf(path, value_hash),
            Self::Branch(hash) => *hash,
        }
    }

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Empty => bytes.push(EMPTY_KIND),
            Self::Leaf { path, value_hash } => {
                bytes.push(LEAF_KIND);
                bytes.extend(path);
                bytes.extend(value_hash);
            }
            Self::Branch(hash) => {
                bytes.push(BRANCH_KIND);
                bytes.extend(hash);
            }
        }
    }

    /// Reads what [`Self::encode`] wrote.
    pub(super) fn decode(rest: &mut Rest<'_>) -> Option<Self> {
        match rest.take()? {
            [EMPTY_KIND] => Some(Self::Empty),
            [LEAF_KIND] => Some(Self::Leaf {
                path: rest.take()?,
                value_hash: rest.take()?,
            }),
            [BRANCH_KIND] => Some(Self::Branch(rest.take()?)),
            _ => None,
        }
    }
}
