//! Metered blocks, and the charges that a function is left with once they are placed.

use super::placement::{EXACT, Edge, Node, Nodes};

/// A charge next to an operator.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Charge {
    /// Byte offset of the operator in the body, or [`ENTRY`].
    pub(crate) offset: u32,
    /// The side of the operator on which the charge stands.
    pub(crate) side: Side,
    /// Gas to charge. A negative amount is a refund.
    pub(crate) amount: i64,
}

/// The offset that stands for the function entry. The declarations of the locals begin there, so
/// no operator has this offset.
pub(crate) const ENTRY: u32 = 0;

/// A side of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Before,
    After,
    /// After the gas check at the function entry or at the head of a loop.
    AfterCheck,
}

/// A metered block.
#[derive(Debug)]
pub(super) struct MeteredBlock {
    /// The node where control enters the block.
    pub(super) from: Node,
    /// The node where control leaves the block.
    pub(super) to: Node,
    pub(super) cost: u64,
    /// Offset of the operator after which the block begins.
    pub(super) begin: u32,
    /// Offset of the operator before which the block ends.
    pub(super) end: u32,
    /// The last gas check in the block. The gas must be exact there.
    pub(super) last_check: Option<(u32, Side)>,
    /// Whether the block ends where the function returns.
    pub(super) returns: bool,
    /// How often the block is estimated to run. For one that continues behind a loop, how often it
    /// does so.
    pub(super) frequency: u64,
}

/// Places the charges of a function. `calls` tells whether it contains a call.
///
/// Returns the charge at the entry and all other charges, ordered by position.
pub(super) fn place(blocks: &[MeteredBlock], nodes: Nodes, calls: bool) -> (i64, Vec<Charge>) {
    let capacity = blocks.len().saturating_mul(2);
    let mut edges = Vec::with_capacity(capacity);
    let mut positions = Vec::with_capacity(capacity);
    for block in blocks {
        let cost = i64::try_from(block.cost).unwrap_or(i64::MAX);
        let weight = block.frequency.max(1);
        let edge = |from, to, cost, weight| Edge {
            from,
            to,
            cost,
            weight,
        };
        let (begin, end) = ((block.begin, Side::After), (block.end, Side::Before));
        if let Some(last_check) = block.last_check {
            edges.push(edge(block.from, EXACT, cost, weight));
            positions.push(begin);
            edges.push(edge(EXACT, block.to, 0, weight));
            positions.push(last_check);
        } else if block.returns {
            // A function that calls releases its frame here. The charge is merged into that.
            let weight = if calls { 0 } else { weight };
            edges.push(edge(block.from, block.to, cost, weight));
            positions.push(end);
        } else {
            edges.push(edge(block.from, block.to, cost, weight));
            positions.push(begin);
        }
    }
    let mut charges: Vec<Charge> = nodes
        .place(&edges)
        .into_iter()
        .zip(positions)
        .map(|(amount, (offset, side))| Charge {
            offset,
            side,
            amount,
        })
        .collect();
    // The first edge leads from the exact node to itself, so it is charged in full.
    let entry = if charges.is_empty() {
        0
    } else {
        charges.remove(0).amount
    };
    charges.retain(|charge| charge.amount != 0);
    charges.sort();
    (entry, charges)
}
