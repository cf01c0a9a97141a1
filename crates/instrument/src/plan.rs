//! The plan of one function: where gas is charged, how much, and the size of its stack frame.
//!
//! A *metered block* is a sequence of operators that is entered at the first one only: either all
//! of them run, or the guest leaves at one of them. It is charged as a whole. A metered block
//! begins at the function entry, after `loop`, `if`, `else` and `br_if`, and after the `end` of an
//! `if` and of a `block` that some branch targets. Unreachable operators belong to no metered block
//! and are removed.
//!
//! The costs of the metered blocks define gas. [`placement`] chooses where the charges stand: at
//! each gas check, the gas left is the same as if every metered block had been charged at its
//! begin.

mod charges;
mod encoding;
mod frequency;
mod gas_checks;
mod liveness;
mod placement;
mod planner;
mod visitor;

use fusee_engine::CompileWork;
use wasmparser::{
    BinaryReader, FuncToValidate, FuncValidatorAllocations, FunctionBody, ValType,
    ValidatorResources,
};

use self::{liveness::Liveness, visitor::FunctionVisitor};
use crate::{
    edits::Edits,
    features::admit_type,
    floats::Computed,
    refusal::{Refusal, check_limit},
    rules::Rules,
    work::Work,
};

pub(crate) use charges::{Charge, ENTRY, Side};

/// How one function is rewritten.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The operators that are not copied verbatim.
    pub(crate) edits: Edits,
    /// The charge at the entry, before the gas check there.
    pub(crate) entry: i64,
    /// All other charges, ordered by position.
    pub(crate) charges: Vec<Charge>,
    /// The loops with a gas check at the head, ordered by position.
    pub(crate) checked_loops: Vec<CheckedLoop>,
    /// Number of metered blocks with a cost above zero.
    pub(crate) metered_blocks: u64,
    /// Sum of the costs of all metered blocks.
    pub(crate) gas: u64,
    /// Number of parameters.
    pub(crate) params: u32,
    /// Number of parameters and locals.
    pub(crate) locals: u32,
    /// Size of the stack frame in bytes. Not counted if the function calls nothing.
    pub(crate) frame: u64,
    /// Whether the function contains a call that it does not return by.
    pub(crate) calls: bool,
    /// Whether the function contains a call in place of a return.
    pub(crate) tail_calls: bool,
    /// Whether the function contains `memory.grow`.
    pub(crate) grows: bool,
    /// Whether the function contains `table.grow`.
    pub(crate) grows_tables: bool,
    /// Whether the function contains an operator that changes a table or drops a segment, which a
    /// reset of the instance does not undo.
    pub(crate) is_irreversible: bool,
    /// Whether the function contains a `memory.fill` that is executed in chunks.
    pub(crate) fills: bool,
    /// Whether the function contains a `memory.copy` that is executed in chunks.
    pub(crate) copies: bool,
    /// Whether the rewritten function needs a scratch local of type `i32`.
    pub(crate) needs_scratch: bool,
    /// Whether some branch targets the function's own label.
    pub(crate) branches_out: bool,
    /// The types of the NaNs that the function computes.
    pub(crate) nans: Computed,
    /// Compilation work that the rules limit, in [units](crate::work).
    pub(crate) work: u64,
    /// What compilation may take.
    pub(crate) compile_work: CompileWork,
}

/// A loop with a gas check at its head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CheckedLoop {
    /// Byte offset of the `loop` operator in the body.
    pub(crate) offset: u32,
    /// The locals that are spilled to globals around the call to the host, so that the compiler
    /// does not have to keep them in callee-saved registers.
    pub(crate) spilled: Vec<u32>,
}

/// A loop with more live locals than this spills none: they do not fit into registers anyway.
const MAX_SPILLED_LOCALS: usize = 24;

/// Validates a function body, checks the limits, and plans the rewrite.
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
    let (locals, liveness) = read_locals(params, body, rules)?;
    let mut reader: BinaryReader<'_> = body.get_binary_reader();
    validator.read_locals(&mut reader).map_err(Refusal::from)?;

    let mut visitor = FunctionVisitor::new(rules, validator, body.range(), Work::new(locals));
    visitor.visit(reader)?;
    let FunctionVisitor { planner, edits, .. } = visitor;
    *allocations = visitor.validator.into_allocations();

    let (work, compile_work) = visitor.work.units(&edits, visitor.operators);
    check_limit("function_work", work, limits.function_work, Some(start))?;

    let slots = locals.saturating_add(u64::from(visitor.max_height));
    let frame = rules.schedule().frame.bytes(slots, visitor.operators);
    check_limit("frame_bytes", frame, limits.frame_bytes, Some(start))?;

    let outline = planner.finish(visitor.calls);
    Ok(Plan {
        checked_loops: spill(&outline.checked_loops, liveness, &edits),
        edits,
        entry: outline.entry,
        charges: outline.charges,
        metered_blocks: outline.metered_blocks,
        gas: outline.gas,
        params: u32::try_from(params.len()).unwrap_or(u32::MAX),
        locals: u32::try_from(locals).unwrap_or(u32::MAX),
        frame,
        calls: visitor.calls,
        tail_calls: visitor.tail_calls,
        grows: visitor.grows,
        grows_tables: visitor.grows_tables,
        is_irreversible: visitor.is_irreversible,
        fills: visitor.fills,
        copies: visitor.copies,
        needs_scratch: visitor.needs_scratch,
        branches_out: outline.branches_out,
        nans: visitor.nans,
        work,
        compile_work,
    })
}

/// Reads the declarations of the locals. Returns the number of parameters and locals.
fn read_locals(
    params: &[ValType],
    body: &FunctionBody<'_>,
    rules: &Rules,
) -> Result<(u64, Liveness), Refusal> {
    let mut locals = body.get_locals_reader().map_err(Refusal::from)?;
    let mut count = u64::from(u32::try_from(params.len()).unwrap_or(u32::MAX));
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
        check_limit("locals", count, rules.limits().locals, Some(offset))?;
    }
    Ok((count, liveness))
}

/// Chooses the locals that each checked loop spills. `offsets` are the loops, in any order.
fn spill(offsets: &[u32], liveness: Liveness, edits: &Edits) -> Vec<CheckedLoop> {
    if offsets.is_empty() {
        return Vec::new();
    }
    let mut offsets = offsets.to_vec();
    offsets.sort_unstable();
    let mut live = liveness.at_loops(edits);
    offsets
        .into_iter()
        .map(|offset| CheckedLoop {
            offset,
            spilled: live
                .remove(&offset)
                .filter(|live| live.len() <= MAX_SPILLED_LOCALS)
                .unwrap_or_default(),
        })
        .collect()
}
