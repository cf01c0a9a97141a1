//! How often the operators of a function are estimated to run, relative to each other.
//!
//! A loop is assumed to run [`ROUNDS`] rounds. A conditional branch back to its head is taken in
//! all rounds but one, and a conditional branch out of it in one. Any other condition holds every
//! second time. A block is left at most as often as it is entered.
//!
//! The estimate decides where charges stand, and never how much is charged.

/// The estimated number of rounds of a loop.
const ROUNDS: u64 = 8;

/// The frequency of the function entry: much more than one, because conditions divide it.
const ENTRY: u64 = 1 << 16;

/// Follows the control flow of one function.
#[derive(Debug)]
pub(super) struct Frequencies {
    /// The frequency of the current operator. Zero in unreachable code.
    current: u64,
    blocks: Vec<OpenBlock>,
    /// Indices of the loops in `blocks`.
    loops: Vec<usize>,
}

/// The frequencies of an open block.
#[derive(Debug)]
struct OpenBlock {
    at_begin: u64,
    /// The sum of the branches to the end. Not used for loops.
    at_end: u64,
    /// The second arm of an `if` whose first arm is open.
    otherwise: u64,
}

impl Frequencies {
    pub(super) fn new() -> Self {
        Self {
            current: ENTRY,
            blocks: Vec::new(),
            loops: Vec::new(),
        }
    }

    /// The frequency of the current operator.
    pub(super) const fn current(&self) -> u64 {
        self.current
    }

    /// Begins a `block`.
    pub(super) fn open(&mut self) {
        self.blocks.push(OpenBlock {
            at_begin: self.current,
            at_end: 0,
            otherwise: 0,
        });
    }

    /// Begins a loop.
    pub(super) fn open_loop(&mut self) {
        self.loops.push(self.blocks.len());
        self.open();
        self.current = self.current.saturating_mul(ROUNDS);
    }

    /// Begins the first arm of an `if`.
    pub(super) fn open_if(&mut self) {
        self.open();
        let otherwise = self.current / 2;
        self.current = self.current.saturating_sub(otherwise);
        if let Some(block) = self.blocks.last_mut() {
            block.otherwise = otherwise;
        }
    }

    /// Begins the `else` arm of the innermost block.
    pub(super) fn alternative(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.at_end = block.at_end.saturating_add(self.current);
            self.current = std::mem::take(&mut block.otherwise);
        }
    }

    /// Ends the innermost block.
    pub(super) fn close(&mut self) {
        let Some(block) = self.blocks.pop() else {
            return;
        };
        self.loops.pop_if(|position| *position == self.blocks.len());
        self.current = self
            .current
            .saturating_add(block.at_end)
            .saturating_add(block.otherwise)
            .min(block.at_begin);
    }

    /// Notes a conditional branch to the block at this index, where 0 is the outermost block. None
    /// stands for the function.
    pub(super) fn branch_if(&mut self, target: Option<usize>) {
        let round = self.current / ROUNDS;
        let innermost = self.loops.last().copied();
        let taken = match innermost {
            Some(_) if target == innermost => self.current.saturating_sub(round),
            Some(_) if target < innermost => round,
            _ => self.current / 2,
        };
        self.arrive(target, taken);
        self.current = self.current.saturating_sub(taken);
    }

    /// Notes one of this number of branches that an operator takes equally often. The code after
    /// them is unreachable.
    pub(super) fn branch(&mut self, target: Option<usize>, branches: usize) {
        let branches = u64::try_from(branches).unwrap_or(u64::MAX).max(1);
        self.arrive(target, self.current / branches);
    }

    /// Begins unreachable code.
    pub(super) fn leave(&mut self) {
        self.current = 0;
    }

    fn arrive(&mut self, target: Option<usize>, frequency: u64) {
        if let Some(block) = target.and_then(|target| self.blocks.get_mut(target)) {
            block.at_end = block.at_end.saturating_add(frequency);
        }
    }
}

#[cfg(test)]
mod tests;
