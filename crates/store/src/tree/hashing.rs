//! Hashes that are wanted, computed together.
//!
//! A processor hashes as many nodes at once as its vectors have lanes. So what changes a tree first
//! says which hashes it wants, and of what, and gets them all at the end: round by round, the nodes
//! of a round being of hashes of the rounds before it.

use fusee_proof::{EMPTY, Hash, nodes};

/// Nodes that are hashed with one call. At least as many as vectors have lanes.
const TOGETHER: usize = 64;

/// Hashes that are wanted.
#[derive(Default)]
pub(super) struct Hashing {
    hashes: Hashes,
    rounds: Vec<Vec<Wanted>>,
}

/// A hash that will be known.
#[derive(Clone, Copy)]
pub(super) struct Pending {
    index: u32,
    /// The rounds after which it is known.
    round: usize,
}

/// A node, by the places of its halves and its own.
struct Wanted {
    left: u32,
    right: u32,
    index: u32,
}

impl Hashing {
    /// A hash that is known.
    pub(super) fn known(&mut self, hash: Hash) -> Pending {
        let index = u32::try_from(self.hashes.0.len());
        self.hashes.0.push(hash);
        Pending {
            index: index.expect("4 billion hashes of 32 bytes fit into no memory"),
            round: 0,
        }
    }

    /// The hash of a node.
    pub(super) fn node(&mut self, left: Pending, right: Pending) -> Pending {
        let Pending { index, .. } = self.known(EMPTY);
        let before = left.round.max(right.round);
        if self.rounds.len() == before {
            self.rounds.push(Vec::new());
        }
        let round = self.rounds.get_mut(before);
        round.expect("pushed above").push(Wanted {
            left: left.index,
            right: right.index,
            index,
        });
        Pending {
            index,
            round: before + 1,
        }
    }

    /// The number of nodes that are wanted.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.rounds.iter().map(Vec::len).sum()
    }

    /// Computes all, which [`Hashing::of`] has then.
    pub(super) fn compute(&mut self) {
        let Self { hashes, rounds } = self;
        let mut halves = [[EMPTY; 2]; TOGETHER];
        let mut results = [EMPTY; TOGETHER];
        for wanted in rounds.iter().flat_map(|round| round.chunks(TOGETHER)) {
            let (halves, _) = halves.split_at_mut(wanted.len());
            let (results, _) = results.split_at_mut(wanted.len());
            for (halves, wanted) in halves.iter_mut().zip(wanted) {
                *halves = [*hashes.at(wanted.left), *hashes.at(wanted.right)];
            }
            nodes(halves, results);
            for (result, wanted) in results.iter().zip(wanted) {
                *hashes.at(wanted.index) = *result;
            }
        }
    }

    /// A hash, when all are computed.
    pub(super) fn of(&mut self, pending: Pending) -> Hash {
        *self.hashes.at(pending.index)
    }

    /// Forgets all, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.hashes.0.clear();
        self.rounds.iter_mut().for_each(Vec::clear);
    }
}

/// Hashes that are known, and places for those that are not yet.
#[derive(Default)]
struct Hashes(Vec<Hash>);

impl Hashes {
    fn at(&mut self, index: u32) -> &mut Hash {
        let index = usize::try_from(index).expect("an index of the list");
        self.0.get_mut(index).expect("an index of the list")
    }
}
