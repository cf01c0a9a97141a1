//! Work: an estimate of the time that compiling a function takes.
//!
//! Optimising compilers take disproportionate time where much control flow meets many values. The
//! rules therefore limit an estimate of the work. Each operator adds a number of units, as measured
//! with the example `bombs` of the conformance crate (results in `docs/book/src/limits.md`).
//! [`values`] adds the values that are alive where control flow parts and meets. One unit is about
//! 250 nanoseconds. Unreachable code adds nothing, because the rewrite removes it.

mod local_set;
mod values;

use fusee_engine::CompileWork;
use wasmparser::{
    BlockType, CompositeInnerType, Operator, ValidatorResources, WasmModuleResources,
};

use crate::{
    edits::{Action, Edits},
    schedule::Row,
};

use self::{
    local_set::{last_mut, place},
    values::{End, Ends},
};

/// Nested blocks for which memory is allocated at once. Most functions have fewer.
pub(crate) const NESTED: usize = 16;

/// The weights of the estimate, in units.
#[derive(Debug)]
pub(crate) struct Units {
    /// An empty function.
    pub(crate) function: u64,
    /// A local, used or not.
    pub(crate) local: u64,
    /// A use of a local.
    pub(crate) local_use: u64,
    /// Any operator without a weight of its own.
    pub(crate) operator: u64,
    /// A load or a store.
    pub(crate) memory: u64,
    /// An integer division or remainder.
    pub(crate) division: u64,
    /// An operator that leaves a block or the function.
    pub(crate) branch: u64,
    pub(crate) if_: u64,
    /// A target of a `br_table`.
    pub(crate) target: u64,
    pub(crate) call: u64,
    pub(crate) call_indirect: u64,
    /// A parameter or a result of a call.
    pub(crate) operand: u64,
    /// What a live value costs where control flow passes it, in 16ths of a unit.
    pub(crate) crossings: Crossings,
    /// No more values than this fit into registers. All others make each value that is computed
    /// while they are alive dearer: by `operand_alive` for each operand, and for each local by
    /// `local_alive` for each byte of code, in 16ths of a unit.
    pub(crate) registers: u64,
    pub(crate) operand_alive: u64,
    pub(crate) local_alive: u64,
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
    /// A local or an operand that several paths pass to where they meet, for each path.
    pub(crate) met: u64,
    /// The edges between blocks and the values passed on them, which cost quadratic time.
    pub(crate) transfers: Transfers,
}

/// What each live value costs at a point of control flow, in 16ths of a unit. The register
/// allocator visits, splits or moves all live values there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crossings {
    pub(crate) call: u64,
    /// An operator that becomes several blocks.
    pub(crate) blocks: u64,
    /// An `if`, `br` or `br_if`.
    pub(crate) if_: u64,
    pub(crate) loop_: u64,
    /// A path on which the value is not alive, while it is on another one.
    pub(crate) branch: u64,
    /// A target of a `br_table`.
    pub(crate) target: u64,
}

/// Weights of edges between blocks, in transfers: one for each value that an edge passes, and some
/// for the edge itself. Some operators become blocks when they are compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfers {
    /// A branch, a target of a `br_table`, or an arm of an `if`.
    pub(crate) edge: u64,
    /// For each this many locals that are alive and in registers, an edge adds one.
    pub(crate) locals: u64,
    /// For each this many parameters and results, a call adds one.
    pub(crate) operands: u64,
    pub(crate) call_indirect: u64,
    pub(crate) memory_bulk: u64,
    pub(crate) table_bulk: u64,
    pub(crate) table_copy: u64,
    pub(crate) table_element: u64,
    /// The square of a function's transfers, divided by this, is a number of units.
    pub(crate) square: u64,
}

/// Version 1. These numbers decide which programs are refused, so they are part of the digest that
/// identifies the rules.
pub(crate) const UNITS: Units = Units {
    function: 100,
    local: 4,
    local_use: 2,
    operator: 6,
    memory: 14,
    division: 16,
    branch: 20,
    if_: 30,
    target: 10,
    call: 30,
    call_indirect: 150,
    operand: 6,
    crossings: Crossings {
        call: 3,
        blocks: 50,
        if_: 16,
        loop_: 80,
        branch: 80,
        target: 16,
    },
    registers: 12,
    operand_alive: 3,
    local_alive: 1,
    loop_: 100,
    loop_around: 2,
    memory_bulk: 150,
    table_bulk: 250,
    table_copy: 800,
    table_element: 60,
    ref_func: 30,
    met: 3,
    transfers: Transfers {
        edge: 2,
        locals: 4,
        operands: 3,
        call_indirect: 4,
        memory_bulk: 5,
        table_bulk: 6,
        table_copy: 25,
        table_element: 3,
        square: 400,
    },
};

/// A register allocator scans the values that edges pass, for each value that is alive at an edge.
/// The product of both numbers, divided by this, is a number of units. It is not part of the rules,
/// since real programs have much of it that takes no time.
///
/// This is the allocator of Wasmtime 48: `blockparam_ins` in `ion/moves.rs` of `regalloc2` 0.15.
const SCANS: u64 = 2_500;

/// What optimisation adds to the work of a function, at most. These numbers are not part of the
/// rules, since they refuse no program.
struct Optimisation {
    /// Optimised code takes so many times as long, in the worst case, for all that is the same.
    factor: u64,
    /// An optimiser that finds an expression again keeps its value until there. The operators,
    /// multiplied with the edges between blocks that values could be kept over, and divided by
    /// this, are a number of units.
    edge: u64,
    /// An optimiser tries to join an operation on a constant with those before it. Each is so many
    /// units, and one for each other one in the function.
    constant: u64,
    /// An optimiser moves invariants out of loops and keeps them. The square of the operators,
    /// divided by this, is a number of units.
    invariants: u64,
}

const OPTIMISATION: Optimisation = Optimisation {
    factor: 2,
    edge: 2,
    constant: 500,
    invariants: 120,
};

/// The work of one function, while its operators are visited.
pub(crate) struct Work {
    units: u64,
    transfers: u64,
    /// Number of parameters and locals.
    locals: u64,
    /// Number of edges between blocks.
    edges: u64,
    /// Number of open loops.
    loops: u64,
    has_loops: bool,
    /// The cost of the operands at all crossings, in 16ths of a unit.
    operands: u64,
    /// Whether the last plain operator or use of a local is a constant.
    after_constant: bool,
    /// The number of operations with a constant.
    constant_operations: u64,
    /// The operands that are alive at edges between blocks, for each edge.
    operands_alive: u64,
    /// The open blocks. The function's own block comes first.
    blocks: Vec<OpenBlock>,
    /// For each open loop, the set of locals that are read in it: a bit set of `words` words.
    reads: Vec<u64>,
    words: usize,
    ends: Ends,
}

struct OpenBlock {
    kind: Kind,
    /// Number of paths that meet at the block's label so far.
    paths: u64,
    /// Number of operands that each path passes.
    operands: u64,
    /// Number of operands below the block.
    below: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Loop,
    If,
    Else,
}

/// What one operator adds.
struct Weight {
    units: u64,
    transfers: u64,
    /// The number of edges that values could be kept over.
    edges: u64,
}

impl Weight {
    /// The weight of an operator with one edge.
    const fn of(units: u64, transfers: u64) -> Self {
        Self {
            units,
            transfers,
            edges: 1,
        }
    }
}

impl Work {
    pub(crate) fn new(locals: u64) -> Self {
        let mut work = Self {
            units: UNITS
                .local
                .saturating_mul(locals)
                .saturating_add(UNITS.function),
            transfers: 0,
            locals,
            edges: 0,
            loops: 0,
            has_loops: false,
            operands: 0,
            after_constant: false,
            constant_operations: 0,
            operands_alive: 0,
            blocks: Vec::with_capacity(NESTED),
            reads: Vec::new(),
            words: usize::try_from(locals.div_ceil(64)).unwrap_or(usize::MAX),
            ends: Ends {
                list: Vec::with_capacity(2 * NESTED),
                reads: Vec::new(),
            },
        };
        work.open(Kind::Block, 0, 0, 0);
        work
    }

    /// The estimates for the whole function, which has these edits and so many operators: the units
    /// that the rules limit, and what compilation may take.
    pub(crate) fn units(self, edits: &Edits, operators: u64) -> (u64, CompileWork) {
        let (edges, has_loops) = (self.edges, self.has_loops);
        let constant_operations = self.constant_operations;
        let (units, scans) = self.total(edits);
        let plain = units.saturating_add(scans / SCANS);
        let Optimisation {
            factor,
            edge,
            constant,
            invariants,
        } = OPTIMISATION;
        let joined =
            constant_operations.saturating_mul(constant.saturating_add(constant_operations));
        let kept = operators.saturating_mul(edges) / edge;
        let moved = if has_loops {
            operators.saturating_mul(operators) / invariants
        } else {
            0
        };
        let optimized = plain
            .saturating_mul(factor)
            .saturating_add(joined)
            .saturating_add(kept)
            .saturating_add(moved);
        (units, CompileWork { plain, optimized })
    }

    /// The units, and the number of values that a register allocator scans.
    fn total(self, edits: &Edits) -> (u64, u64) {
        let values = values::cost(edits, self.ends, self.words);
        let transfers = self.transfers.saturating_add(values.transfers);
        let units = self
            .units
            .saturating_add(self.operands / 16)
            .saturating_add(values.units)
            .saturating_add(transfers.saturating_mul(transfers) / UNITS.transfers.square);
        let alive = self.operands_alive.saturating_add(values.alive);
        (units, alive.saturating_mul(transfers))
    }

    /// Adds an operator that has no effect on control flow, with so many operands after it.
    #[inline(always)]
    pub(crate) fn plain(&mut self, row: Row, height: u32) {
        let spilled = u64::from(height).saturating_sub(UNITS.registers);
        if spilled > 0 {
            let cost = UNITS.operand_alive.saturating_mul(spilled);
            self.operands = self.operands.saturating_add(cost);
        }
        let is_constant = matches!(row, Row::I32Const | Row::I64Const);
        self.constant_operations = self
            .constant_operations
            .saturating_add(u64::from(self.after_constant && !is_constant));
        self.after_constant = is_constant;
        self.add(match row {
            Row::I32Load
            | Row::I32Load8S
            | Row::I32Load8U
            | Row::I32Load16S
            | Row::I32Load16U
            | Row::I64Load
            | Row::I64Load8S
            | Row::I64Load8U
            | Row::I64Load16S
            | Row::I64Load16U
            | Row::I64Load32S
            | Row::I64Load32U
            | Row::I32Store
            | Row::I32Store8
            | Row::I32Store16
            | Row::I64Store
            | Row::I64Store8
            | Row::I64Store16
            | Row::I64Store32
            | Row::F32Load
            | Row::F64Load
            | Row::F32Store
            | Row::F64Store => UNITS.memory,
            Row::I32DivS
            | Row::I32DivU
            | Row::I32RemS
            | Row::I32RemU
            | Row::I64DivS
            | Row::I64DivU
            | Row::I64Add128
            | Row::I64Sub128
            | Row::I64MulWideS
            | Row::I64MulWideU
            | Row::I64RemS
            | Row::I64RemU => UNITS.division,
            _ => UNITS.operator,
        });
    }

    /// Adds an operator on a local.
    pub(crate) fn local(&mut self, action: Action) {
        self.after_constant = false;
        self.add(UNITS.local_use);
        if let Action::Get(local) = action
            && let Some((word, bit)) = place(local)
            && let Some(word) = last_mut(&mut self.reads, self.words).get_mut(word)
        {
            *word |= bit;
        }
    }

    /// Adds a reachable operator. `height` is the number of operands before it.
    #[inline(always)]
    pub(crate) fn operator(
        &mut self,
        operator: &Operator<'_>,
        height: u32,
        resources: &ValidatorResources,
    ) {
        let weight = self.weight(operator, resources);
        self.add(weight.units);
        self.transfers = self.transfers.saturating_add(weight.transfers);
        self.edges = self.edges.saturating_add(weight.edges);
        let height = u64::from(height);
        self.cross(operator, height);
        self.operands_alive = self
            .operands_alive
            .saturating_add(weight.edges.saturating_mul(height));
        match operator {
            Operator::Block { blockty } => {
                let (params, results) = arity(*blockty, resources);
                self.open(Kind::Block, 0, results, height.saturating_sub(params));
            }
            Operator::Loop { blockty } => {
                self.loops = self.loops.saturating_add(1);
                self.has_loops = true;
                self.reads
                    .resize(self.reads.len().saturating_add(self.words), 0);
                let (params, _) = arity(*blockty, resources);
                self.open(Kind::Loop, 1, params, height.saturating_sub(params));
            }
            Operator::If { blockty } => {
                let (params, results) = arity(*blockty, resources);
                let below = height.saturating_sub(params).saturating_sub(1);
                self.open(Kind::If, 0, results, below);
            }
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

    /// What an operator adds, wherever it is.
    #[inline(always)]
    fn weight(&self, operator: &Operator<'_>, resources: &ValidatorResources) -> Weight {
        let transfers = UNITS.transfers;
        let call = |units: u64, transfers: u64, type_index: Option<u32>| {
            let (params, results) = type_index.map_or((0, 0), |index| type_arity(index, resources));
            let operands = params.saturating_add(results);
            Weight::of(
                units.saturating_add(UNITS.operand.saturating_mul(operands)),
                transfers.saturating_add(operands / UNITS.transfers.operands),
            )
        };
        match operator {
            Operator::Block { .. }
            | Operator::End
            | Operator::Select
            | Operator::TypedSelect { .. } => Weight {
                edges: 0,
                ..Weight::of(UNITS.operator, 0)
            },
            Operator::RefFunc { .. } => Weight {
                edges: 0,
                ..Weight::of(UNITS.ref_func, 0)
            },
            Operator::Br { .. } | Operator::BrIf { .. } => Weight::of(UNITS.branch, transfers.edge),
            Operator::Return | Operator::Unreachable => Weight::of(UNITS.branch, 0),
            Operator::If { .. } => Weight::of(UNITS.if_, transfers.edge.saturating_mul(2)),
            Operator::BrTable { targets } => {
                let targets = u64::from(targets.len());
                let edges = targets.saturating_add(1);
                Weight {
                    units: UNITS.target.saturating_mul(targets),
                    transfers: transfers.edge.saturating_mul(edges),
                    edges,
                }
            }
            Operator::Loop { .. } => {
                let around = UNITS.loop_around.saturating_mul(self.loops);
                Weight::of(UNITS.loop_.saturating_add(around), 0)
            }
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                let type_index = resources.type_index_of_function(*function_index);
                call(UNITS.call, 0, type_index)
            }
            Operator::CallIndirect { type_index, .. }
            | Operator::ReturnCallIndirect { type_index, .. } => call(
                UNITS.call_indirect,
                transfers.call_indirect,
                Some(*type_index),
            ),
            Operator::MemoryGrow { .. }
            | Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. } => Weight::of(UNITS.memory_bulk, transfers.memory_bulk),
            Operator::TableFill { .. }
            | Operator::TableInit { .. }
            | Operator::TableGrow { .. } => Weight::of(UNITS.table_bulk, transfers.table_bulk),
            Operator::TableCopy { .. } => Weight::of(UNITS.table_copy, transfers.table_copy),
            Operator::TableGet { .. } | Operator::TableSet { .. } => {
                Weight::of(UNITS.table_element, transfers.table_element)
            }
            _ => Weight::of(UNITS.operator, 0),
        }
    }

    fn open(&mut self, kind: Kind, paths: u64, operands: u64, below: u64) {
        self.blocks.push(OpenBlock {
            kind,
            paths,
            operands,
            below,
        });
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
                self.end_loop();
                block.paths
            }
            Kind::Block | Kind::Else => block.paths.saturating_add(u64::from(is_reached)),
            // One more path skips the `if`.
            Kind::If => block
                .paths
                .saturating_add(u64::from(is_reached))
                .saturating_add(1),
        };
        self.ends.list.push(End {
            is_loop: block.kind == Kind::Loop,
            paths,
            operands: block.operands,
        });
    }

    /// Ends the innermost loop. What is read in it is read in the loop around it too.
    fn end_loop(&mut self) {
        self.loops = self.loops.saturating_sub(1);
        let remaining = self.reads.len().saturating_sub(self.words);
        let (outer, reads) = self.reads.split_at_mut(remaining);
        for (outer, read) in last_mut(outer, self.words).iter_mut().zip(&*reads) {
            *outer |= *read;
        }
        self.ends.reads.extend_from_slice(reads);
        self.reads.truncate(remaining);
    }

    /// Adds the cost of the operands that are alive at an operator.
    #[inline(always)]
    fn cross(&mut self, operator: &Operator<'_>, height: u64) {
        let crossings = UNITS.crossings;
        let mut add = |cost: u64, operands: u64| {
            self.operands = self.operands.saturating_add(cost.saturating_mul(operands));
        };
        let below = |depth: u32| {
            let depth = usize::try_from(depth).unwrap_or(usize::MAX);
            let target = self.blocks.iter().rev().nth(depth);
            target.map_or(0, |target| target.below)
        };
        match operator {
            Operator::Call { .. } => add(crossings.call, height),
            Operator::CallIndirect { .. }
            | Operator::MemoryGrow { .. }
            | Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. }
            | Operator::TableFill { .. }
            | Operator::TableInit { .. }
            | Operator::TableCopy { .. }
            | Operator::TableGrow { .. } => add(crossings.blocks, height),
            // All locals count as alive, since the edits do not tell these operators from others.
            Operator::TableGet { .. } | Operator::TableSet { .. } => {
                add(crossings.blocks, height.saturating_add(self.locals));
            }
            Operator::If { .. } => add(crossings.if_, height.saturating_sub(1)),
            Operator::Loop { .. } => add(crossings.loop_, height),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                let height = height.saturating_sub(1);
                add(crossings.if_, height);
                add(
                    crossings.branch,
                    height.saturating_sub(below(*relative_depth)),
                );
            }
            Operator::BrTable { targets } => {
                let height = height.saturating_sub(1);
                let labels = targets.targets().map_while(Result::ok);
                for depth in labels.chain([targets.default()]) {
                    add(crossings.target, height);
                    add(crossings.branch, height.saturating_sub(below(depth)));
                }
            }
            Operator::Return
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::Unreachable => add(crossings.branch, height),
            _ => {}
        }
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
