//! Roots of lists, and proofs that an item is in one.
//!
//! The tree has the shape of RFC 6962: the left half of `n` items has the greatest power of two
//! below `n`. Hashes are BLAKE3, keyed, with a key for leaves, for nodes and for the root, which
//! also covers the number of items. So no proof of one list, or of one place, is one of another.

use borsh::{BorshDeserialize, BorshSerialize};

// The keys of the three uses.
const LEAF: &[u8; 32] = b"fusee list root, version 1, leaf";
const NODE: &[u8; 32] = b"fusee list root, version 1, node";
const ROOT: &[u8; 32] = b"fusee list root, version 1, root";

/// A hash of 32 bytes: the root of a list, or of a part of it.
pub type ListRoot = [u8; 32];

/// A proof that an item has a place in a list.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct InclusionProof {
    /// The index of the item.
    pub index: u64,
    /// The number of items.
    pub count: u64,
    /// The hashes of the other halves, from the item up.
    pub siblings: Vec<ListRoot>,
}

/// The root of a list of byte strings.
pub fn list_root<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> ListRoot {
    let leaves: Vec<ListRoot> = items.into_iter().map(leaf).collect();
    root(length(leaves.len()), subtree(&leaves))
}

/// Proves that a list has an item at an index. `None` if the list has no such index.
pub fn prove_inclusion<'a>(
    items: impl IntoIterator<Item = &'a [u8]>,
    index: usize,
) -> Option<InclusionProof> {
    let leaves: Vec<ListRoot> = items.into_iter().map(leaf).collect();
    let (mut rest, mut at) = (leaves.as_slice(), index);
    rest.get(at)?;
    let mut siblings = Vec::new();
    while rest.len() > 1 {
        let (left, right) = rest.split_at(left_half(rest.len()));
        (rest, at) = match at.checked_sub(left.len()) {
            Some(at) => {
                siblings.push(subtree(left));
                (right, at)
            }
            None => {
                siblings.push(subtree(right));
                (left, at)
            }
        };
    }
    siblings.reverse();
    Some(InclusionProof {
        index: length(index),
        count: length(leaves.len()),
        siblings,
    })
}

impl InclusionProof {
    /// Whether the list with this root has this item at the index of the proof.
    #[must_use]
    pub fn verify(&self, list: &ListRoot, item: &[u8]) -> bool {
        if self.index >= self.count {
            return false;
        }
        // On which side the item is, from the root down.
        let (mut index, mut count) = (self.index, self.count);
        let mut is_right = Vec::new();
        while count > 1 {
            let left = left_half_of(count);
            let right = index.checked_sub(left);
            is_right.push(right.is_some());
            (index, count) = match right {
                Some(index) => (index, count.saturating_sub(left)),
                None => (index, left),
            };
        }
        if is_right.len() != self.siblings.len() {
            return false;
        }
        let sides = is_right.into_iter().rev().zip(&self.siblings);
        let top = sides.fold(leaf(item), |hash, (is_right, sibling)| match is_right {
            true => node(sibling, &hash),
            false => node(&hash, sibling),
        });
        root(self.count, top) == *list
    }
}

/// The hash of a part of the list. That of no leaves is 0.
fn subtree(leaves: &[ListRoot]) -> ListRoot {
    match leaves {
        [] => [0; 32],
        [leaf] => *leaf,
        leaves => {
            let (left, right) = leaves.split_at(left_half(leaves.len()));
            node(&subtree(left), &subtree(right))
        }
    }
}

/// The greatest power of two below a number of items, which is at least 2.
const fn left_half(count: usize) -> usize {
    count.next_power_of_two() >> 1
}

/// The same of a number in a proof, which can be any.
const fn left_half_of(count: u64) -> u64 {
    1 << count.saturating_sub(1).ilog2()
}

fn leaf(item: &[u8]) -> ListRoot {
    *blake3::keyed_hash(LEAF, item).as_bytes()
}

fn node(left: &ListRoot, right: &ListRoot) -> ListRoot {
    let mut hasher = blake3::Hasher::new_keyed(NODE);
    hasher.update(left).update(right);
    *hasher.finalize().as_bytes()
}

fn root(count: u64, top: ListRoot) -> ListRoot {
    let mut hasher = blake3::Hasher::new_keyed(ROOT);
    hasher.update(&count.to_le_bytes()).update(&top);
    *hasher.finalize().as_bytes()
}

fn length(items: usize) -> u64 {
    u64::try_from(items).expect("a list in memory has fewer items")
}
