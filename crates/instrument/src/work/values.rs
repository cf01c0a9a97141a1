//! The values that control flow carries: which locals are alive where paths part and meet.
//!
//! The register allocator of an optimising compiler visits every live value at every branch, and
//! every value that meets others at every branch that follows. So this pass goes backwards through
//! the operators of a function, with the set of live locals. It considers too many locals alive
//! rather than too few: at the head of a loop, all that are read in the loop, after it, or at a
//! block that a branch could leave it for.

use super::{
    NESTED, UNITS,
    local_set::{LocalSet, last_mut, ones, place},
};
use crate::edits::{Action, Edits};

/// The edges between the blocks that an operator becomes, about.
const EDGES_OF_BLOCKS: u64 = 3;

/// The end of a block, as the forward pass found it.
#[derive(Debug)]
pub(super) struct End {
    /// Whether the block is a loop.
    pub(super) is_loop: bool,
    /// The number of paths that meet at the block's label.
    pub(super) paths: u64,
    /// The number of operands that each path passes.
    pub(super) operands: u64,
}

/// The ends of all blocks of a function, in their order.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) list: Vec<End>,
    /// For each loop, in the order of their ends, the set of locals that are read in it.
    pub(super) reads: Vec<u64>,
}

/// What the values of a function cost.
pub(super) struct Cost {
    pub(super) units: u64,
    /// The values that edges between blocks pass.
    pub(super) transfers: u64,
    /// The locals that are alive at edges between blocks, for each edge, and the values that meet
    /// behind one.
    pub(super) alive: u64,
}

/// What the values of the function with these edits cost.
pub(super) fn cost(edits: &Edits, ends: Ends, words: usize) -> Cost {
    let mut pass = Pass {
        ends,
        words,
        live: LocalSet::none(words),
        blocks: Vec::with_capacity(NESTED),
        sets: Vec::with_capacity(words.saturating_mul(NESTED)),
        crossings: 0,
        transfers: 0,
        alive: 0,
    };
    let mut end = edits.list.last().map_or(0, |edit| edit.offset);
    for edit in edits.list.iter().rev() {
        pass.stay(end.saturating_sub(edit.offset));
        end = edit.offset;
        pass.follow(edit.action, edits);
    }
    Cost {
        units: UNITS
            .met
            .saturating_mul(pass.transfers)
            .saturating_add(pass.crossings / 16),
        transfers: pass.transfers,
        alive: pass.alive,
    }
}

/// Sets of locals for an open block: one word of each.
struct Sets {
    /// Alive at the target of branches to the block.
    label: u64,
    /// Alive at the target of branches to the block, or to one around it.
    reached: u64,
    /// Alive after the block, or at the begin of its `else` arm.
    after: u64,
    /// Set in the block.
    set: u64,
}

struct Pass {
    ends: Ends,
    /// Number of words in a set.
    words: usize,
    live: LocalSet,
    /// The blocks that are open in the backward pass.
    blocks: Vec<End>,
    /// The sets of the open blocks, all words of a block together.
    sets: Vec<Sets>,
    /// In 16ths of a unit.
    crossings: u64,
    transfers: u64,
    alive: u64,
}

impl Pass {
    /// So many bytes of code while the same locals are alive.
    fn stay(&mut self, bytes: u32) {
        let spilled = self.live.count().saturating_sub(UNITS.registers);
        if spilled > 0 {
            let cost = UNITS.local_alive.saturating_mul(u64::from(bytes));
            self.cross(cost, spilled);
        }
    }

    fn follow(&mut self, action: Action, edits: &Edits) {
        match action {
            Action::Get(local) => self.live.insert(local),
            Action::Set(local) => {
                self.live.remove(local);
                self.set_local(local);
            }
            Action::Tee(local) => self.set_local(local),
            Action::End => self.end(),
            Action::Else => self.swap_arms(),
            Action::Block(_) => self.leave(),
            Action::If(_) => self.if_(),
            Action::Loop(_) => self.loop_(),
            Action::Branch(depth) => self.branch(depth),
            Action::BranchIf(depth) => self.branch_if(depth),
            Action::BranchTable(labels) => self.branch_table(edits.labels(labels)),
            Action::Return
            | Action::ReturnCall(_)
            | Action::ReturnCallIndirect { .. }
            | Action::Unreachable => self.live.clear(),
            Action::Call(_) => self.cross(UNITS.crossings.call, self.live.count()),
            Action::CallIndirect { .. } | Action::ByLength(_) | Action::InChunks(_) => {
                let alive = self.live.count();
                self.cross(UNITS.crossings.blocks, alive);
                let edges = alive.saturating_mul(EDGES_OF_BLOCKS);
                self.alive = self.alive.saturating_add(edges);
            }
            _ => {}
        }
    }

    fn set_local(&mut self, local: u32) {
        if let Some((word, bit)) = place(local)
            && let Some(sets) = last_mut(&mut self.sets, self.words).get_mut(word)
        {
            sets.set |= bit;
        }
    }

    fn end(&mut self) {
        let Some(end) = self.ends.list.pop() else {
            return;
        };
        let mut reads = last_mut(&mut self.ends.reads, self.words).iter();
        for live in self.live.words() {
            // The sets of the outer block are so many words before the ones that are added.
            let outer = self.sets.len().checked_sub(self.words);
            let outer = outer.and_then(|outer| self.sets.get(outer));
            let outer = outer.map_or(0, |outer| outer.reached);
            let label = if end.is_loop {
                live | reads.next().copied().unwrap_or(0) | outer
            } else {
                live
            };
            self.sets.push(Sets {
                label,
                reached: label | outer,
                after: live,
                set: 0,
            });
        }
        if end.is_loop {
            let remaining = self.ends.reads.len().saturating_sub(self.words);
            self.ends.reads.truncate(remaining);
        }
        self.blocks.push(end);
    }

    /// From the begin of the `else` arm to the end of the other one.
    fn swap_arms(&mut self) {
        let sets = last_mut(&mut self.sets, self.words).iter_mut();
        self.live.swap(sets.map(|sets| &mut sets.after));
    }

    fn if_(&mut self) {
        let other = last_mut(&mut self.sets, self.words).iter();
        let gone = self.live.unite(other.map(|sets| sets.after));
        self.part(gone);
        self.edges(2);
        self.leave();
    }

    fn loop_(&mut self) {
        self.cross(UNITS.crossings.loop_, self.live.count());
        self.edges(1);
        self.leave();
    }

    fn branch(&mut self, depth: u32) {
        self.live.clear();
        self.live.unite(label(&self.sets, self.words, depth));
        self.cross(UNITS.crossings.if_, self.live.count());
        self.edges(1);
    }

    fn branch_if(&mut self, depth: u32) {
        let gone = self.live.unite(label(&self.sets, self.words, depth));
        self.part(gone);
        self.edges(1);
    }

    fn branch_table(&mut self, depths: &[u32]) {
        self.live.clear();
        for depth in depths {
            self.live.unite(label(&self.sets, self.words, *depth));
        }
        let all = self.live.count();
        for depth in depths {
            let alive = label(&self.sets, self.words, *depth)
                .fold(0_u64, |sum, word| sum.saturating_add(ones(word)));
            self.cross(UNITS.crossings.target, all);
            self.cross(UNITS.crossings.branch, all.saturating_sub(alive));
            self.edges(1);
        }
    }

    /// Two paths part here. So many locals are alive on one of them only.
    fn part(&mut self, gone: u64) {
        self.cross(UNITS.crossings.if_, self.live.count());
        self.cross(UNITS.crossings.branch, gone);
    }

    fn cross(&mut self, cost: u64, values: u64) {
        self.crossings = self.crossings.saturating_add(cost.saturating_mul(values));
    }

    /// Adds what the live locals add to this many edges.
    fn edges(&mut self, edges: u64) {
        let alive = self.live.count();
        self.alive = self.alive.saturating_add(alive.saturating_mul(edges));
        let locals = alive.min(UNITS.registers) / UNITS.transfers.locals;
        self.transfers = self.transfers.saturating_add(locals.saturating_mul(edges));
    }

    /// From the begin of a block to the operator before. Adds the values that meet at its label.
    fn leave(&mut self) {
        let Some(block) = self.blocks.pop() else {
            return;
        };
        let remaining = self.sets.len().saturating_sub(self.words);
        let (outer, sets) = self.sets.split_at_mut(remaining);
        for (outer, sets) in last_mut(outer, self.words).iter_mut().zip(&*sets) {
            outer.set |= sets.set;
        }
        if block.paths < 2 {
            // A compiler that finds out that only one path comes here has looked at all of them.
            self.transfers = self
                .transfers
                .saturating_add(block.operands.saturating_mul(2));
            self.alive = self.alive.saturating_add(block.operands);
        } else {
            let met = sets.iter().zip(self.live.words()).map(|(sets, live)| {
                let alive = if block.is_loop { live } else { sets.label };
                ones(sets.set & alive)
            });
            // The gas counter meets too.
            let values = met.fold(block.operands.saturating_add(1), u64::saturating_add);
            self.transfers = self
                .transfers
                .saturating_add(values.saturating_mul(block.paths));
            self.alive = self.alive.saturating_add(values);
        }
        self.sets.truncate(remaining);
    }
}

/// The locals that are alive at the target of a branch of this depth.
fn label(sets: &[Sets], words: usize, depth: u32) -> impl Iterator<Item = u64> {
    let begin = usize::try_from(depth)
        .ok()
        .and_then(|depth| depth.checked_add(1)?.checked_mul(words))
        .and_then(|back| sets.len().checked_sub(back));
    let sets = begin
        .and_then(|begin| sets.get(begin..))
        .unwrap_or_default();
    sets.iter().take(words).map(|sets| sets.label)
}
