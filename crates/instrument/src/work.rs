//! Work: an estimate of the time that compiling a function takes.
//!
//! Optimising compilers take disproportionate time where much control flow meets many values. The
//! rules therefore limit an estimate of the work. Each operator adds a number of units, as measured
//! with the example `bombs` of the conformance crate (results in `docs/limits.md`). Where control
//! flow paths meet, each local that is set on one of them adds units for each path. One unit is
//! about a microsecond. Unreachable code adds nothing, because the rewrite removes it.

use wasmparser::{
    BlockType, CompositeInnerType, Operator, ValidatorResources, WasmModuleResources,
};

use crate::edits::Action;

/// The weights of the estimate, in units.
#[derive(Debug)]
pub(crate) struct Units {
    /// An empty function.
    pub(crate) function: u64,
    /// A local, used or not.
    pub(crate) local: u64,
    /// For each this many locals in the function, every use of a local costs one more unit,
    /// because not all locals fit into registers.
    pub(crate) locals_a_unit: u64,
    /// Any operator without a weight of its own.
    pub(crate) operator: u64,
    /// An operator that leaves a block or the function.
    pub(crate) branch: u64,
    pub(crate) if_: u64,
    /// A target of a `br_table`.
    pub(crate) target: u64,
    pub(crate) call: u64,
    pub(crate) call_indirect: u64,
    /// A parameter or a result of a call.
    pub(crate) operand: u64,
    /// For each this many operands below a call, the call costs one more unit, because the
    /// operands are spilled around it.
    pub(crate) operands_a_unit: u64,
    /// A loop, with its gas check.
    pub(crate) loop_: u64,
    /// Each loop around a loop.
    pub(crate) loop_around: u64,
    /// A memory operator with a length, with its gas check.
    pub(crate) memory_bulk: u64,
    pub(crate) table_bulk: u64,
    pub(crate) table_copy: u64,
    pub(crate) table_element: u64,
    pub(crate) ref_func: u64,
    /// A local that was set on one of the paths that meet, for each path.
    pub(crate) met_local: u64,
    /// An operand passed where paths meet, except the first one, for each path.
    pub(crate) met_operand: u64,
    /// The estimate of a function with this many units is doubled. It grows quadratically.
    pub(crate) doubled_at: u64,
}

/// Version 1. These numbers decide which programs are refused, so they are part of the digest that
/// identifies the rules.
pub(crate) const UNITS: Units = Units {
    function: 50,
    local: 1,
    locals_a_unit: 32,
    operator: 2,
    branch: 40,
    if_: 60,
    target: 30,
    call: 10,
    call_indirect: 100,
    operand: 3,
    operands_a_unit: 64,
    loop_: 150,
    loop_around: 2,
    memory_bulk: 150,
    table_bulk: 200,
    table_copy: 600,
    table_element: 60,
    ref_func: 10,
    met_local: 15,
    met_operand: 50,
    doubled_at: 500_000,
};

/// The work of one function, while its operators are visited.
pub(crate) struct Work {
    units: u64,
    /// Units of one use of a local.
    local_use: u64,
    /// Number of open loops.
    loops: u64,
    /// The open blocks. The function's own block comes first.
    blocks: Vec<OpenBlock>,
    /// For each open block, the set of locals that are set in it: a bit set of `words` words.
    set: Vec<u64>,
    words: usize,
}

struct OpenBlock {
    kind: Kind,
    /// Number of paths that meet at the block's label so far.
    paths: u64,
    /// Number of operands that each path passes.
    operands: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Loop,
    If,
    Else,
}

impl Work {
    pub(crate) fn new(locals: u64) -> Self {
        let mut work = Self {
            units: UNITS
                .local
                .saturating_mul(locals)
                .saturating_add(UNITS.function),
            local_use: UNITS.operator.saturating_add(locals / UNITS.locals_a_unit),
            loops: 0,
            blocks: Vec::new(),
            set: Vec::new(),
            words: usize::try_from(locals.div_ceil(64)).unwrap_or(usize::MAX),
        };
        work.open(Kind::Block, 0, 0);
        work
    }

    /// The estimate for the whole function.
    pub(crate) const fn units(&self) -> u64 {
        let squared = self.units.saturating_mul(self.units);
        self.units.saturating_add(squared / UNITS.doubled_at)
    }

    /// Adds an operator without a weight of its own.
    pub(crate) fn plain(&mut self) {
        self.add(UNITS.operator);
    }

    /// Adds an operator on a local.
    pub(crate) fn local(&mut self, action: Action) {
        self.add(self.local_use);
        if let Action::Set(local) | Action::Tee(local) = action {
            self.set_local(local);
        }
    }

    /// Adds the cost of spilling this many operands around a call.
    pub(crate) fn spill_operands(&mut self, operands: u32) {
        self.add(u64::from(operands) / UNITS.operands_a_unit);
    }

    /// Adds a reachable operator.
    pub(crate) fn operator(&mut self, operator: &Operator<'_>, resources: &ValidatorResources) {
        self.add(self.units_of(operator, resources));
        match operator {
            Operator::Block { blockty } => self.open(Kind::Block, 0, arity(*blockty, resources).1),
            Operator::Loop { blockty } => {
                self.loops = self.loops.saturating_add(1);
                self.open(Kind::Loop, 1, arity(*blockty, resources).0);
            }
            Operator::If { blockty } => self.open(Kind::If, 0, arity(*blockty, resources).1),
            Operator::Else => self.else_(true),
            Operator::End => self.end(true),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.branch_to(*relative_depth);
            }
            Operator::BrTable { targets } => {
                for target in targets.targets().map_while(Result::ok) {
                    self.branch_to(target);
                }
                self.branch_to(targets.default());
            }
            _ => {}
        }
    }

    /// Adds an `else` or `end` that follows unreachable code.
    pub(crate) fn resume(&mut self, action: Action) {
        match action {
            Action::Else => self.else_(false),
            _ => self.end(false),
        }
    }

    fn units_of(&self, operator: &Operator<'_>, resources: &ValidatorResources) -> u64 {
        let call = |type_index: Option<u32>| {
            let (params, results) = type_index.map_or((0, 0), |index| type_arity(index, resources));
            UNITS.operand.saturating_mul(params.saturating_add(results))
        };
        match operator {
            Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::Return
            | Operator::Unreachable => UNITS.branch,
            Operator::If { .. } => UNITS.if_,
            Operator::BrTable { targets } => UNITS.target.saturating_mul(u64::from(targets.len())),
            Operator::Loop { .. } => UNITS
                .loop_
                .saturating_add(UNITS.loop_around.saturating_mul(self.loops)),
            Operator::Call { function_index } => UNITS
                .call
                .saturating_add(call(resources.type_index_of_function(*function_index))),
            Operator::CallIndirect { type_index, .. } => {
                UNITS.call_indirect.saturating_add(call(Some(*type_index)))
            }
            Operator::MemoryGrow { .. }
            | Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. } => UNITS.memory_bulk,
            Operator::TableFill { .. } | Operator::TableInit { .. } => UNITS.table_bulk,
            Operator::TableCopy { .. } => UNITS.table_copy,
            Operator::TableGet { .. } | Operator::TableSet { .. } => UNITS.table_element,
            Operator::RefFunc { .. } => UNITS.ref_func,
            _ => UNITS.operator,
        }
    }

    fn open(&mut self, kind: Kind, paths: u64, operands: u64) {
        self.blocks.push(OpenBlock {
            kind,
            paths,
            operands,
        });
        self.set
            .resize(self.set.len().saturating_add(self.words), 0);
    }

    fn else_(&mut self, is_reached: bool) {
        if let Some(block) = self.blocks.last_mut() {
            block.kind = Kind::Else;
            block.paths = block.paths.saturating_add(u64::from(is_reached));
        }
    }

    /// Adds the locals and operands that meet at the block's label. A single path adds nothing.
    fn end(&mut self, is_reached: bool) {
        let Some(block) = self.blocks.pop() else {
            return;
        };
        let paths = match block.kind {
            Kind::Loop => {
                self.loops = self.loops.saturating_sub(1);
                block.paths
            }
            Kind::Block | Kind::Else => block.paths.saturating_add(u64::from(is_reached)),
            // One more path skips the `if`.
            Kind::If => block
                .paths
                .saturating_add(u64::from(is_reached))
                .saturating_add(1),
        };
        let set = self.close_set();
        if paths > 1 {
            let operands = block.operands.saturating_sub(1);
            let each = UNITS
                .met_local
                .saturating_mul(set)
                .saturating_add(UNITS.met_operand.saturating_mul(operands));
            self.add(each.saturating_mul(paths));
        }
    }

    /// Adds a local to the set of the innermost block.
    fn set_local(&mut self, local: u32) {
        let word = usize::try_from(local / 64).unwrap_or(usize::MAX);
        let innermost = self.set.len().saturating_sub(self.words);
        if let Some(word) = self.set.get_mut(innermost.saturating_add(word)) {
            *word |= 1 << (local % 64);
        }
    }

    /// Removes the set of the innermost block, adds it to the block around, and returns its size.
    fn close_set(&mut self) -> u64 {
        let inner = self.set.len().saturating_sub(self.words);
        let (outer, inner) = self.set.split_at_mut(inner);
        let around = outer.len().saturating_sub(self.words);
        let mut count = 0_u64;
        for (position, word) in inner.iter().enumerate() {
            count = count.saturating_add(u64::from(word.count_ones()));
            if let Some(outer) = outer.get_mut(around.saturating_add(position)) {
                *outer |= word;
            }
        }
        self.set.truncate(self.set.len().saturating_sub(self.words));
        count
    }

    fn branch_to(&mut self, depth: u32) {
        let target = usize::try_from(depth)
            .ok()
            .and_then(|depth| self.blocks.iter_mut().rev().nth(depth));
        if let Some(block) = target {
            block.paths = block.paths.saturating_add(1);
        }
    }

    fn add(&mut self, units: u64) {
        self.units = self.units.saturating_add(units);
    }
}

/// The number of parameters and results of a block.
fn arity(block_type: BlockType, resources: &ValidatorResources) -> (u64, u64) {
    match block_type {
        BlockType::Empty => (0, 0),
        BlockType::Type(_) => (0, 1),
        BlockType::FuncType(index) => type_arity(index, resources),
    }
}

fn type_arity(index: u32, resources: &ValidatorResources) -> (u64, u64) {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    match resources
        .sub_type_at(index)
        .map(|found| &found.composite_type.inner)
    {
        Some(CompositeInnerType::Func(found)) => {
            (count(found.params().len()), count(found.results().len()))
        }
        _ => (0, 0),
    }
}
