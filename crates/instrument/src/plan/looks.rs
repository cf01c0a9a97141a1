//! At which loop heads gas is looked at.
//!
//! It must be looked at in every round of every loop, or a loop could go on for ever. A round that comes by another
//! look on its way, such as a call, needs none at the head: a loop is looked at where some way from its head back to
//! its head passes no other look. What is inside is decided first, since a look at the head of an inner loop is
//! a look in a round of the outer one.

use std::collections::BTreeSet;

/// Follows the flow of control through one function.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Whether some way from the head of the innermost loop to here passes no look.
    unseen: bool,
    blocks: Vec<Block>,
    /// The positions of the loops in `blocks`.
    loops: Vec<usize>,
}

#[derive(Debug)]
struct Block {
    /// What `unseen` was at its begin.
    begin: bool,
    /// Whether some branch to its end arrives unseen, if it is no loop.
    arrives: bool,
    /// The blocks outside, and this one, to which branches inside go unseen, if it is a loop.
    leaves: BTreeSet<usize>,
}

impl Looks {
    /// Gas is looked at here.
    pub(super) fn look(&mut self) {
        self.unseen = false;
    }

    /// A block or an `if` begins.
    pub(super) fn open(&mut self) {
        self.blocks.push(Block {
            begin: self.unseen,
            arrives: false,
            leaves: BTreeSet::new(),
        });
    }

    /// A loop begins.
    pub(super) fn open_loop(&mut self) {
        self.loops.push(self.blocks.len());
        self.open();
        self.unseen = true;
    }

    /// A branch to the block of this position, counted from the outside.
    pub(super) fn branch(&mut self, target: usize) {
        if self.unseen {
            self.arrive(target);
        }
    }

    /// What follows is not reached from here.
    pub(super) fn leave(&mut self) {
        self.unseen = false;
    }

    /// The `else` of the innermost block.
    pub(super) fn alternative(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.arrives |= self.unseen;
            self.unseen = block.begin;
        }
    }

    /// The innermost block ends; `skips` if it is an `if` without `else`.
    pub(super) fn close(&mut self, skips: bool) {
        if let Some(block) = self.blocks.pop() {
            self.unseen |= block.arrives || (skips && block.begin);
        }
    }

    /// The innermost block, a loop, ends: whether gas is to be looked at at its head.
    pub(super) fn close_loop(&mut self) -> bool {
        let (Some(block), Some(position)) = (self.blocks.pop(), self.loops.pop()) else {
            return true;
        };
        let is_looked_at = block.leaves.contains(&position);
        let passes_unseen = block.begin && !is_looked_at;
        if passes_unseen {
            for target in block.leaves {
                self.arrive(target);
            }
        }
        self.unseen &= passes_unseen;
        is_looked_at
    }

    fn arrive(&mut self, target: usize) {
        let Some(innermost) = self.loops.last().copied() else {
            return;
        };
        if target <= innermost {
            if let Some(block) = self.blocks.get_mut(innermost) {
                block.leaves.insert(target);
            }
        } else if let Some(block) = self.blocks.get_mut(target) {
            block.arrives = true;
        }
    }
}
