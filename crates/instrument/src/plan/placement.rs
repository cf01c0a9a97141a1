//! Where charges are placed, so that as few as possible are carried out.
//!
//! Between two places where gas is looked at, nobody sees when it was charged: a charge may move along the flow of
//! control, as long as the sum on every path from one look to the next stays the same. A function is
//! therefore seen as a graph. Its nodes are the places where paths meet or part; one of them stands for
//! all places where the gas must be exact. Its edges are the regions, each with what it costs. Every node gets a
//! *potential*, what was charged too much when a path is there: zero where the gas must be exact.
//! An edge then charges `cost + potential of its end - potential of its begin`.
//!
//! The edges of a spanning tree can all be made to charge nothing, by choosing the potentials; the tree of greatest
//! weight leaves the least to do. This is how Knuth and Stevenson place counters
//! ("Optimal measurement points for program frequency counts", BIT 13, 1973), with Kruskal's algorithm.

use std::cmp::Reverse;

/// A place where paths meet or part.
pub(super) type Node = usize;

/// The node of all places where the gas must be exact.
pub(super) const EXACT: Node = 0;

/// The nodes of a function. Those that turn out to be the same place are united.
#[derive(Debug)]
pub(super) struct Nodes {
    parents: Vec<Node>,
}

/// What is charged on the way from one node to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: Node,
    pub(super) to: Node,
    pub(super) cost: i64,
    /// How bad it is to charge here.
    pub(super) weight: u64,
}

impl Nodes {
    /// [`EXACT`] alone, and room for more.
    pub(super) fn with_room(nodes: usize) -> Self {
        let mut parents = Vec::with_capacity(nodes.saturating_add(1));
        parents.push(EXACT);
        Self { parents }
    }

    /// A new node.
    pub(super) fn add(&mut self) -> Node {
        let node = self.parents.len();
        self.parents.push(node);
        node
    }

    /// Makes two nodes one, and returns it.
    pub(super) fn unite(&mut self, left: Node, right: Node) -> Node {
        let (left, right) = (self.root(left), self.root(right));
        // The smaller index wins, so that the exact node stays its own root.
        let (root, other) = (left.min(right), left.max(right));
        if let Some(parent) = self.parents.get_mut(other) {
            *parent = root;
        }
        root
    }

    fn root(&mut self, node: Node) -> Node {
        let mut at = node;
        while let Some(parent) = self.parents.get(at).copied()
            && parent != at
        {
            // Halves the path for those who come after.
            let grandparent = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(at) {
                *slot = grandparent;
            }
            at = grandparent;
        }
        at
    }

    /// What each edge is to charge. The sum along every path between two visits of [`EXACT`] is
    /// the sum of the costs.
    pub(super) fn place(mut self, edges: &[Edge]) -> Vec<i64> {
        let mut order: Vec<(Reverse<u64>, usize)> = edges
            .iter()
            .enumerate()
            .map(|(index, edge)| (Reverse(edge.weight), index))
            .collect();
        // Stable: among edges of one weight the first comes first, on every machine.
        order.sort_by_key(|(weight, _)| *weight);
        let mut forest = Forest::new(self.parents.len());
        let mut charges = vec![0; edges.len()];
        for (_, index) in order {
            let Some(edge) = edges.get(index) else {
                continue;
            };
            let (from, to) = (self.root(edge.from), self.root(edge.to));
            let charge = forest.join(from, to, edge.cost);
            if let Some(slot) = charges.get_mut(index) {
                *slot = charge;
            }
        }
        charges
    }
}

/// Trees of nodes whose potentials are known relative to each other: a union-find with weights.
struct Forest {
    /// Each node's parent, and its potential less the parent's.
    links: Vec<(Node, i64)>,
}

impl Forest {
    fn new(nodes: usize) -> Self {
        Self {
            links: (0..nodes).map(|node| (node, 0)).collect(),
        }
    }

    /// The tree that a node is in, and its potential less that of the tree's root.
    fn find(&mut self, node: Node) -> (Node, i64) {
        let mut at = node;
        let mut potential: i64 = 0;
        while let Some((parent, step)) = self.links.get(at).copied()
            && parent != at
        {
            let (grandparent, next) = self.links.get(parent).copied().unwrap_or((parent, 0));
            let both = step.saturating_add(next);
            if let Some(link) = self.links.get_mut(at) {
                *link = (grandparent, both);
            }
            potential = potential.saturating_add(both);
            at = grandparent;
        }
        (at, potential)
    }

    /// What an edge between the nodes must charge: nothing if it joins two trees.
    fn join(&mut self, from: Node, to: Node, cost: i64) -> i64 {
        let (from_root, from_potential) = self.find(from);
        let (to_root, to_potential) = self.find(to);
        // The charge is `cost + to - from`.
        let charge = cost
            .saturating_add(to_potential)
            .saturating_sub(from_potential);
        if from_root == to_root {
            return charge;
        }
        if let Some(link) = self.links.get_mut(from_root) {
            *link = (to_root, charge);
        }
        0
    }
}
