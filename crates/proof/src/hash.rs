//! The four hashes of the tree. A hash of one use is never one of another use.

mod many;

pub use many::{leaves, nodes};

/// A hash, or the path of a key.
pub type Hash = [u8; 32];

/// A subtree without leaves, and the root of the empty state.
pub const EMPTY: Hash = [0; 32];

// The keys of the four uses.
const PATH: &Hash = b"fusee state tree, version 1 path";
const VALUE: &Hash = b"fusee state tree, version 1 data";
const LEAF: &Hash = b"fusee state tree, version 1 leaf";
const NODE: &Hash = b"fusee state tree, version 1 node";

/// The place of a key in the tree. Its bits, the highest of the first byte first, are the way from
/// the root: 0 is left.
#[must_use]
pub fn path(key: &[u8]) -> Hash {
    *blake3::keyed_hash(PATH, key).as_bytes()
}

/// The hash of a value.
#[must_use]
pub fn value_hash(value: &[u8]) -> Hash {
    *blake3::keyed_hash(VALUE, value).as_bytes()
}

/// The hash of an entry.
#[must_use]
pub fn leaf(path: &Hash, value_hash: &Hash) -> Hash {
    two(LEAF, path, value_hash)
}

/// The hash of a subtree that has at least two leaves.
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    two(NODE, left, right)
}

fn two(key: &Hash, first: &Hash, second: &Hash) -> Hash {
    let mut both = [0; 64];
    let (head, tail) = both.split_at_mut(32);
    head.copy_from_slice(first);
    tail.copy_from_slice(second);
    *blake3::keyed_hash(key, &both).as_bytes()
}

/// Whether a path goes right at a depth, which is below 256.
///
/// # Panics
///
/// If the depth is 256 or more.
#[inline]
#[must_use]
pub fn bit(path: &Hash, depth: usize) -> bool {
    let byte = path.get(depth / 8).expect("a path has 256 bits");
    byte >> (7 - depth % 8) & 1 == 1
}

/// How many bits two paths share from the root on: 256 if they are equal.
#[must_use]
pub fn shared_bits(one: &Hash, other: &Hash) -> usize {
    let mut bytes = one.iter().zip(other).enumerate();
    let differ = bytes.find(|(_, (one, other))| one != other);
    differ.map_or(256, |(at, (one, other))| {
        let zeros = (one ^ other).leading_zeros();
        at * 8 + usize::try_from(zeros).expect("at most 8")
    })
}
