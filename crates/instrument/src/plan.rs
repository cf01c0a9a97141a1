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
mod steps;
mod walk;

use std::collections::BTreeMap;

use wasmparser::{
    FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, ValType, ValidatorResources,
};

use self::{
    liveness::Liveness,
    looks::Looks,
    placement::{EXACT, Edge, Node, Nodes},
    walk::Walk,
};
use crate::{Refusal, Rule, Rules, features::admit_type, floats, work::Work};

pub(crate) use steps::{Action, Step, Steps};

/// How one function is to be rewritten.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What is not copied as it is.
    pub(crate) steps: Steps,
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
    /// Whether it fills memory, or copies it, in chunks.
    pub(crate) fills: bool,
    pub(crate) copies: bool,
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
    /// Its offset in the body.
    pub(crate) offset: u32,
    /// The locals that it is worth to put away while the host is called, so that a compiler need not keep them in
    /// registers that a call preserves.
    pub(crate) put_away: Vec<u32>,
}

/// With more live locals than these, no compiler keeps them in registers anyway.
pub(crate) const MOST_PUT_AWAY: usize = 24;

/// A charge beside an operator.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Charge {
    /// The offset of the operator in the body; [`ENTRY`] for the entry.
    pub(crate) offset: u32,
    /// On which side of it.
    pub(crate) side: Side,
    /// How much; below zero, it is given back.
    pub(crate) amount: i64,
}

/// The offset that stands for the entry: no operator has it, since the locals stand there.
pub(crate) const ENTRY: u32 = 0;

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
    begin: u32,
    /// The offset of the operator before which it ends.
    end: u32,
    /// Where gas is looked at for the last time in it, if it is: there it must be exact.
    last_look: Option<(u32, Side)>,
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
    /// What the region that is open costs so far.
    cost: u64,
    looks: Looks,
    looked_loops: Vec<u32>,
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
    let mut liveness = Liveness::default();
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

    let mut walk = Walk::new(rules, validator, body.range(), Work::new(count));
    walk.follow(reader)?;
    let Walk { planner, steps, .. } = walk;
    *allocations = walk.validator.into_allocations();

    let work = walk.work.units();
    check_limit("function_work", work, limits.function_work, Some(start))?;

    let slots = count.saturating_add(u64::from(walk.highest));
    let frame = rules.schedule().frame.bytes(slots, walk.operators);
    check_limit("frame_bytes", frame, limits.frame_bytes, Some(start))?;

    let branches_out = planner.branches_out;
    let (regions, gas) = planner.sum();
    let looked_loops = planner.put_away(liveness, &steps);
    let (entry, charges) = planner.place(walk.calls);
    Ok(Plan {
        steps,
        entry,
        charges,
        looked_loops,
        regions,
        gas,
        params: params_count,
        locals: u32::try_from(count).unwrap_or(u32::MAX),
        frame,
        calls: walk.calls,
        grows: walk.grows,
        fills: walk.fills,
        copies: walk.copies,
        needs_scratch: walk.needs_scratch,
        branches_out,
        nans: walk.nans,
        work,
    })
}

impl Planner {
    /// With room for the regions of a body of so many bytes: most have one for each 16.
    fn of_body(bytes: u64) -> Self {
        let regions = usize::try_from(bytes / 16).unwrap_or(0);
        let mut planner = Self {
            regions: Vec::with_capacity(regions),
            nodes: Nodes::with_room(regions),
            cost: 0,
            looks: Looks::default(),
            looked_loops: Vec::new(),
            blocks: Vec::new(),
            loops: 0,
            branches_out: false,
            dead_depth: None,
        };
        planner.begin_region(EXACT, ENTRY);
        planner.look(ENTRY, Side::AfterLook);
        planner
    }

    /// Whether the code is reached where the planner is.
    const fn is_reached(&self) -> bool {
        self.dead_depth.is_none()
    }

    /// The current region costs so much more.
    fn charge(&mut self, price: u32) {
        self.cost = self.cost.saturating_add(u64::from(price));
    }

    /// A step that is reached.
    fn step(&mut self, action: Action, steps: &Steps, offset: u32) {
        match action {
            Action::Block(_) => {
                self.open(BlockKind::Block, EXACT, offset);
                self.looks.open();
            }
            Action::Loop(_) => {
                self.open(BlockKind::Loop, EXACT, offset);
                self.looks.open_loop();
            }
            Action::If(_) => {
                let parting = self.nodes.add();
                self.end_region(parting, offset);
                self.open(BlockKind::If, parting, offset);
                self.looks.open();
                self.begin_region(parting, offset);
            }
            Action::Else => {
                self.flow_to_label(offset);
                self.alternative(offset);
            }
            Action::End => self.close(offset, true),
            Action::Branch(depth) => {
                let target = self.branch_to(depth);
                self.leave(target, offset);
            }
            Action::BranchIf(depth) => {
                let target = self.branch_to(depth);
                self.end_region(target, offset);
                self.begin_region(target, offset);
            }
            Action::BranchTable(labels) => {
                let mut labels = steps.labels(labels).iter();
                let first = labels.next().map_or(EXACT, |depth| self.branch_to(*depth));
                let target = labels.fold(first, |target, depth| {
                    let other = self.branch_to(*depth);
                    self.nodes.unite(target, other)
                });
                self.leave(target, offset);
            }
            Action::Return => {
                self.leave_function();
                self.leave(EXACT, offset);
            }
            Action::Unreachable => {
                self.look(offset, Side::Before);
                self.leave(EXACT, offset);
            }
            Action::Call(_)
            | Action::CallIndirect { .. }
            | Action::ByLength(_)
            | Action::InChunks(_) => {
                self.look(offset, Side::After);
            }
            _ => {}
        }
    }

    /// Follows the blocks of code that is not reached, up to what ends it: an `else` or an `end`.
    fn pass(&mut self, operator: &Operator<'_>, offset: u32) -> Option<Action> {
        let depth = self.dead_depth?;
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                self.dead_depth = Some(depth.saturating_add(1));
                None
            }
            Operator::Else if depth == 0 => {
                self.dead_depth = None;
                self.alternative(offset);
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

    fn open(&mut self, kind: BlockKind, parting: Node, offset: u32) {
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
    }

    /// How many blocks are open.
    fn depth(&self) -> u64 {
        u64::try_from(self.blocks.len()).unwrap_or(u64::MAX)
    }

    /// The innermost block ends, which may be the function; `is_live` if what stands before is reached.
    fn close(&mut self, offset: u32, is_live: bool) {
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
    fn alternative(&mut self, offset: u32) {
        self.looks.alternative();
        let parting = self.blocks.last_mut().map_or(EXACT, |block| {
            block.kind = BlockKind::Else;
            block.parting
        });
        self.begin_region(parting, offset);
    }

    /// The innermost block is done with, but not closed.
    fn flow_to_label(&mut self, offset: u32) {
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
    fn leave(&mut self, to: Node, offset: u32) {
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
    fn look(&mut self, offset: u32, side: Side) {
        self.looks.look();
        if let Some(region) = self.regions.last_mut() {
            region.last_look = Some((offset, side));
        }
    }

    fn begin_region(&mut self, from: Node, begin: u32) {
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

    fn end_region(&mut self, to: Node, end: u32) {
        if let Some(region) = self.regions.last_mut() {
            region.cost = std::mem::take(&mut self.cost);
            region.to = to;
            region.end = end;
            // It may have left a loop, which ends no region: then it is not gone through in every round.
            region.loops = region.loops.min(self.loops);
        }
    }

    /// How many regions cost something, and what they cost together.
    fn sum(&self) -> (u64, u64) {
        self.regions.iter().fold((0, 0), |(count, gas), region| {
            let costs = u64::from(region.cost > 0);
            (count.saturating_add(costs), gas.saturating_add(region.cost))
        })
    }

    /// The loops at whose heads gas is looked at, and what is put away there.
    fn put_away(&self, liveness: Liveness, steps: &Steps) -> Vec<LookedLoop> {
        if self.looked_loops.is_empty() {
            return Vec::new();
        }
        let mut offsets = self.looked_loops.clone();
        offsets.sort_unstable();
        let mut live: BTreeMap<u32, Vec<u32>> = liveness.at_loops(steps).into_iter().collect();
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
        let most = self.regions.len().saturating_mul(2);
        let mut edges = Vec::with_capacity(most);
        let mut places = Vec::with_capacity(most);
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

impl From<wasmparser::Error> for Box<Refusal> {
    fn from(error: wasmparser::Error) -> Self {
        Box::new(error.into())
    }
}
