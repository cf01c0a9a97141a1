//! The lanes against the public interface of BLAKE3.

use alloc::{vec, vec::Vec};

use super::*;
use crate::{EMPTY, leaf, node, path};

/// Every number of inputs that fills some of the lanes of any vector, and more than all of them.
#[test]
fn many_hashes_are_those_of_one_by_one() {
    for length in 0..=70_u8 {
        let inputs: Vec<_> = (0..length)
            .map(|number| match number % 5 {
                0 => [EMPTY, path(&[number, length])],
                1 => [path(&[number, length]), EMPTY],
                _ => [path(&[number]), path(&[number, length, 1])],
            })
            .collect();
        let mut hashes = vec![[0xff; 32]; inputs.len()];
        leaves(&inputs, &mut hashes);
        let expected: Vec<_> = inputs.iter().map(|[one, two]| leaf(one, two)).collect();
        assert_eq!(hashes, expected, "{length} leaves");
        nodes(&inputs, &mut hashes);
        let expected: Vec<_> = inputs.iter().map(|[one, two]| node(one, two)).collect();
        assert_eq!(hashes, expected, "{length} nodes");
    }
}
