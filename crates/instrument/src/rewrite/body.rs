//! Function bodies, with the charges of the plan in them.
//!
//! A function keeps the gas in a local. What is injected:
//!
//! - at the entry: load the gas, charge the first region, take the frame from the height, and call
//!   `low` if either is below zero;
//! - at a loop head: charge, and call `low` if the gas is below zero;
//! - at any other region: charge;
//! - around a call: spill the gas to its global, and load it again;
//! - before an operator that works by the length of an operand: charge by it, and look at once;
//! - before `unreachable`: spill, so that nothing is lost;
//! - before `select`: keep the condition in a local, which costs compiled code nothing. wasmi 2.0.0 fuses
//!   `select` with a comparison with zero that stands before it, and takes any number for the number
//!   that was compared; what is kept in a local it does not fuse.
//!
//! The body is wrapped in a block of the function's results, and every way out of the function
//! is a branch to it: an original branch to the function's own label already is one. Behind the block
//! stands the one epilogue, which spills the gas and gives the frame back.

use fusee_engine::ValueType;
use wasm_encoder::{BlockType, BranchHint, Function, InstructionSink, ValType, reencode::Reencode};
use wasmparser::{FunctionBody, Operator};

use super::{Encoded, LOW, Rewriter, floats::Floats};
use crate::plan::{Plan, Region};

/// The locals that are added to a function, behind its own.
struct Locals {
    gas: u32,
    /// The height at the entry, and the length at a bulk operator.
    scratch: u32,
    /// The condition of a `select`, if there is one in the function.
    condition: u32,
}

/// One function while it is rewritten.
struct Body<'a> {
    plan: &'a Plan,
    locals: Locals,
    regions: std::iter::Peekable<std::slice::Iter<'a, Region>>,
    /// Blocks of the guest's that are open.
    depth: u32,
    /// Blocks opened where no code is reached, which is left out.
    dead_depth: Option<u32>,
    /// Where it calls `low`, which is rare.
    hints: Vec<BranchHint>,
    floats: Floats,
}

/// A function's new body, and what is known of its branches.
pub(super) struct Rewritten {
    pub(super) function: Function,
    pub(super) hints: Vec<BranchHint>,
}

/// The hint that a branch is rarely taken.
const UNLIKELY: u32 = 0;

impl Rewriter<'_> {
    /// The function through which all others call `low`. A call to it needs no more registers than
    /// any other; a call to an import needs two for the import, which a loop would keep.
    pub(super) fn low(&self) -> Function {
        let mut function = Function::new([]);
        function
            .instructions()
            .local_get(0)
            .local_get(1)
            .call(LOW)
            .end();
        function
    }

    /// For each import a function of the guest's signature that calls it with the gas.
    pub(super) fn wrappers(&self) -> Vec<Function> {
        let wrapper = |(position, import): (usize, &crate::survey::SurveyedImport)| {
            let mut function = Function::new([]);
            let mut code = function.instructions();
            let gas = self.layout.gas;
            code.global_get(gas)
                .i64_const(0)
                .i64_lt_s()
                .if_(BlockType::Empty);
            code.global_get(gas)
                .i64_const(0)
                .call(self.layout.low)
                .global_set(gas)
                .end();
            code.global_get(gas);
            for (index, param) in (0_u32..).zip(&import.import.params) {
                code.local_get(index);
                if *param == ValueType::I32 {
                    code.i64_extend_i32_u();
                }
            }
            let host_function = u32::try_from(position)
                .unwrap_or(u32::MAX)
                .saturating_add(1);
            code.call(host_function).global_set(gas);
            match import.import.result {
                None => code.drop(),
                Some(ValueType::I32) => code.i32_wrap_i64(),
                Some(_) => &mut code,
            };
            code.end();
            function
        };
        self.survey
            .imports
            .iter()
            .enumerate()
            .map(wrapper)
            .collect()
    }

    pub(super) fn body(&mut self, code: &mut Vec<Rewritten>, guest: &FunctionBody<'_>) -> Encoded {
        let survey = self.survey;
        let position = self.next_body;
        self.next_body = position.saturating_add(1);
        let (Some(plan), Some(type_index)) =
            (survey.plans.get(position), survey.functions.get(position))
        else {
            return Ok(());
        };
        let mut locals = Vec::new();
        for group in guest.get_locals_reader()? {
            let (count, local_type) = group?;
            locals.push((count, self.val_type(local_type)?));
        }
        locals.push((2, ValType::I64));
        if plan.selects {
            locals.push((1, ValType::I32));
        }
        let next_local = plan.locals.saturating_add(if plan.selects { 3 } else { 2 });
        let floats = Floats::new(plan.nans, next_local, &mut locals);
        let mut function = Function::new(locals);
        let mut body = Body {
            plan,
            locals: Locals {
                gas: plan.locals,
                scratch: plan.locals.saturating_add(1),
                condition: plan.locals.saturating_add(2),
            },
            regions: plan.regions.iter().peekable(),
            depth: 0,
            dead_depth: None,
            hints: Vec::new(),
            floats,
        };
        self.entry(&mut body, &mut function);
        function.instructions().block(self.body_block(*type_index));
        let mut operators = guest.get_operators_reader()?;
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            if body.is_live(&operator) {
                self.operator(&mut body, operator, offset, &mut function)?;
            }
        }
        self.epilogue(&body, &mut function.instructions());
        code.push(Rewritten {
            function,
            hints: body.hints,
        });
        Ok(())
    }

    fn body_block(&self, type_index: u32) -> BlockType {
        let index = usize::try_from(type_index).unwrap_or(usize::MAX);
        if let Some(Some(body_type)) = self.layout.body_types.get(index) {
            return BlockType::FunctionType(*body_type);
        }
        let result = self
            .survey
            .types
            .get(index)
            .and_then(|found| found.result_types.first());
        result.map_or(BlockType::Empty, |result| {
            BlockType::Result(value_type(*result))
        })
    }

    fn entry(&self, body: &mut Body<'_>, function: &mut Function) {
        let Locals { gas, scratch, .. } = body.locals;
        let mut code = function.instructions();
        code.global_get(self.layout.gas)
            .i64_const(body.plan.entry.counter())
            .i64_sub()
            .local_tee(gas);
        let height = if body.plan.calls {
            code.global_get(self.layout.height)
                .i64_const(frame(body.plan))
                .i64_sub()
                .local_tee(scratch)
                .global_set(self.layout.height)
                .local_get(scratch)
                .i64_or();
            Some(scratch)
        } else {
            None
        };
        self.call_if_low(body, function, height);
    }

    /// Calls `low` if the number on top of the stack is below zero, with the local that holds the
    /// height, where it may be the height that is.
    fn call_if_low(&self, body: &mut Body<'_>, function: &mut Function, height: Option<u32>) {
        function.instructions().i64_const(0).i64_lt_s();
        body.hints.push(BranchHint {
            branch_func_offset: u32::try_from(function.byte_len()).unwrap_or(u32::MAX),
            branch_hint_value: UNLIKELY,
        });
        let mut code = function.instructions();
        code.if_(BlockType::Empty).local_get(body.locals.gas);
        match height {
            Some(height) => code.local_get(height),
            None => code.i64_const(0),
        };
        code.call(self.layout.low).local_set(body.locals.gas).end();
    }

    fn epilogue(&self, body: &Body<'_>, code: &mut InstructionSink<'_>) {
        code.local_get(body.locals.gas).global_set(self.layout.gas);
        if body.plan.calls {
            let height = self.layout.height;
            code.global_get(height)
                .i64_const(frame(body.plan))
                .i64_add()
                .global_set(height);
        }
        code.end();
    }

    /// One operator that is reached, what is injected before it, and what after.
    fn operator(
        &mut self,
        body: &mut Body<'_>,
        operator: Operator<'_>,
        offset: u64,
        function: &mut Function,
    ) -> Encoded {
        let gas = body.locals.gas;
        body.floats.before(&operator, &mut function.instructions());
        let is_loop = matches!(operator, Operator::Loop { .. });
        match &operator {
            Operator::Call { .. } | Operator::CallIndirect { .. } => {
                function
                    .instructions()
                    .local_get(gas)
                    .global_set(self.layout.gas);
                function.instruction(&self.instruction(operator)?);
                function
                    .instructions()
                    .global_get(self.layout.gas)
                    .local_set(gas);
            }
            Operator::Unreachable => {
                function
                    .instructions()
                    .local_get(gas)
                    .global_set(self.layout.gas)
                    .unreachable();
            }
            Operator::Return => {
                function.instructions().br(body.depth);
            }
            Operator::Select | Operator::TypedSelect { .. } => {
                function.instructions().local_tee(body.locals.condition);
                function.instruction(&self.instruction(operator)?);
            }
            _ => {
                if let Some(length) = self.length_price(&operator) {
                    length.charge(&body.locals, &mut function.instructions());
                    self.call_if_low(body, function, None);
                }
                function.instruction(&self.instruction(operator)?);
            }
        }
        if let Some(cost) = body.region_after(offset) {
            let mut code = function.instructions();
            code.local_get(gas).i64_const(cost).i64_sub();
            if is_loop {
                code.local_tee(gas);
                self.call_if_low(body, function, None);
            } else {
                code.local_set(gas);
            }
        }
        Ok(())
    }

    /// How an operator is charged by the length on top of its operands.
    fn length_price(&self, operator: &Operator<'_>) -> Option<LengthPrice> {
        let prices = self.rules.schedule().dynamic;
        match operator {
            Operator::MemoryGrow { .. } => Some(LengthPrice {
                unit_log2: 0,
                price: prices.grow_page,
            }),
            Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. } => Some(LengthPrice {
                unit_log2: 6,
                price: prices.bulk_64_bytes,
            }),
            Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::TableGrow { .. } => Some(LengthPrice {
                unit_log2: 0,
                price: prices.table_element,
            }),
            _ => None,
        }
    }
}

/// A price for each unit of 2^`unit_log2`, or part of one.
struct LengthPrice {
    unit_log2: u32,
    price: u32,
}

impl LengthPrice {
    /// The length, an `i32`, is on top of the stack and stays there; the new gas comes on top of
    /// it. A length times a price is
    /// at most 2^64, but prices are small: the schedule's test holds them below 2^31, so that the
    /// product is positive.
    fn charge(&self, locals: &Locals, code: &mut InstructionSink<'_>) {
        code.i64_extend_i32_u()
            .local_tee(locals.scratch)
            .i32_wrap_i64();
        code.local_get(locals.gas).local_get(locals.scratch);
        if self.unit_log2 > 0 {
            let round_up = (1_i64 << self.unit_log2).saturating_sub(1);
            code.i64_const(round_up)
                .i64_add()
                .i64_const(i64::from(self.unit_log2))
                .i64_shr_u();
        }
        code.i64_const(i64::from(self.price))
            .i64_mul()
            .i64_sub()
            .local_tee(locals.gas);
    }
}

impl Body<'_> {
    /// Follows the blocks, and says whether the operator is kept.
    fn is_live(&mut self, operator: &Operator<'_>) -> bool {
        match (operator, self.dead_depth) {
            (Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }, None) => {
                self.depth = self.depth.saturating_add(1);
                true
            }
            (Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }, Some(dead)) => {
                self.dead_depth = Some(dead.saturating_add(1));
                false
            }
            (Operator::End, None | Some(0)) => {
                self.dead_depth = None;
                self.depth = self.depth.saturating_sub(1);
                true
            }
            (Operator::End, Some(dead)) => {
                self.dead_depth = Some(dead.saturating_sub(1));
                false
            }
            (Operator::Else, Some(0)) => {
                self.dead_depth = None;
                true
            }
            (_, Some(_)) => false,
            (
                Operator::Br { .. }
                | Operator::BrTable { .. }
                | Operator::Return
                | Operator::Unreachable,
                None,
            ) => {
                self.dead_depth = Some(0);
                true
            }
            (_, None) => true,
        }
    }

    /// What the region costs that begins after the operator at `offset`, if one does.
    fn region_after(&mut self, offset: u64) -> Option<i64> {
        let region = self.regions.next_if(|region| region.after == offset)?;
        Some(i64::try_from(region.cost).unwrap_or(i64::MAX))
    }
}

fn frame(plan: &Plan) -> i64 {
    i64::try_from(plan.frame).unwrap_or(i64::MAX)
}

/// The survey admits numbers and function references only.
pub(super) fn value_type(guest: wasmparser::ValType) -> ValType {
    match guest {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        _ => ValType::FUNCREF,
    }
}
