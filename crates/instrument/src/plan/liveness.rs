//! Liveness: which locals are live at the heads of loops.
//!
//! A backward data-flow analysis: a local is live at a point if some path from there reads it
//! before writing it. Functions with more than [`MAX_LOCALS`] locals are not analysed, so a set of
//! locals fits into a `u64`.

use std::collections::BTreeMap;

use wasmparser::ValType;

use crate::{
    edits::{Action, Edits, Labels},
    work::NESTED,
};

/// Functions with more parameters and locals are not analysed.
const MAX_LOCALS: usize = 64;

/// An operator, reduced to its effect on liveness.
#[derive(Debug)]
enum Effect {
    Access(Access),
    Open,
    /// A loop, as an index into the loops.
    Loop(usize),
    If,
    Else,
    /// The end of a block that is not a loop.
    End,
    EndLoop(usize),
    Branch(u32),
    BranchIf(u32),
    BranchTable(Labels),
    Leave,
}

/// What operators in a row do with locals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Access {
    /// Read, and not written before.
    read: u64,
    written: u64,
}

/// Records the effects of one function, and analyses them backwards.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    effects: Vec<Effect>,
    /// What the operators since the last effect do.
    since: Access,
    /// For each open block, its index among the loops if it is one.
    open: Vec<Option<usize>>,
    /// The open loops, as indices into the loops.
    open_loops: Vec<usize>,
    loops: Vec<LoopWrites>,
    /// The locals with a numeric type.
    numbers: u64,
    /// Number of parameters and locals.
    locals: usize,
}

#[derive(Debug)]
struct LoopWrites {
    /// Byte offset of the `loop` operator in the body.
    offset: u32,
    /// The locals that the loop writes.
    written: u64,
}

/// A block that is open during the backward pass.
struct BlockLiveness {
    /// Live at the target of branches to this block.
    label: u64,
    /// Live after the block.
    after: u64,
    /// Live at the begin of its `else` arm.
    else_arm: Option<u64>,
}

impl Liveness {
    /// Declares the next locals. Only locals of numeric types are tracked.
    pub(super) fn declare(&mut self, count: usize, type_of: impl Fn(usize) -> Option<ValType>) {
        let known = self.locals;
        self.locals = known.saturating_add(count);
        for (position, local) in (known..self.locals.min(MAX_LOCALS)).enumerate() {
            if matches!(
                type_of(position),
                Some(ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
            ) {
                self.numbers |= bit(u32::try_from(local).unwrap_or(u32::MAX));
            }
        }
    }

    fn record(&mut self, action: Action, offset: u32) {
        match action {
            Action::Get(local) => {
                let since = &mut self.since;
                since.read |= bit(local) & !since.written;
                return;
            }
            Action::Set(local) | Action::Tee(local) => {
                self.since.written |= bit(local);
                return;
            }
            _ => self.note_access(),
        }
        let effect = match action {
            Action::Block(_) => {
                self.open.push(None);
                Effect::Open
            }
            Action::Loop(_) => {
                let position = self.loops.len();
                self.loops.push(LoopWrites { offset, written: 0 });
                self.open.push(Some(position));
                self.open_loops.push(position);
                Effect::Loop(position)
            }
            Action::If(_) => {
                self.open.push(None);
                Effect::If
            }
            Action::Else => Effect::Else,
            Action::End => match self.open.pop().flatten() {
                Some(position) => {
                    self.open_loops.pop();
                    // The outer loop writes whatever the inner loop writes.
                    self.write(self.loops.get(position).map_or(0, |inner| inner.written));
                    Effect::EndLoop(position)
                }
                None => Effect::End,
            },
            Action::Branch(depth) => Effect::Branch(depth),
            Action::BranchIf(depth) => Effect::BranchIf(depth),
            Action::BranchTable(labels) => Effect::BranchTable(labels),
            Action::Return
            | Action::ReturnCall(_)
            | Action::ReturnCallIndirect { .. }
            | Action::Unreachable => Effect::Leave,
            _ => return,
        };
        self.effects.push(effect);
    }

    /// Ends a row of operators on locals.
    fn note_access(&mut self) {
        let since = std::mem::take(&mut self.since);
        if since != Access::default() {
            self.write(since.written);
            self.effects.push(Effect::Access(since));
        }
    }

    /// Adds to the locals that the innermost loop writes.
    fn write(&mut self, locals: u64) {
        let innermost = self.open_loops.last();
        if let Some(innermost) = innermost.and_then(|position| self.loops.get_mut(*position)) {
            innermost.written |= locals;
        }
    }

    /// For each loop, by offset, the locals that it writes and that are live at its head. Empty if
    /// the analysis does not reach a fixed point within the iteration limit.
    pub(super) fn at_loops(mut self, edits: &Edits) -> BTreeMap<u32, Vec<u32>> {
        // Each iteration propagates liveness out of one more loop.
        const MAX_ITERATIONS: u32 = 12;
        if self.locals > MAX_LOCALS {
            return BTreeMap::new();
        }
        // Most effects are of rows of operators on locals, or end such rows.
        self.effects.reserve(edits.list.len() / 2);
        self.open.reserve(NESTED);
        for edit in &edits.list {
            self.record(edit.action, edit.offset);
        }
        let mut heads = vec![0; self.loops.len()];
        for _ in 0..MAX_ITERATIONS {
            if !self.propagate(edits, &mut heads) {
                let live_and_written = |(inner, head): (LoopWrites, u64)| {
                    let locals = head & inner.written & self.numbers;
                    let locals = (0..u64::BITS).filter(|local| has(locals, *local));
                    (inner.offset, locals.collect())
                };
                let heads = self.loops.into_iter().zip(heads);
                return heads.map(live_and_written).collect();
            }
        }
        BTreeMap::new()
    }

    /// Runs one backward pass. Returns whether the set of some loop head has grown.
    fn propagate(&self, edits: &Edits, heads: &mut [u64]) -> bool {
        let mut grown = false;
        let mut live = 0;
        let mut blocks: Vec<BlockLiveness> = Vec::with_capacity(NESTED);
        for effect in self.effects.iter().rev() {
            match effect {
                Effect::Access(access) => live = (live & !access.written) | access.read,
                Effect::End => blocks.push(BlockLiveness {
                    label: live,
                    after: live,
                    else_arm: None,
                }),
                Effect::EndLoop(position) => blocks.push(BlockLiveness {
                    label: heads.get(*position).copied().unwrap_or(0),
                    after: live,
                    else_arm: None,
                }),
                Effect::Else => {
                    if let Some(block) = blocks.last_mut() {
                        block.else_arm = Some(live);
                        live = block.after;
                    }
                }
                Effect::If => {
                    if let Some(block) = blocks.pop() {
                        live |= block.else_arm.unwrap_or(block.after);
                    }
                }
                Effect::Open => {
                    blocks.pop();
                }
                Effect::Loop(position) => {
                    blocks.pop();
                    if let Some(head) = heads.get_mut(*position) {
                        grown |= live & !*head != 0;
                        *head |= live;
                    }
                }
                Effect::Branch(depth) => live = label(&blocks, *depth),
                Effect::BranchTable(labels) => {
                    live = edits
                        .labels(*labels)
                        .iter()
                        .fold(0, |live, depth| live | label(&blocks, *depth));
                }
                Effect::BranchIf(depth) => live |= label(&blocks, *depth),
                Effect::Leave => live = 0,
            }
        }
        grown
    }
}

/// The locals that are live at the target of a branch of this depth. None are live after the
/// function.
fn label(blocks: &[BlockLiveness], depth: u32) -> u64 {
    usize::try_from(depth)
        .ok()
        .and_then(|depth| blocks.iter().rev().nth(depth))
        .map_or(0, |block| block.label)
}

fn bit(local: u32) -> u64 {
    1_u64.checked_shl(local).unwrap_or(0)
}

fn has(set: u64, local: u32) -> bool {
    set & bit(local) != 0
}
