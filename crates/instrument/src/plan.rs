//! The plan of one function: where it is charged, how much, and how large its frame is.
//!
//! A *region* is a run of operators of which either all run or the guest leaves at one of them.
//! It is charged as a whole. Regions begin at the function's entry,
//! at a `loop`, after `if`, `else` and `br_if`, and after the `end` of an `if` and of a block that some
//! branch leaves for. Operators that cannot be reached have no region and are dropped.
//!
//! What each region costs is how gas is defined; where charges stand is chosen by [`placement`],
//! so that wherever gas is looked at it is what it would be had each region been charged at its begin.

mod liveness;
mod looks;
mod placement;

use std::collections::BTreeMap;

use wasmparser::{
    FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, ValType, ValidatorResources,
};

use self::{
    liveness::Liveness,
    looks::Looks,
    placement::{EXACT, Edge, Node, Nodes},
};
use crate::{
    Refusal, Rule, Rules,
    features::{admit_type, refuse_operator},
    floats,
    length::Length,
    work::Work,
};

/// How one function is to be rewritten.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The offset of the body, which stands for the entry.
    pub(crate) begin: u64,
    /// What is charged at the entry before gas is looked at.
    pub(crate) entry: i64,
    /// What is charged elsewhere, in the order of the places.
    pub(crate) charges: Vec<Charge>,
    /// The loops at whose heads gas is looked at, in their order.
    pub(crate) looked_loops: Vec<LookedLoop>,
    /// Regions that cost something, and what they cost together.
    pub(crate) regions: u64,
    pub(crate) gas: u64,
    /// Parameters.
    pub(crate) params: u32,
    /// Parameters and locals.
    pub(crate) locals: u32,
    /// Bytes that an open frame takes; none is counted for a function that calls nothing.
    pub(crate) frame: u64,
    /// Whether it calls anything.
    pub(crate) calls: bool,
    /// Whether it grows the memory.
    pub(crate) grows: bool,
    /// Whether some operator needs an `i32` to be kept while it is rewritten.
    pub(crate) needs_scratch: bool,
    /// Whether some branch leaves for the function's own end.
    pub(crate) branches_out: bool,
    /// Which NaNs it computes.
    pub(crate) nans: floats::Computed,
    /// The work that compiling it is.
    pub(crate) work: u64,
}

/// A loop at whose head gas is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LookedLoop {
    /// Its offset.
    pub(crate) offset: u64,
    /// The locals that it is worth to put away while the host is called, so that a compiler need not keep them in
    /// registers that a call preserves.
    pub(crate) put_away: Vec<u32>,
}

/// With more live locals than these, no compiler keeps them in registers anyway.
pub(crate) const MOST_PUT_AWAY: usize = 24;

/// A charge beside an operator.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Charge {
    /// The offset of the operator.
    pub(crate) offset: u64,
    /// On which side of it.
    pub(crate) side: Side,
    /// How much; below zero, it is given back.
    pub(crate) amount: i64,
}

/// A side of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Before,
    After,
    /// Behind the look at the head of a loop, or at the entry.
    AfterLook,
}

/// A region, while the planner follows the operators.
struct Region {
    /// Where paths come from.
    from: Node,
    /// Where they go to.
    to: Node,
    cost: u64,
    /// The offset of the operator after which it begins.
    begin: u64,
    /// The offset of the operator before which it ends.
    end: u64,
    /// Where gas is looked at for the last time in it, if it is: there it must be exact.
    last_look: Option<(u64, Side)>,
    /// Whether it ends where the function does.
    leaves: bool,
    /// Loops that it is in.
    loops: u32,
}

/// A block that is open where the planner is.
struct Block {
    kind: BlockKind,
    /// Where branches to it go.
    label: Node,
    /// Whether some branch leaves for its end.
    is_target: bool,
    /// Where the paths of an `if` part.
    parting: Node,
    /// The region of a loop's head.
    head: usize,
}

#[derive(PartialEq, Eq)]
enum BlockKind {
    Block,
    Loop,
    If,
    Else,
}

struct Planner {
    /// The entry's region first.
    regions: Vec<Region>,
    nodes: Nodes,
    looks: Looks,
    liveness: Liveness,
    looked_loops: Vec<u64>,
    blocks: Vec<Block>,
    loops: u32,
    branches_out: bool,
    /// Blocks opened where no code is reached: none of them has a region.
    dead_depth: Option<u32>,
}

/// Validates a function's body, holds it against the rules, and plans it.
pub(crate) fn plan(
    function: FuncToValidate<ValidatorResources>,
    allocations: &mut FuncValidatorAllocations,
    params: &[ValType],
    body: &FunctionBody<'_>,
    rules: &Rules,
) -> Result<Plan, Refusal> {
    let limits = rules.limits();
    let start = body.range().start;
    let bytes = body.range().end.saturating_sub(start);
    check_limit("function_bytes", bytes, limits.function_bytes, Some(start))?;

    let mut validator = function.into_validator(std::mem::take(allocations));
    let mut reader = body.get_binary_reader();
    let mut locals = body.get_locals_reader().map_err(Refusal::from)?;
    let params_count = u32::try_from(params.len()).unwrap_or(u32::MAX);
    let mut count = u64::from(params_count);
    let mut liveness = Liveness::new();
    liveness.declare(params.len(), |position| params.get(position).copied());
    for _ in 0..locals.get_count() {
        let offset = locals.original_position();
        let (more, value_type) = locals.read().map_err(Refusal::from)?;
        admit_type(value_type, offset, rules)?;
        liveness.declare(usize::try_from(more).unwrap_or(usize::MAX), |_| {
            Some(value_type)
        });
        count = count.saturating_add(u64::from(more));
        check_limit("locals", count, limits.locals, Some(offset))?;
    }
    validator.read_locals(&mut reader).map_err(Refusal::from)?;

    let mut planner = Planner::new(start, liveness);
    let mut work = Work::new(count);
    let mut highest = 0;
    let mut operator_count: u64 = 0;
    let (mut calls, mut grows, mut needs_scratch) = (false, false, false);
    let mut nans = floats::Computed::default();
    let mut operators = body.get_operators_reader().map_err(Refusal::from)?;
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset().map_err(Refusal::from)?;
        admit_operator(&operator, offset, rules)?;
        work.operator(&operator, &validator);
        validator.op(offset, &operator).map_err(Refusal::from)?;
        highest = highest.max(validator.operand_stack_height());
        operator_count = operator_count.saturating_add(1);
        calls |= is_call(&operator);
        grows |= matches!(operator, Operator::MemoryGrow { .. });
        needs_scratch |= keeps_an_operand(&operator);
        nans.note(&operator);
        planner.operator(&operator, offset, rules)?;
    }
    operators.finish().map_err(Refusal::from)?;
    *allocations = validator.into_allocations();

    let work = work.units();
    check_limit("function_work", work, limits.function_work, Some(start))?;

    let slots = count.saturating_add(u64::from(highest));
    let frame = rules.schedule().frame.bytes(slots, operator_count);
    check_limit("frame_bytes", frame, limits.frame_bytes, Some(start))?;

    let branches_out = planner.branches_out;
    let (regions, gas) = planner.sum();
    let looked_loops = planner.take_looked_loops();
    let (entry, charges) = planner.place(calls);
    Ok(Plan {
        begin: start,
        entry,
        charges,
        looked_loops,
        regions,
        gas,
        params: params_count,
        locals: u32::try_from(count).unwrap_or(u32::MAX),
        frame,
        calls,
        grows,
        needs_scratch,
        branches_out,
        nans,
        work,
    })
}

impl Planner {
    fn new(start: u64, liveness: Liveness) -> Self {
        let mut planner = Self {
            regions: Vec::new(),
            nodes: Nodes::new(),
            looks: Looks::default(),
            liveness,
            looked_loops: Vec::new(),
            blocks: Vec::new(),
            loops: 0,
            branches_out: false,
            dead_depth: None,
        };
        planner.begin_region(EXACT, start);
        planner.look(start, Side::AfterLook);
        planner
    }

    fn operator(
        &mut self,
        operator: &Operator<'_>,
        offset: u64,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        if let Some(depth) = self.dead_depth {
            self.dead_operator(operator, offset, depth);
            return Ok(());
        }
        self.charge(operator, rules);
        self.liveness.operator(operator, offset);
        match operator {
            Operator::Block { .. } => {
                self.open(BlockKind::Block, EXACT, offset, rules)?;
                self.looks.open();
            }
            Operator::Loop { .. } => {
                self.open(BlockKind::Loop, EXACT, offset, rules)?;
                self.looks.open_loop();
            }
            Operator::If { .. } => {
                let parting = self.nodes.add();
                self.end_region(parting, offset);
                self.open(BlockKind::If, parting, offset, rules)?;
                self.looks.open();
                self.begin_region(parting, offset);
            }
            Operator::Else => {
                self.flow_to_label(offset);
                self.alternative(offset);
            }
            Operator::End => self.close(offset, true),
            Operator::Br { relative_depth } => {
                let target = self.branch_to(*relative_depth);
                self.leave(target, offset);
            }
            Operator::BrIf { relative_depth } => {
                let target = self.branch_to(*relative_depth);
                self.end_region(target, offset);
                self.begin_region(target, offset);
            }
            Operator::BrTable { targets } => {
                let mut target = self.branch_to(targets.default());
                for other in targets.targets() {
                    let other = self.branch_to(other.map_err(Refusal::from)?);
                    target = self.nodes.unite(target, other);
                }
                self.leave(target, offset);
            }
            Operator::Return => {
                self.leave_function();
                self.leave(EXACT, offset);
            }
            Operator::Unreachable => {
                self.look(offset, Side::Before);
                self.leave(EXACT, offset);
            }
            looking if is_call(looking) || Length::of(looking).is_some() => {
                self.look(offset, Side::After);
            }
            _ => {}
        }
        Ok(())
    }

    /// Follows the blocks of code that is not reached, up to where code is reached again.
    fn dead_operator(&mut self, operator: &Operator<'_>, offset: u64, depth: u32) {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                self.dead_depth = Some(depth.saturating_add(1));
            }
            Operator::Else if depth == 0 => {
                self.dead_depth = None;
                self.liveness.operator(operator, offset);
                self.alternative(offset);
            }
            Operator::End => match depth.checked_sub(1) {
                Some(outer) => self.dead_depth = Some(outer),
                None => {
                    self.dead_depth = None;
                    self.liveness.operator(operator, offset);
                    self.close(offset, false);
                }
            },
            _ => {}
        }
    }

    fn open(
        &mut self,
        kind: BlockKind,
        parting: Node,
        offset: u64,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        let label = self.nodes.add();
        if kind == BlockKind::Loop {
            self.end_region(label, offset);
            self.loops = self.loops.saturating_add(1);
            self.begin_region(label, offset);
        }
        self.blocks.push(Block {
            kind,
            label,
            is_target: false,
            parting,
            head: self.regions.len().saturating_sub(1),
        });
        let depth = u64::try_from(self.blocks.len()).unwrap_or(u64::MAX);
        check_limit("nesting", depth, rules.limits().nesting, Some(offset))
    }

    /// The innermost block ends, which may be the function; `is_live` if what stands before is reached.
    fn close(&mut self, offset: u64, is_live: bool) {
        let Some(block) = self.blocks.pop() else {
            if is_live {
                self.leave_function();
                self.end_region(EXACT, offset);
            }
            return;
        };
        match block.kind {
            BlockKind::Loop => {
                self.loops = self.loops.saturating_sub(1);
                if self.looks.close_loop()
                    && let Some(head) = self.regions.get_mut(block.head)
                {
                    head.last_look.get_or_insert((head.begin, Side::AfterLook));
                    self.looked_loops.push(head.begin);
                }
                if is_live {
                    return;
                }
            }
            BlockKind::Block | BlockKind::Else => self.looks.close(false),
            BlockKind::If => {
                self.looks.close(true);
                self.nodes.unite(block.label, block.parting);
            }
        }
        if is_live && block.kind == BlockKind::Block && !block.is_target {
            return;
        }
        if is_live {
            self.end_region(block.label, offset);
        }
        // Behind a loop whose inside ends in code that is not reached, nothing is.
        let from = match block.kind {
            BlockKind::Loop => self.nodes.add(),
            _ => block.label,
        };
        self.begin_region(from, offset);
    }

    /// The branch of an `if` that is taken where its condition does not hold.
    fn alternative(&mut self, offset: u64) {
        self.looks.alternative();
        let parting = self.blocks.last_mut().map_or(EXACT, |block| {
            block.kind = BlockKind::Else;
            block.parting
        });
        self.begin_region(parting, offset);
    }

    /// The innermost block is done with, but not closed.
    fn flow_to_label(&mut self, offset: u64) {
        let label = self.blocks.last().map_or(EXACT, |block| block.label);
        self.end_region(label, offset);
    }

    /// Where a branch to the block of this depth goes.
    fn branch_to(&mut self, depth: u32) -> Node {
        let position = usize::try_from(depth)
            .ok()
            .and_then(|depth| self.blocks.len().checked_sub(depth.checked_add(1)?));
        let Some((position, block)) =
            position.and_then(|position| Some((position, self.blocks.get_mut(position)?)))
        else {
            self.branches_out = true;
            return EXACT;
        };
        block.is_target = true;
        self.looks.branch(position);
        block.label
    }

    /// What follows is not reached.
    fn leave(&mut self, to: Node, offset: u64) {
        self.end_region(to, offset);
        self.looks.leave();
        self.dead_depth = Some(0);
    }

    fn leave_function(&mut self) {
        if let Some(region) = self.regions.last_mut() {
            region.leaves = true;
        }
    }

    /// Gas is looked at in the current region.
    fn look(&mut self, offset: u64, side: Side) {
        self.looks.look();
        if let Some(region) = self.regions.last_mut() {
            region.last_look = Some((offset, side));
        }
    }

    fn begin_region(&mut self, from: Node, begin: u64) {
        self.regions.push(Region {
            from,
            to: EXACT,
            cost: 0,
            begin,
            end: begin,
            last_look: None,
            leaves: false,
            loops: self.loops,
        });
    }

    fn end_region(&mut self, to: Node, end: u64) {
        if let Some(region) = self.regions.last_mut() {
            region.to = to;
            region.end = end;
            // It may have left a loop, which ends no region: then it is not gone through in every round.
            region.loops = region.loops.min(self.loops);
        }
    }

    fn charge(&mut self, operator: &Operator<'_>, rules: &Rules) {
        let price = rules.schedule().price(operator).unwrap_or(0);
        if let Some(region) = self.regions.last_mut() {
            region.cost = region.cost.saturating_add(u64::from(price));
        }
    }

    /// How many regions cost something, and what they cost together.
    fn sum(&self) -> (u64, u64) {
        self.regions.iter().fold((0, 0), |(count, gas), region| {
            let costs = u64::from(region.cost > 0);
            (count.saturating_add(costs), gas.saturating_add(region.cost))
        })
    }

    fn take_looked_loops(&mut self) -> Vec<LookedLoop> {
        let mut offsets = std::mem::take(&mut self.looked_loops);
        offsets.sort_unstable();
        if offsets.is_empty() {
            return Vec::new();
        }
        let liveness = std::mem::replace(&mut self.liveness, Liveness::new());
        let mut live: BTreeMap<u64, Vec<u32>> = liveness.at_loops().into_iter().collect();
        offsets
            .into_iter()
            .map(|offset| LookedLoop {
                offset,
                put_away: live
                    .remove(&offset)
                    .filter(|live| live.len() <= MOST_PUT_AWAY)
                    .unwrap_or_default(),
            })
            .collect()
    }

    /// What is charged at the entry, and where what else is charged.
    fn place(self, calls: bool) -> (i64, Vec<Charge>) {
        let mut edges = Vec::new();
        let mut places = Vec::new();
        for region in &self.regions {
            let cost = i64::try_from(region.cost).unwrap_or(i64::MAX);
            let weight = 1_u64
                .checked_shl(region.loops.saturating_mul(3).saturating_add(1))
                .unwrap_or(u64::MAX);
            let edge = |from, to, cost, weight| Edge {
                from,
                to,
                cost,
                weight,
            };
            let (begin, end) = ((region.begin, Side::After), (region.end, Side::Before));
            if let Some(last_look) = region.last_look {
                edges.push(edge(region.from, EXACT, cost, weight));
                places.push(begin);
                edges.push(edge(EXACT, region.to, 0, weight));
                places.push(last_look);
            } else if region.leaves {
                // Where the frame is given back anyway, a charge is not one operation more.
                let weight = if calls { 1 } else { weight };
                edges.push(edge(region.from, region.to, cost, weight));
                places.push(end);
            } else {
                edges.push(edge(region.from, region.to, cost, weight));
                places.push(begin);
            }
        }
        let mut charges: Vec<Charge> = self
            .nodes
            .place(&edges)
            .into_iter()
            .zip(places)
            .map(|(amount, (offset, side))| Charge {
                offset,
                side,
                amount,
            })
            .collect();
        // The entry's first edge goes from the exact node to itself: it is charged in full.
        let entry = if charges.is_empty() {
            0
        } else {
            charges.remove(0).amount
        };
        charges.retain(|charge| charge.amount != 0);
        charges.sort();
        (entry, charges)
    }
}

fn is_call(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Call { .. } | Operator::CallIndirect { .. }
    )
}

/// Whether the operand on top is kept in a local while the operator is rewritten.
fn keeps_an_operand(operator: &Operator<'_>) -> bool {
    Length::of(operator).is_some()
        || matches!(
            operator,
            Operator::CallIndirect { .. } | Operator::Select | Operator::TypedSelect { .. }
        )
}

fn admit_operator(operator: &Operator<'_>, offset: u64, rules: &Rules) -> Result<(), Refusal> {
    if !rules.admit(operator) {
        return Err(refuse_operator(operator, offset));
    }
    match operator {
        Operator::BrTable { targets } => {
            let count = u64::from(targets.len());
            check_limit(
                "br_table_targets",
                count,
                rules.limits().br_table_targets,
                Some(offset),
            )
        }
        Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
            match blockty {
                wasmparser::BlockType::Type(value_type) => admit_type(*value_type, offset, rules),
                wasmparser::BlockType::Empty | wasmparser::BlockType::FuncType(_) => Ok(()),
            }
        }
        Operator::TypedSelect { ty } => admit_type(*ty, offset, rules),
        _ => Ok(()),
    }
}

pub(crate) fn check_limit(
    name: &'static str,
    value: u64,
    limit: u64,
    offset: Option<u64>,
) -> Result<(), Refusal> {
    if value > limit {
        Err(Refusal::over(name, value, limit, offset))
    } else {
        Ok(())
    }
}

impl From<wasmparser::Error> for Refusal {
    fn from(error: wasmparser::Error) -> Self {
        Refusal::new(Rule::Valid, error.offset(), error.message())
    }
}
