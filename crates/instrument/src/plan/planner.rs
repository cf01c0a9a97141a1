//! The planner: splits a function into metered blocks while its operators are visited.

use wasmparser::Operator;

use super::{
    charges::{self, Charge, ENTRY, MeteredBlock, Side},
    frequency::Frequencies,
    gas_checks::GasChecks,
    placement::{EXACT, Node, Nodes},
};
use crate::{
    edits::{Action, Edits},
    work::NESTED,
};

/// Follows the control flow of one function.
pub(super) struct Planner {
    /// The metered blocks. The first one begins at the entry.
    metered_blocks: Vec<MeteredBlock>,
    nodes: Nodes,
    /// Cost of the current metered block so far.
    cost: u64,
    gas_checks: GasChecks,
    /// Offsets of the loops that need a gas check at the head.
    checked_loops: Vec<u32>,
    /// The open blocks, outermost first.
    open: Vec<OpenBlock>,
    frequencies: Frequencies,
    branches_out: bool,
    /// In unreachable code, the number of blocks that were opened there.
    dead_depth: Option<u32>,
}

/// What the planner knows of a function at its end.
pub(super) struct Outline {
    /// The charge at the entry.
    pub(super) entry: i64,
    pub(super) charges: Vec<Charge>,
    /// Offsets of the loops that need a gas check at the head.
    pub(super) checked_loops: Vec<u32>,
    /// Number of metered blocks with a cost above zero.
    pub(super) metered_blocks: u64,
    /// Sum of the costs of all metered blocks.
    pub(super) gas: u64,
    /// Whether some branch targets the function's own label.
    pub(super) branches_out: bool,
}

/// A block of the guest that is open at the current operator.
struct OpenBlock {
    kind: BlockKind,
    /// The node that branches to this block lead to.
    label: Node,
    /// Whether some branch targets this block.
    is_target: bool,
    /// The node before the two arms of an `if`.
    before_arms: Node,
    /// Index of the metered block at the head of a loop.
    head: usize,
}

#[derive(PartialEq, Eq)]
enum BlockKind {
    Block,
    Loop,
    If,
    Else,
}

impl Planner {
    /// Allocates for a body of this size in bytes. Most bodies have one metered block for each 16.
    pub(super) fn of_body(bytes: u64) -> Self {
        let blocks = usize::try_from(bytes / 16).unwrap_or(0);
        let mut planner = Self {
            metered_blocks: Vec::with_capacity(blocks),
            nodes: Nodes::with_capacity(blocks),
            cost: 0,
            gas_checks: GasChecks::new(),
            checked_loops: Vec::new(),
            open: Vec::with_capacity(NESTED),
            frequencies: Frequencies::new(),
            branches_out: false,
            dead_depth: None,
        };
        planner.begin_metered_block(EXACT, ENTRY);
        planner.check_gas(ENTRY, Side::AfterCheck);
        planner
    }

    /// Places the charges. `calls` tells whether the function contains a call.
    pub(super) fn finish(self, calls: bool) -> Outline {
        let (count, gas) =
            self.metered_blocks
                .iter()
                .fold((0_u64, 0_u64), |(count, gas), block| {
                    let costs = u64::from(block.cost > 0);
                    (count.saturating_add(costs), gas.saturating_add(block.cost))
                });
        let (entry, charges) = charges::place(&self.metered_blocks, self.nodes, calls);
        Outline {
            entry,
            charges,
            checked_loops: self.checked_loops,
            metered_blocks: count,
            gas,
            branches_out: self.branches_out,
        }
    }

    /// Whether the current operator is reachable.
    pub(super) const fn is_reached(&self) -> bool {
        self.dead_depth.is_none()
    }

    /// Number of open blocks.
    pub(super) fn depth(&self) -> u64 {
        u64::try_from(self.open.len()).unwrap_or(u64::MAX)
    }

    /// Adds the price of an operator to the current metered block.
    pub(super) fn charge(&mut self, price: u32) {
        self.cost = self.cost.saturating_add(u64::from(price));
    }

    /// Follows a reachable operator.
    #[inline(always)]
    pub(super) fn follow(&mut self, action: Action, edits: &Edits, offset: u32) {
        match action {
            Action::Block(_) => {
                self.open(BlockKind::Block, EXACT, offset);
                self.gas_checks.open();
                self.frequencies.open();
            }
            Action::Loop(_) => {
                self.open(BlockKind::Loop, EXACT, offset);
                self.gas_checks.open_loop();
            }
            Action::If(_) => {
                let before_arms = self.nodes.add();
                self.end_metered_block(before_arms, offset);
                self.open(BlockKind::If, before_arms, offset);
                self.gas_checks.open();
                self.frequencies.open_if();
                self.begin_metered_block(before_arms, offset);
            }
            Action::Else => {
                self.flow_to_label(offset);
                self.begin_else(offset);
            }
            Action::End => self.close(offset, true),
            Action::Branch(depth) => {
                let target = self.branch_to(depth);
                self.frequencies.branch(self.position(depth), 1);
                self.leave(target, offset);
            }
            Action::BranchIf(depth) => {
                let target = self.branch_to(depth);
                self.end_metered_block(target, offset);
                self.frequencies.branch_if(self.position(depth));
                self.begin_metered_block(target, offset);
            }
            Action::BranchTable(labels) => {
                let labels = edits.labels(labels);
                for depth in labels {
                    self.frequencies.branch(self.position(*depth), labels.len());
                }
                let mut labels = labels.iter();
                let first = labels.next().map_or(EXACT, |depth| self.branch_to(*depth));
                let target = labels.fold(first, |target, depth| {
                    let other = self.branch_to(*depth);
                    self.nodes.unite(target, other)
                });
                self.leave(target, offset);
            }
            Action::Return | Action::ReturnCall(_) | Action::ReturnCallIndirect { .. } => {
                self.leave_function();
                self.leave(EXACT, offset);
            }
            Action::Unreachable => {
                self.check_gas(offset, Side::Before);
                self.leave(EXACT, offset);
            }
            Action::Call(_)
            | Action::CallIndirect { .. }
            | Action::ByLength(_)
            | Action::InChunks(_) => {
                self.check_gas(offset, Side::After);
            }
            _ => {}
        }
    }

    /// Follows an operator in unreachable code. Returns the action of the `else` or `end` that
    /// closes it.
    #[inline(always)]
    pub(super) fn follow_unreachable(
        &mut self,
        operator: &Operator<'_>,
        offset: u32,
    ) -> Option<Action> {
        let depth = self.dead_depth?;
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                self.dead_depth = Some(depth.saturating_add(1));
                None
            }
            Operator::Else if depth == 0 => {
                self.dead_depth = None;
                self.begin_else(offset);
                Some(Action::Else)
            }
            Operator::End => {
                self.dead_depth = depth.checked_sub(1);
                self.is_reached().then(|| {
                    self.close(offset, false);
                    Action::End
                })
            }
            _ => None,
        }
    }

    fn open(&mut self, kind: BlockKind, before_arms: Node, offset: u32) {
        let label = self.nodes.add();
        if kind == BlockKind::Loop {
            self.end_metered_block(label, offset);
            self.frequencies.open_loop();
            self.begin_metered_block(label, offset);
        }
        self.open.push(OpenBlock {
            kind,
            label,
            is_target: false,
            before_arms,
            head: self.metered_blocks.len().saturating_sub(1),
        });
    }

    /// Closes the innermost block or the function. `is_live` tells whether its end is reached from
    /// the operator before it.
    fn close(&mut self, offset: u32, is_live: bool) {
        let Some(block) = self.open.pop() else {
            if is_live {
                self.leave_function();
                self.end_metered_block(EXACT, offset);
            }
            return;
        };
        self.frequencies.close();
        match block.kind {
            BlockKind::Loop => {
                if self.gas_checks.close_loop()
                    && let Some(head) = self.metered_blocks.get_mut(block.head)
                {
                    head.last_check
                        .get_or_insert((head.begin, Side::AfterCheck));
                    self.checked_loops.push(head.begin);
                }
                if is_live {
                    return;
                }
            }
            BlockKind::Block | BlockKind::Else => self.gas_checks.close(false),
            BlockKind::If => {
                self.gas_checks.close(true);
                self.nodes.unite(block.label, block.before_arms);
            }
        }
        if is_live && block.kind == BlockKind::Block && !block.is_target {
            return;
        }
        if is_live {
            self.end_metered_block(block.label, offset);
        }
        // The code after a loop whose end is not reached is unreachable too.
        let from = match block.kind {
            BlockKind::Loop => self.nodes.add(),
            _ => block.label,
        };
        self.begin_metered_block(from, offset);
    }

    /// Begins the second arm of an `if`.
    fn begin_else(&mut self, offset: u32) {
        self.gas_checks.alternative();
        self.frequencies.alternative();
        let before_arms = self.open.last_mut().map_or(EXACT, |block| {
            block.kind = BlockKind::Else;
            block.before_arms
        });
        self.begin_metered_block(before_arms, offset);
    }

    /// Ends the first arm of an `if`.
    fn flow_to_label(&mut self, offset: u32) {
        let label = self.open.last().map_or(EXACT, |block| block.label);
        self.end_metered_block(label, offset);
    }

    /// The node that a branch of this depth leads to.
    fn branch_to(&mut self, depth: u32) -> Node {
        let Some((position, block)) = self
            .position(depth)
            .and_then(|position| Some((position, self.open.get_mut(position)?)))
        else {
            self.branches_out = true;
            return EXACT;
        };
        block.is_target = true;
        self.gas_checks.branch(position);
        block.label
    }

    /// The index of the block that a branch of this depth targets, unless it is the function.
    fn position(&self, depth: u32) -> Option<usize> {
        let depth = usize::try_from(depth).ok()?;
        self.open.len().checked_sub(depth.checked_add(1)?)
    }

    /// Ends the current metered block. The code after it is unreachable.
    fn leave(&mut self, to: Node, offset: u32) {
        self.end_metered_block(to, offset);
        self.gas_checks.leave();
        self.frequencies.leave();
        self.dead_depth = Some(0);
    }

    fn leave_function(&mut self) {
        if let Some(block) = self.metered_blocks.last_mut() {
            block.returns = true;
        }
    }

    /// Notes a gas check in the current metered block.
    fn check_gas(&mut self, offset: u32, side: Side) {
        self.gas_checks.check();
        if let Some(block) = self.metered_blocks.last_mut() {
            block.last_check = Some((offset, side));
        }
    }

    fn begin_metered_block(&mut self, from: Node, begin: u32) {
        self.metered_blocks.push(MeteredBlock {
            from,
            to: EXACT,
            cost: 0,
            begin,
            end: begin,
            last_check: None,
            returns: false,
            frequency: self.frequencies.current(),
        });
    }

    fn end_metered_block(&mut self, to: Node, end: u32) {
        if let Some(block) = self.metered_blocks.last_mut() {
            block.cost = std::mem::take(&mut self.cost);
            block.to = to;
            block.end = end;
            // The end of a loop does not end a metered block. A block that continues behind it
            // does not run in every iteration.
            block.frequency = block.frequency.min(self.frequencies.current());
        }
    }
}
