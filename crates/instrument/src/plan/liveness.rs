//! Which locals are still needed at the heads of loops.
//!
//! The usual analysis against the flow of control: a local is live where some way from there reads it before
//! it is written. It is asked for small functions with few locals only, so that a set of locals is one number.

use wasmparser::ValType;

use super::steps::{Action, Labels, Steps};

/// A function with more locals is not analysed.
const MOST_LOCALS: usize = 64;

/// What matters of a step.
#[derive(Debug)]
enum Turn {
    Get(u32),
    Set(u32),
    Open,
    /// A loop, by its position among the loops.
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

/// Follows one function, and then goes back over it.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    turns: Vec<Turn>,
    /// The position of each open block among the loops, if it is one.
    open: Vec<Option<usize>>,
    loops: Vec<Loop>,
    /// Those of the locals that are numbers, and how many locals there are.
    numbers: u64,
    locals: usize,
}

/// A loop.
#[derive(Debug)]
struct Loop {
    offset: u32,
    /// The locals that it writes.
    written: u64,
}

/// A block, on the way back.
struct Block {
    /// What is live where branches to it go.
    label: u64,
    /// What is live behind it.
    behind: u64,
    /// What is live where its `else` begins.
    otherwise: Option<u64>,
}

impl Liveness {
    /// Takes note of the next locals. Only numbers are followed.
    pub(super) fn declare(&mut self, count: usize, type_of: impl Fn(usize) -> Option<ValType>) {
        let known = self.locals;
        self.locals = known.saturating_add(count);
        for (position, local) in (known..self.locals.min(MOST_LOCALS)).enumerate() {
            if matches!(
                type_of(position),
                Some(ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
            ) {
                self.numbers |= bit(u32::try_from(local).unwrap_or(u32::MAX));
            }
        }
    }

    fn is_possible(&self) -> bool {
        self.locals <= MOST_LOCALS
    }

    fn follow(&mut self, action: Action, offset: u32) {
        let turn = match action {
            Action::Get(local) => Turn::Get(local),
            Action::Set(local) | Action::Tee(local) => {
                self.write(bit(local));
                Turn::Set(local)
            }
            Action::Block(_) => {
                self.open.push(None);
                Turn::Open
            }
            Action::Loop(_) => {
                let position = self.loops.len();
                self.loops.push(Loop { offset, written: 0 });
                self.open.push(Some(position));
                Turn::Loop(position)
            }
            Action::If(_) => {
                self.open.push(None);
                Turn::If
            }
            Action::Else => Turn::Else,
            Action::End => match self.open.pop().flatten() {
                Some(position) => {
                    // What an inner loop writes, the loops around it write.
                    self.write(self.loops.get(position).map_or(0, |inner| inner.written));
                    Turn::EndLoop(position)
                }
                None => Turn::End,
            },
            Action::Branch(depth) => Turn::Branch(depth),
            Action::BranchIf(depth) => Turn::BranchIf(depth),
            Action::BranchTable(labels) => Turn::BranchTable(labels),
            Action::Return | Action::Unreachable => Turn::Leave,
            _ => return,
        };
        self.turns.push(turn);
    }

    /// The innermost loop writes these locals.
    fn write(&mut self, locals: u64) {
        let innermost = self.open.iter().rev().flatten().next();
        if let Some(innermost) = innermost.and_then(|position| self.loops.get_mut(*position)) {
            innermost.written |= locals;
        }
    }

    /// The locals that each loop writes and that are live at its head, by the loop's offset; nothing if that would
    /// take too long to find.
    pub(super) fn at_loops(mut self, steps: &Steps) -> Vec<(u32, Vec<u32>)> {
        // Each round carries what is live one loop further out.
        const ROUNDS: u32 = 12;
        if !self.is_possible() {
            return Vec::new();
        }
        self.turns.reserve(steps.list.len());
        for step in &steps.list {
            self.follow(step.action, step.offset);
        }
        let mut heads = vec![0; self.loops.len()];
        for _ in 0..ROUNDS {
            if !self.go_back(steps, &mut heads) {
                let found = |(inner, head): (Loop, u64)| {
                    let locals = head & inner.written & self.numbers;
                    let locals = (0..u64::BITS).filter(|local| has(locals, *local));
                    (inner.offset, locals.collect())
                };
                return self.loops.into_iter().zip(heads).map(found).collect();
            }
        }
        Vec::new()
    }

    /// Goes back over the function once; whether it found something that is live at a head.
    fn go_back(&self, steps: &Steps, heads: &mut [u64]) -> bool {
        let mut found = false;
        let mut live = 0;
        let mut blocks: Vec<Block> = Vec::new();
        for turn in self.turns.iter().rev() {
            match turn {
                Turn::Get(local) => live |= bit(*local),
                Turn::Set(local) => live &= !bit(*local),
                Turn::End => blocks.push(Block {
                    label: live,
                    behind: live,
                    otherwise: None,
                }),
                Turn::EndLoop(position) => blocks.push(Block {
                    label: heads.get(*position).copied().unwrap_or(0),
                    behind: live,
                    otherwise: None,
                }),
                Turn::Else => {
                    if let Some(block) = blocks.last_mut() {
                        block.otherwise = Some(live);
                        live = block.behind;
                    }
                }
                Turn::If => {
                    if let Some(block) = blocks.pop() {
                        live |= block.otherwise.unwrap_or(block.behind);
                    }
                }
                Turn::Open => {
                    blocks.pop();
                }
                Turn::Loop(position) => {
                    blocks.pop();
                    if let Some(head) = heads.get_mut(*position) {
                        found |= live & !*head != 0;
                        *head |= live;
                    }
                }
                Turn::Branch(depth) => live = label(&blocks, *depth),
                Turn::BranchTable(labels) => {
                    live = steps
                        .labels(*labels)
                        .iter()
                        .fold(0, |live, depth| live | label(&blocks, *depth));
                }
                Turn::BranchIf(depth) => live |= label(&blocks, *depth),
                Turn::Leave => live = 0,
            }
        }
        found
    }
}

/// What is live where a branch of this depth goes; out of the function, nothing.
fn label(blocks: &[Block], depth: u32) -> u64 {
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
