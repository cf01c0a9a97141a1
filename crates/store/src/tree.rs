//! The state tree: a sparse Merkle tree in memory, of which every version is a value.
//!
//! Guarantees: the root is a function of the entries alone, see [`fusee_proof`]. A tree does not
//! change; applying changes makes another one that shares what is equal. It takes about 165 bytes
//! of memory for each entry, and values are not in it. The work for a write is bounded, whatever
//! keys others choose.
//!
//! The lowest levels, of up to [`MAX_LEAVES`] entries, are leaves side by side without nodes. So
//! there are few nodes, and a change copies and allocates little.

mod batch;
mod hashing;
mod pool;
mod prefetch;

use std::{fmt, sync::Arc, thread};

use fusee_proof::{EMPTY, End, Hash, Proof, bit, node, path, value_hash};
use fusee_state::Diff;

use batch::Batch;
use pool::Pool;

/// The most leaves that a node has itself. Fewer copy less and make more nodes.
const MAX_LEAVES: usize = 10;

/// Writes that are applied at once. What they touch fits into the cache of a core.
const BATCH: usize = 256;

/// The fewest entries of a half that gets a thread.
const PARALLEL_WRITES: usize = 5_000;

/// One version of the state tree. Clones share it.
#[derive(Clone, Default)]
pub struct Tree {
    top: Option<Arc<Node>>,
    pool: Arc<Pool>,
}

/// A subtree that is not empty.
struct Node {
    hash: Hash,
    below: Below,
}

enum Below {
    /// The leaves in ascending order of paths.
    Leaves(Vec<Leaf>),
    /// Two subtrees, which have two leaves or more.
    Halves([Option<Arc<Node>>; 2]),
}

#[derive(Clone, Copy)]
struct Leaf {
    path: Hash,
    value_hash: Hash,
    hash: Hash,
}

/// What becomes of the entry at a path.
struct Write {
    path: Hash,
    /// `None`: it is removed.
    value_hash: Option<Hash>,
}

impl Tree {
    /// The state root: [`EMPTY`] for the empty state.
    #[must_use]
    pub fn root(&self) -> Hash {
        top_hash(self.top.as_ref())
    }

    /// The tree of the state after `diff`.
    #[must_use]
    pub fn apply(&self, diff: &Diff) -> Self {
        let mut writes: Vec<_> = diff.iter().map(Write::new).collect();
        // No two keys have one path: nobody finds a collision of the hash.
        writes.sort_unstable_by_key(|write| write.path);
        let mut batch = Batch::new(self.pool.take());
        let top = update(&mut batch, self.top.as_ref(), &writes, 0);
        self.pool.give(batch.into_spare());
        let pool = Arc::clone(&self.pool);
        Self { top, pool }
    }

    /// The tree of a state. If a key occurs twice, any of its values counts.
    ///
    /// Two threads build the tree of many entries, which is the same.
    ///
    /// # Panics
    ///
    /// If the operating system starts no thread.
    #[must_use]
    pub fn of<B: AsRef<[u8]>>(entries: impl IntoIterator<Item = (B, B)>) -> Self {
        let (mut to_left, mut to_right) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            let write = Write::new((key, Some(value)));
            match bit(&write.path, 0) {
                true => to_right.push(write),
                false => to_left.push(write),
            }
        }
        let half = |mut writes: Vec<Write>| {
            writes.sort_unstable_by_key(|write| write.path);
            writes.dedup_by_key(|write| write.path);
            update(&mut Batch::default(), None, &writes, 1)
        };
        let halves = if to_left.len() < PARALLEL_WRITES {
            [half(to_left), half(to_right)]
        } else {
            thread::scope(|scope| {
                let left = scope.spawn(|| half(to_left));
                let right = half(to_right);
                [left.join().expect("it has no reason to panic"), right]
            })
        };
        let top = Batch::default().halves(halves);
        let pool = Arc::default();
        Self { top, pool }
    }

    /// Proves what the state has under a key.
    #[must_use]
    pub fn prove(&self, key: &[u8]) -> Proof {
        let wanted = path(key);
        let mut siblings = Vec::new();
        let mut at = self.top.as_ref();
        while let Some(Below::Halves([left, right])) = at.map(|node| &node.below) {
            let (next, sibling) = match bit(&wanted, siblings.len()) {
                true => (right, left),
                false => (left, right),
            };
            siblings.push(top_hash(sibling.as_ref()));
            at = next.as_ref();
        }
        let mut leaves = leaves_of(at);
        while leaves.len() > 1 {
            let depth = siblings.len();
            let (left, right) = split(leaves, |leaf| &leaf.path, depth);
            let (next, sibling) = match bit(&wanted, depth) {
                true => (right, left),
                false => (left, right),
            };
            siblings.push(hash(sibling, depth + 1));
            leaves = next;
        }
        let end = match leaves.first() {
            None => End::Empty,
            Some(leaf) if leaf.path == wanted => End::Present,
            Some(leaf) => End::Other {
                path: leaf.path,
                value_hash: leaf.value_hash,
            },
        };
        Proof::new(siblings, end)
    }
}

/// The subtree at a depth after writes, whose paths ascend and lead to it.
fn update(
    batch: &mut Batch,
    subtree: Option<&Arc<Node>>,
    writes: &[Write],
    depth: usize,
) -> Option<Arc<Node>> {
    let halves = match subtree.map(|node| &node.below) {
        None => Some([None, None]),
        Some(Below::Halves(halves)) => Some(halves.each_ref().map(Option::as_ref)),
        Some(Below::Leaves(_)) => None,
    };
    match halves {
        Some([left, right]) if writes.len() > BATCH => {
            let (to_left, to_right) = split(writes, |write| &write.path, depth);
            let left = update(batch, left, to_left, depth + 1);
            let right = update(batch, right, to_right, depth + 1);
            batch.halves([left, right])
        }
        _ => batch.subtree(subtree, writes, depth),
    }
}

fn top_hash(subtree: Option<&Arc<Node>>) -> Hash {
    subtree.map_or(EMPTY, |node| node.hash)
}

/// The leaves of a subtree that has no branches.
fn leaves_of(subtree: Option<&Arc<Node>>) -> &[Leaf] {
    match subtree.map(|node| &node.below) {
        Some(Below::Leaves(leaves)) => leaves,
        Some(Below::Halves(_)) => unreachable!("its branches were passed, or counted"),
        None => &[],
    }
}

/// The hash of the subtree at a depth with these leaves.
fn hash(leaves: &[Leaf], depth: usize) -> Hash {
    match leaves {
        [] => EMPTY,
        [leaf] => leaf.hash,
        _ => {
            let (left, right) = split(leaves, |leaf| &leaf.path, depth);
            node(&hash(left, depth + 1), &hash(right, depth + 1))
        }
    }
}

/// Splits what ascends by path into what goes left and what goes right.
fn split<T>(all: &[T], path: impl Fn(&T) -> &Hash, depth: usize) -> (&[T], &[T]) {
    all.split_at(all.partition_point(|one| !bit(path(one), depth)))
}

impl Write {
    fn new<B: AsRef<[u8]>>((key, value): (B, Option<B>)) -> Self {
        Self {
            path: path(key.as_ref()),
            value_hash: value.map(|value| value_hash(value.as_ref())),
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let Some(top) = self.top.take() else { return };
        // The last version: nothing will use the memory again.
        if Arc::strong_count(&self.pool) == 1 || Arc::strong_count(&top) > 1 {
            return;
        }
        let mut spare = self.pool.take();
        spare.recycle(top);
        self.pool.give(spare);
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
