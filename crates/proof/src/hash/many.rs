//! Many hashes of leaves or nodes at once, in the lanes of the processor's vectors.
//!
//! The hashes are those of [`leaf`](super::leaf) and [`node`](super::node). They are computed by an
//! interface of BLAKE3 that it does not document, so the workspace names the exact version.

use blake3::{
    IncrementCounter,
    platform::{MAX_SIMD_DEGREE, Platform},
};

use super::{Hash, LEAF, NODE};

// The flags of a compression, as the BLAKE3 paper numbers them. A hash of 64 bytes is one
// compression: the block is the first and last of its chunk, and the chunk is the root.
const CHUNK_START: u8 = 1;
const CHUNK_END: u8 = 1 << 1;
const ROOT: u8 = 1 << 3;
const KEYED_HASH: u8 = 1 << 4;

/// The hash of each entry, from its path and the hash of its value: many times [`leaf`], in less
/// time.
///
/// [`leaf`]: super::leaf
///
/// # Panics
///
/// If there are not as many `hashes` as `entries`.
pub fn leaves(entries: &[[Hash; 2]], hashes: &mut [Hash]) {
    many(LEAF, entries, hashes);
}

/// The hash of each subtree that has at least two leaves, from its halves: many times [`node`], in
/// less time.
///
/// [`node`]: super::node
///
/// # Panics
///
/// If there are not as many `hashes` as `halves`.
pub fn nodes(halves: &[[Hash; 2]], hashes: &mut [Hash]) {
    many(NODE, halves, hashes);
}

fn many(key: &Hash, inputs: &[[Hash; 2]], hashes: &mut [Hash]) {
    assert_eq!(inputs.len(), hashes.len(), "a hash for each input");
    let key = words(key);
    let platform = Platform::detect();
    let inputs = inputs.chunks(MAX_SIMD_DEGREE);
    for (inputs, hashes) in inputs.zip(hashes.chunks_mut(MAX_SIMD_DEGREE)) {
        let mut blocks = [&[0; 64]; MAX_SIMD_DEGREE];
        for (block, input) in blocks.iter_mut().zip(inputs) {
            let input = input.as_flattened();
            *block = input.try_into().expect("two hashes of 32 bytes");
        }
        let (blocks, _) = blocks.split_at(inputs.len());
        platform.hash_many(
            blocks,
            &key,
            0,
            IncrementCounter::No,
            KEYED_HASH,
            CHUNK_START,
            CHUNK_END | ROOT,
            hashes.as_flattened_mut(),
        );
    }
}

fn words(key: &Hash) -> [u32; 8] {
    let (words, _) = key.as_chunks();
    let mut numbers = [0; 8];
    for (number, word) in numbers.iter_mut().zip(words) {
        *number = u32::from_le_bytes(*word);
    }
    numbers
}

#[cfg(test)]
mod tests;
