//! The plan of one function: where it is charged, how much, and how large its frame is.
//!
//! A *region* is a run of operators of which either all run or the guest leaves at one of them.
//! It is charged as a whole before its first operator. Regions begin at the function's entry,
//! at a `loop`, after `if`, `else` and `br_if`, and after the `end` of an `if` and of a block that some
//! branch leaves for. Operators that cannot be reached have no region and are dropped.

use fusee_engine::Gas;
use wasmparser::{
    FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, ValidatorResources,
};

use crate::{Refusal, Rule, Rules, survey::admit_type, work::Work};

/// How one function is to be rewritten.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What the first region costs.
    pub(crate) entry: Gas,
    /// What the other regions cost, by the offset of the operator after which they begin.
    pub(crate) regions: Vec<Region>,
    /// Parameters and locals.
    pub(crate) locals: u32,
    /// Bytes that an open frame takes; none is counted for a function that calls nothing.
    pub(crate) frame: u64,
    /// Whether it calls anything.
    pub(crate) calls: bool,
    /// Whether it selects anything.
    pub(crate) selects: bool,
    /// The work that compiling it is.
    pub(crate) work: u64,
}

/// A region that begins after an operator.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// The offset of that operator.
    pub(crate) after: u64,
    /// What the region costs.
    pub(crate) cost: u64,
}

/// A block that is open where the planner is.
struct Block {
    kind: BlockKind,
    /// Whether some branch leaves for its end.
    is_target: bool,
}

#[derive(PartialEq, Eq)]
enum BlockKind {
    Block,
    Loop,
    If,
}

struct Planner {
    /// The entry's region first.
    regions: Vec<Region>,
    blocks: Vec<Block>,
    /// Blocks opened where no code is reached: none of them has a region.
    dead_depth: Option<u32>,
}

/// Validates a function's body, holds it against the rules, and plans it.
pub(crate) fn plan(
    function: FuncToValidate<ValidatorResources>,
    allocations: &mut FuncValidatorAllocations,
    params: u32,
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
    let mut count = u64::from(params);
    for _ in 0..locals.get_count() {
        let offset = locals.original_position();
        let (more, value_type) = locals.read().map_err(Refusal::from)?;
        admit_type(value_type, offset)?;
        count = count.saturating_add(u64::from(more));
        check_limit("locals", count, limits.locals, Some(offset))?;
    }
    validator.read_locals(&mut reader).map_err(Refusal::from)?;

    let mut planner = Planner {
        regions: vec![Region {
            after: start,
            cost: 0,
        }],
        blocks: Vec::new(),
        dead_depth: None,
    };
    let mut work = Work::new(count);
    let mut highest = 0;
    let (mut calls, mut selects) = (false, false);
    let mut operators = body.get_operators_reader().map_err(Refusal::from)?;
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset().map_err(Refusal::from)?;
        admit_operator(&operator, offset, rules)?;
        work.operator(&operator, &validator);
        validator.op(offset, &operator).map_err(Refusal::from)?;
        highest = highest.max(validator.operand_stack_height());
        calls |= matches!(
            operator,
            Operator::Call { .. } | Operator::CallIndirect { .. }
        );
        selects |= matches!(operator, Operator::Select | Operator::TypedSelect { .. });
        planner.operator(&operator, offset, rules)?;
    }
    operators.finish().map_err(Refusal::from)?;
    *allocations = validator.into_allocations();

    let work = work.units();
    check_limit("function_work", work, limits.function_work, Some(start))?;

    let slots = count.saturating_add(u64::from(highest));
    let size = rules.schedule().frame;
    let frame = u64::from(size.base).saturating_add(u64::from(size.slot).saturating_mul(slots));
    check_limit("frame_bytes", frame, limits.frame_bytes, Some(start))?;

    let mut regions = planner.regions.into_iter();
    let entry = regions.next().map_or(0, |region| region.cost);
    Ok(Plan {
        entry: Gas::new(entry),
        regions: regions.filter(|region| region.cost > 0).collect(),
        locals: u32::try_from(count).unwrap_or(u32::MAX),
        frame,
        calls,
        selects,
        work,
    })
}

impl Planner {
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
        match operator {
            Operator::Block { .. } => self.open(BlockKind::Block, offset, rules)?,
            Operator::Loop { .. } => {
                self.open(BlockKind::Loop, offset, rules)?;
                self.begin_region(offset);
            }
            Operator::If { .. } => {
                self.open(BlockKind::If, offset, rules)?;
                self.begin_region(offset);
            }
            Operator::Else => self.begin_region(offset),
            Operator::End => self.close(offset, false),
            Operator::Br { relative_depth } => {
                self.branch_to(*relative_depth);
                self.dead_depth = Some(0);
            }
            Operator::BrIf { relative_depth } => {
                self.branch_to(*relative_depth);
                self.begin_region(offset);
            }
            Operator::BrTable { targets } => {
                for target in targets.targets() {
                    self.branch_to(target.map_err(Refusal::from)?);
                }
                self.branch_to(targets.default());
                self.dead_depth = Some(0);
            }
            Operator::Return | Operator::Unreachable => self.dead_depth = Some(0),
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
                self.begin_region(offset);
            }
            Operator::End => match depth.checked_sub(1) {
                Some(outer) => self.dead_depth = Some(outer),
                None => {
                    self.dead_depth = None;
                    self.close(offset, true);
                }
            },
            _ => {}
        }
    }

    fn open(&mut self, kind: BlockKind, offset: u64, rules: &Rules) -> Result<(), Refusal> {
        self.blocks.push(Block {
            kind,
            is_target: false,
        });
        let depth = u64::try_from(self.blocks.len()).unwrap_or(u64::MAX);
        check_limit("nesting", depth, rules.limits().nesting, Some(offset))
    }

    fn close(&mut self, offset: u64, was_dead: bool) {
        if let Some(block) = self.blocks.pop()
            && (was_dead
                || block.kind == BlockKind::If
                || (block.kind == BlockKind::Block && block.is_target))
        {
            self.begin_region(offset);
        }
    }

    fn branch_to(&mut self, depth: u32) {
        let target = usize::try_from(depth)
            .ok()
            .and_then(|depth| self.blocks.iter_mut().rev().nth(depth));
        if let Some(block) = target {
            block.is_target = true;
        }
    }

    fn begin_region(&mut self, offset: u64) {
        self.regions.push(Region {
            after: offset,
            cost: 0,
        });
    }

    fn charge(&mut self, operator: &Operator<'_>, rules: &Rules) {
        let price = rules.schedule().price(operator).unwrap_or(0);
        if let Some(region) = self.regions.last_mut() {
            region.cost = region.cost.saturating_add(u64::from(price));
        }
    }
}

fn admit_operator(operator: &Operator<'_>, offset: u64, rules: &Rules) -> Result<(), Refusal> {
    if rules.schedule().price(operator).is_none() {
        return Err(crate::survey::refuse_operator(operator, offset));
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
                wasmparser::BlockType::Type(value_type) => admit_type(*value_type, offset),
                wasmparser::BlockType::Empty | wasmparser::BlockType::FuncType(_) => Ok(()),
            }
        }
        Operator::TypedSelect { ty } => admit_type(*ty, offset),
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
