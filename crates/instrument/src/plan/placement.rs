//! Placement: where charges stand, so that as few as possible are executed.
//!
//! Between two gas checks, nothing observes when gas is charged. A charge may move along the
//! control flow as long as the sum on every path from one gas check to the next stays the same. A
//! function is therefore modelled as a graph. Its nodes are the points where paths meet or part;
//! one node stands for all points where the gas must be exact. Its edges are the metered blocks
//! with their costs. Each node gets a *potential*: the amount overcharged when control is there,
//! which is zero where the gas must be exact. An edge then charges
//! `cost + potential of its end - potential of its begin`.
//!
//! A suitable choice of potentials makes all edges of a spanning tree charge nothing. The spanning
//! tree of maximum weight leaves the least to execute. Knuth and Stevenson place profiling counters
//! this way ("Optimal measurement points for program frequency counts", BIT 13, 1973). The tree is
//! found by Kruskal's algorithm.

use std::cmp::Reverse;

/// A point where paths meet or part.
pub(super) type Node = usize;

/// The node of all points where the gas must be exact.
pub(super) const EXACT: Node = 0;

/// The nodes of a function, as a union-find: nodes that prove to be the same point are united.
#[derive(Debug)]
pub(super) struct Nodes {
    parents: Vec<Node>,
}

/// A path from one node to another, and its cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: Node,
    pub(super) to: Node,
    pub(super) cost: i64,
    /// Estimated relative number of executions: how expensive a charge here would be.
    pub(super) weight: u64,
}

impl Nodes {
    /// Contains [`EXACT`] only. Allocates for this number of further nodes.
    pub(super) fn with_capacity(nodes: usize) -> Self {
        let mut parents = Vec::with_capacity(nodes.saturating_add(1));
        parents.push(EXACT);
        Self { parents }
    }

    /// Adds a node.
    pub(super) fn add(&mut self) -> Node {
        let node = self.parents.len();
        self.parents.push(node);
        node
    }

    /// Unites two nodes, and returns the result.
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
            // Path halving.
            let grandparent = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(at) {
                *slot = grandparent;
            }
            at = grandparent;
        }
        at
    }

    /// Computes the charge of each edge. Along every path between two visits of [`EXACT`], the sum
    /// of the charges equals the sum of the costs.
    pub(super) fn place(mut self, edges: &[Edge]) -> Vec<i64> {
        let mut order: Vec<(Reverse<u64>, usize)> = edges
            .iter()
            .enumerate()
            .map(|(index, edge)| (Reverse(edge.weight), index))
            .collect();
        // A stable sort: edges of equal weight keep their order on every machine.
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

/// Trees of nodes whose potentials are known relative to each other: a weighted union-find.
struct Forest {
    /// For each node, its parent and its potential minus the parent's.
    links: Vec<(Node, i64)>,
}

impl Forest {
    fn new(nodes: usize) -> Self {
        Self {
            links: (0..nodes).map(|node| (node, 0)).collect(),
        }
    }

    /// The root of a node's tree, and the node's potential minus the root's.
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

    /// Adds an edge, and returns its charge: zero if the edge joins two trees.
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
