//! Reads what writes will touch, so that it is in the cache then.
//!
//! The way of one write is a chain of reads, each of which waits for memory before the next one
//! begins. The ways of several writes do not depend on each other, so a processor reads them at
//! the same time if the program goes down all of them step by step. Applying 10,000 writes to a
//! million entries takes a fifth less time with it. It has no effect but on time.

use std::{hint::black_box, sync::Arc};

use fusee_proof::{Hash, bit};

use super::{Below, Node, Write};

/// Ways that are gone at the same time: about as many reads as a core has in flight.
const WAYS: usize = 16;

/// Reads the nodes and leaves on the ways of writes through a subtree at a depth, and beside them.
pub(super) fn prefetch(subtree: Option<&Arc<Node>>, writes: &[Write], depth: usize) {
    let mut ways = Vec::with_capacity(WAYS);
    for writes in writes.chunks(WAYS) {
        ways.extend(writes.iter().filter_map(|write| Some((subtree?, write))));
        for depth in depth.. {
            if ways.is_empty() {
                break;
            }
            ways.retain_mut(|(node, write)| match &node.below {
                Below::Halves([left, right]) => {
                    let (next, sibling) = match bit(&write.path, depth) {
                        true => (right, left),
                        false => (left, right),
                    };
                    read(sibling.as_ref().map(|sibling| &sibling.hash));
                    next.as_ref().map(|next| *node = next).is_some()
                }
                Below::Leaves(leaves) => {
                    leaves.iter().for_each(|leaf| read(Some(&leaf.path)));
                    false
                }
            });
        }
    }
}

fn read(hash: Option<&Hash>) {
    black_box(hash.and_then(|hash| hash.last().copied()));
}
