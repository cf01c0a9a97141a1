//! Decides which loops need a gas check at the head.
//!
//! Every iteration of every loop must pass a gas check, or the loop could run forever. An iteration
//! that passes another gas check, such as a call, needs none at the head. So a loop is checked at
//! its head if some path from the head back to the head passes no other gas check. Inner loops are
//! decided first, because a gas check at the head of an inner loop counts for the outer loop.

use std::collections::BTreeSet;

use crate::work::NESTED;

/// Follows the control flow of one function.
#[derive(Debug)]
pub(super) struct GasChecks {
    /// Whether some path from the head of the innermost loop to the current operator passes no gas
    /// check.
    unchecked: bool,
    blocks: Vec<BlockPaths>,
    /// Indices of the loops in `blocks`.
    loops: Vec<usize>,
}

/// The paths through an open block that pass no gas check.
#[derive(Debug)]
struct BlockPaths {
    /// The value of `unchecked` at the begin of the block.
    at_begin: bool,
    /// Whether an unchecked branch targets the end of this block. Not used for loops.
    at_end: bool,
    /// For a loop: the blocks that unchecked branches inside it target, itself or further out.
    targets: BTreeSet<usize>,
}

impl GasChecks {
    pub(super) fn new() -> Self {
        Self {
            unchecked: false,
            blocks: Vec::with_capacity(NESTED),
            loops: Vec::new(),
        }
    }

    /// Notes a gas check.
    pub(super) fn check(&mut self) {
        self.unchecked = false;
    }

    /// Begins a `block` or an `if`.
    pub(super) fn open(&mut self) {
        self.blocks.push(BlockPaths {
            at_begin: self.unchecked,
            at_end: false,
            targets: BTreeSet::new(),
        });
    }

    /// Begins a loop.
    pub(super) fn open_loop(&mut self) {
        self.loops.push(self.blocks.len());
        self.open();
        self.unchecked = true;
    }

    /// Notes a branch to the block at this index, where 0 is the outermost block.
    pub(super) fn branch(&mut self, target: usize) {
        if self.unchecked {
            self.arrive(target);
        }
    }

    /// Begins unreachable code.
    pub(super) fn leave(&mut self) {
        self.unchecked = false;
    }

    /// Begins the `else` arm of the innermost block.
    pub(super) fn alternative(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.at_end |= self.unchecked;
            self.unchecked = block.at_begin;
        }
    }

    /// Ends the innermost block. `skips` is true for an `if` without `else`.
    pub(super) fn close(&mut self, skips: bool) {
        if let Some(block) = self.blocks.pop() {
            self.unchecked |= block.at_end || (skips && block.at_begin);
        }
    }

    /// Ends the innermost block, a loop. Returns whether it needs a gas check at the head.
    pub(super) fn close_loop(&mut self) -> bool {
        let (Some(block), Some(position)) = (self.blocks.pop(), self.loops.pop()) else {
            return true;
        };
        let needs_check = block.targets.contains(&position);
        let passes_unchecked = block.at_begin && !needs_check;
        if passes_unchecked {
            for target in block.targets {
                self.arrive(target);
            }
        }
        self.unchecked &= passes_unchecked;
        needs_check
    }

    fn arrive(&mut self, target: usize) {
        let Some(innermost) = self.loops.last().copied() else {
            return;
        };
        if target <= innermost {
            if let Some(block) = self.blocks.get_mut(innermost) {
                block.targets.insert(target);
            }
        } else if let Some(block) = self.blocks.get_mut(target) {
            block.at_end = true;
        }
    }
}
