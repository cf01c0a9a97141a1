//! The values that control flow carries: which locals are alive where paths part and meet.
//!
//! The register allocator of an optimising compiler visits every live value at every branch, and
//! every value that meets others at every branch that follows. So this pass goes backwards through
//! the operators of a function, with the set of live locals. It considers too many locals alive
//! rather than too few: at the head of a loop, all that are read in the loop, after it, or at a
//! block that a branch could leave it for.

use super::UNITS;
use crate::edits::{Action, Edits};

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
}

/// What the values of the function with these edits cost.
pub(super) fn cost(edits: &Edits, ends: Ends, words: usize) -> Cost {
    let mut pass = Pass {
        ends,
        words,
        live: vec![0; words],
        blocks: Vec::new(),
        sets: Sets::default(),
        crossings: 0,
        transfers: 0,
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
    }
}

/// A block that is open in the backward pass.
struct Block {
    is_loop: bool,
    paths: u64,
    operands: u64,
}

/// Sets of locals for each open block.
#[derive(Default)]
struct Sets {
    /// Alive at the target of branches to the block.
    labels: Vec<u64>,
    /// Alive at the target of branches to the block, or to one around it.
    reached: Vec<u64>,
    /// Alive after the block, or at the begin of its `else` arm.
    after: Vec<u64>,
    /// Set in the block.
    set: Vec<u64>,
}

struct Pass {
    ends: Ends,
    /// Number of words in a set.
    words: usize,
    live: Vec<u64>,
    blocks: Vec<Block>,
    sets: Sets,
    /// In 16ths of a unit.
    crossings: u64,
    transfers: u64,
}

impl Pass {
    /// So many bytes of code while the same locals are alive.
    fn stay(&mut self, bytes: u32) {
        let spilled = size(&self.live).saturating_sub(UNITS.registers);
        let cost = UNITS.local_alive.saturating_mul(u64::from(bytes));
        self.crossings = self.crossings.saturating_add(cost.saturating_mul(spilled));
    }

    fn follow(&mut self, action: Action, edits: &Edits) {
        match action {
            Action::Get(local) => include(&mut self.live, local),
            Action::Set(local) | Action::Tee(local) => self.set_local(local, action),
            Action::End => self.end(),
            Action::Else => self.swap_arms(),
            Action::Block(_) => self.leave(),
            Action::If(_) => self.if_(),
            Action::Loop(_) => self.loop_(),
            Action::Branch(depth) => self.branch(depth),
            Action::BranchIf(depth) => self.branch_if(depth),
            Action::BranchTable(labels) => self.branch_table(edits.labels(labels)),
            Action::Return | Action::Unreachable => self.live.fill(0),
            Action::Call(_) => self.cross(UNITS.crossings.call, size(&self.live)),
            Action::CallIndirect { .. } | Action::ByLength(_) | Action::InChunks(_) => {
                self.cross(UNITS.crossings.blocks, size(&self.live));
            }
            _ => {}
        }
    }

    fn set_local(&mut self, local: u32, action: Action) {
        if let (Action::Set(_), Some((word, bit))) = (action, place(local))
            && let Some(word) = self.live.get_mut(word)
        {
            *word &= !bit;
        }
        include(last_mut(&mut self.sets.set, self.words), local);
    }

    fn end(&mut self) {
        let Some(end) = self.ends.list.pop() else {
            return;
        };
        let after = self.live.clone();
        let reached_before = self.sets.reached.len().saturating_sub(self.words);
        let outer = self
            .sets
            .reached
            .get(reached_before..)
            .unwrap_or_default()
            .to_vec();
        let mut label = after.clone();
        if end.is_loop {
            let begin = self.ends.reads.len().saturating_sub(self.words);
            for (label, (read, outer)) in label.iter_mut().zip(
                self.ends
                    .reads
                    .drain(begin..)
                    .zip(outer.iter().chain([&0].into_iter().cycle())),
            ) {
                *label |= read | outer;
            }
        }
        let reached = label
            .iter()
            .zip(outer.iter().chain([&0].into_iter().cycle()))
            .map(|(label, outer)| label | outer);
        self.sets.reached.extend(reached);
        self.sets.labels.extend(label);
        self.sets.after.extend(after);
        self.sets
            .set
            .resize(self.sets.set.len().saturating_add(self.words), 0);
        self.blocks.push(Block {
            is_loop: end.is_loop,
            paths: end.paths,
            operands: end.operands,
        });
    }

    /// From the begin of the `else` arm to the end of the other one.
    fn swap_arms(&mut self) {
        let after = last_mut(&mut self.sets.after, self.words);
        if after.len() == self.live.len() {
            after.swap_with_slice(&mut self.live);
        }
    }

    fn if_(&mut self) {
        let other = last_mut(&mut self.sets.after, self.words).to_vec();
        self.part(UNITS.crossings.if_, &other);
        self.edges(2);
        self.leave();
    }

    fn loop_(&mut self) {
        self.cross(UNITS.crossings.loop_, size(&self.live));
        self.edges(1);
        self.leave();
    }

    fn branch(&mut self, depth: u32) {
        match self.label(depth) {
            Some(label) => self.live = label,
            None => self.live.fill(0),
        }
        self.cross(UNITS.crossings.if_, size(&self.live));
        self.edges(1);
    }

    fn branch_if(&mut self, depth: u32) {
        let label = self.label(depth).unwrap_or_default();
        self.part(UNITS.crossings.if_, &label);
        self.edges(1);
    }

    fn branch_table(&mut self, labels: &[u32]) {
        self.live.fill(0);
        for depth in labels {
            let label = self.label(*depth).unwrap_or_default();
            union(&mut self.live, &label);
        }
        let all = size(&self.live);
        for depth in labels {
            let label = self.label(*depth).unwrap_or_default();
            let gone = all.saturating_sub(size(&label));
            self.cross(UNITS.crossings.target, all);
            self.cross(UNITS.crossings.branch, gone);
            self.edges(1);
        }
    }

    /// Two paths part here, of which the other one needs these locals.
    fn part(&mut self, cost: u64, other: &[u64]) {
        let zeros = [0].into_iter().cycle();
        let gone = self
            .live
            .iter()
            .zip(other.iter().copied().chain(zeros))
            .fold(0_u64, |sum, (one, other)| {
                sum.saturating_add(u64::from((one ^ other).count_ones()))
            });
        union(&mut self.live, other);
        self.cross(cost, size(&self.live));
        self.crossings = self
            .crossings
            .saturating_add(UNITS.crossings.branch.saturating_mul(gone));
    }

    fn cross(&mut self, cost: u64, values: u64) {
        self.crossings = self.crossings.saturating_add(cost.saturating_mul(values));
    }

    /// Adds what the live locals add to this many edges.
    fn edges(&mut self, edges: u64) {
        let locals = size(&self.live).min(UNITS.registers) / UNITS.transfers.locals;
        self.transfers = self.transfers.saturating_add(locals.saturating_mul(edges));
    }

    /// From the begin of a block to the operator before. Adds the values that meet at its label.
    fn leave(&mut self) {
        let Some(block) = self.blocks.pop() else {
            return;
        };
        let remaining = self.blocks.len().saturating_mul(self.words);
        let set: Vec<u64> = self.sets.set.drain(remaining..).collect();
        let label: Vec<u64> = self.sets.labels.drain(remaining..).collect();
        self.sets.reached.truncate(remaining);
        self.sets.after.truncate(remaining);
        union(last_mut(&mut self.sets.set, self.words), &set);
        if block.paths < 2 {
            // A compiler that finds out that only one path comes here has looked at all of them.
            self.transfers = self
                .transfers
                .saturating_add(block.operands.saturating_mul(2));
            return;
        }
        let alive = if block.is_loop { &self.live } else { &label };
        let met = set.iter().zip(alive).fold(0_u64, |sum, (set, alive)| {
            sum.saturating_add(u64::from((set & alive).count_ones()))
        });
        // The gas counter meets too.
        let values = met.saturating_add(block.operands).saturating_add(1);
        self.transfers = self
            .transfers
            .saturating_add(values.saturating_mul(block.paths));
    }

    /// The set of locals that are alive at the target of a branch of this depth.
    fn label(&self, depth: u32) -> Option<Vec<u64>> {
        let depth = usize::try_from(depth).ok()?;
        let block = self.blocks.len().checked_sub(depth)?.checked_sub(1)?;
        let begin = block.saturating_mul(self.words);
        let end = begin.saturating_add(self.words);
        self.sets.labels.get(begin..end).map(<[u64]>::to_vec)
    }
}

/// The word and the bit of a local in a set.
fn place(local: u32) -> Option<(usize, u64)> {
    let word = usize::try_from(local / 64).ok()?;
    Some((word, 1 << (local % 64)))
}

/// Adds a local to a set.
pub(super) fn include(set: &mut [u64], local: u32) {
    if let Some((word, bit)) = place(local)
        && let Some(word) = set.get_mut(word)
    {
        *word |= bit;
    }
}

/// Adds a set to another one.
pub(super) fn union(set: &mut [u64], other: &[u64]) {
    for (word, other) in set.iter_mut().zip(other) {
        *word |= other;
    }
}

/// The last of several sets.
pub(super) fn last_mut(sets: &mut [u64], words: usize) -> &mut [u64] {
    let begin = sets.len().saturating_sub(words);
    sets.get_mut(begin..).unwrap_or_default()
}

fn size(set: &[u64]) -> u64 {
    set.iter().fold(0, |sum, word| {
        u64::from(word.count_ones()).saturating_add(sum)
    })
}
