//! Work: about how much there is for a compiler to do, in units of some microseconds.
//!
//! Compilers take time that is out of all proportion to a program's size where much control flow
//! meets many values. So the rules bound what this file adds up: each operator has a number of
//! units, as measured with `examples/bombs` of the conformance suite (docs/limits.md has the
//! results), and so has each value that has to be agreed on where ways through a function meet:
//! each local that is set on one of them, for each of the ways. What is not reached is left out, as
//! it is by the rewrite.

use wasmparser::{
    BlockType, CompositeInnerType, Operator, ValidatorResources, WasmModuleResources,
};

use crate::plan::Action;

/// How many units things are.
#[derive(Debug)]
pub(crate) struct Units {
    /// A function that does nothing.
    pub(crate) function: u64,
    /// A local, used or not.
    pub(crate) local: u64,
    /// So many locals in the function make each use of one dearer by a unit: they are not all in
    /// registers.
    pub(crate) locals_a_unit: u64,
    /// Most operators.
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
    /// So many operands below a call make it dearer by a unit: they are put away around it.
    pub(crate) operands_a_unit: u64,
    /// A loop, where gas is looked at.
    pub(crate) loop_: u64,
    /// Each loop around a loop.
    pub(crate) loop_around: u64,
    /// An operator on memory that works by a length, where gas is looked at as well.
    pub(crate) memory_bulk: u64,
    pub(crate) table_bulk: u64,
    pub(crate) table_copy: u64,
    pub(crate) table_element: u64,
    pub(crate) ref_func: u64,
    /// A local that was set on one of the ways that meet, for each of them.
    pub(crate) met_local: u64,
    /// An operand that is handed over where ways meet, but for the first, for each of them.
    pub(crate) met_operand: u64,
    /// In a function of so many units, all that there is makes each thing in it as dear again.
    pub(crate) doubled_at: u64,
}

/// Version 1. A change of these numbers changes what is refused, as a change of the limits does, so
/// they are part of what tells rules apart.
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

/// What adds up over a function.
pub(crate) struct Work {
    units: u64,
    /// What a use of a local is.
    local_use: u64,
    /// Loops that are open.
    loops: u64,
    /// The function's own block first.
    blocks: Vec<Block>,
    /// The locals that are set in each block, a bit each, in as many words a block.
    set: Vec<u64>,
    words: usize,
}

/// A block that is open.
struct Block {
    kind: Kind,
    /// Ways that meet at its label, so far.
    ways: u64,
    /// Operands that they hand over.
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

    /// The units of the whole function.
    pub(crate) const fn units(&self) -> u64 {
        let squared = self.units.saturating_mul(self.units);
        self.units.saturating_add(squared / UNITS.doubled_at)
    }

    /// Adds an operator that does nothing but what most do.
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

    /// Adds what it takes to put so many operands away around a call.
    pub(crate) fn put_away(&mut self, operands: u32) {
        self.add(u64::from(operands) / UNITS.operands_a_unit);
    }

    /// Adds an operator that is reached.
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

    /// Adds an `else` or an `end` behind code that is not reached.
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

    fn open(&mut self, kind: Kind, ways: u64, operands: u64) {
        self.blocks.push(Block {
            kind,
            ways,
            operands,
        });
        self.set
            .resize(self.set.len().saturating_add(self.words), 0);
    }

    fn else_(&mut self, is_reached: bool) {
        if let Some(block) = self.blocks.last_mut() {
            block.kind = Kind::Else;
            block.ways = block.ways.saturating_add(u64::from(is_reached));
        }
    }

    /// Adds what meets at the block's label. Where one way leads there, nothing does.
    fn end(&mut self, is_reached: bool) {
        let Some(block) = self.blocks.pop() else {
            return;
        };
        let ways = match block.kind {
            Kind::Loop => {
                self.loops = self.loops.saturating_sub(1);
                block.ways
            }
            Kind::Block | Kind::Else => block.ways.saturating_add(u64::from(is_reached)),
            // One more leads past it.
            Kind::If => block
                .ways
                .saturating_add(u64::from(is_reached))
                .saturating_add(1),
        };
        let set = self.close_set();
        if ways > 1 {
            let operands = block.operands.saturating_sub(1);
            let each = UNITS
                .met_local
                .saturating_mul(set)
                .saturating_add(UNITS.met_operand.saturating_mul(operands));
            self.add(each.saturating_mul(ways));
        }
    }

    /// The innermost block sets a local.
    fn set_local(&mut self, local: u32) {
        let word = usize::try_from(local / 64).unwrap_or(usize::MAX);
        let innermost = self.set.len().saturating_sub(self.words);
        if let Some(word) = self.set.get_mut(innermost.saturating_add(word)) {
            *word |= 1 << (local % 64);
        }
    }

    /// How many locals the block sets that ends. The block around it sets them too.
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
            block.ways = block.ways.saturating_add(1);
        }
    }

    fn add(&mut self, units: u64) {
        self.units = self.units.saturating_add(units);
    }
}

/// Parameters and results of a block.
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
