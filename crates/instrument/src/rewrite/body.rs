//! Function bodies, with the charges of the plan in them.
//!
//! A function holds the [word](super::word) in a local, the one behind its parameters. What is injected:
//!
//! - at the entry: charge, take the frame, and call `low` if the gas or the height is below zero;
//! - at the head of a loop that is looked at: charge, and call `low` if the gas is below zero;
//! - elsewhere: charge, or give back what was charged too early;
//! - around a call: hand the word over, and take it back;
//! - before an operator that works by the length of an operand: call the function that charges by it;
//! - in the place of `memory.grow`: a call of the host;
//! - before `unreachable`: put the gas into its global, so that nothing is lost;
//! - at every way out: give the frame back, and return the word;
//! - for a profile: tell so first thing at the entry, and last at every way out;
//! - before `select`: keep the condition in a local, which costs compiled code nothing. wasmi 2.0.0 fuses
//!   `select` with a comparison with zero that stands before it, and takes any number for the number
//!   that was compared; what is kept in a local it does not fuse.
//!
//! A call inside a loop costs a compiler registers even where it is never made. So a loop's call of `low` stands
//! outside the loop: the loop is left where gas is low, and entered again from its head.

use std::{iter::Peekable, slice};

use wasm_encoder::{BlockType, BranchHint, Function, InstructionSink, ValType, reencode::Reencode};
use wasmparser::{FunctionBody, Operator};

use super::{Encoded, IMPORT_GROW, Rewriter, floats::Floats, profile::Profile, word};
use crate::{
    length::Length,
    plan::{Charge, LookedLoop, Plan, Side},
};

/// Above how many charges a function is held to be large.
const MANY_CHARGES: usize = 512;

/// One function while it is rewritten.
struct Body<'a> {
    plan: &'a Plan,
    code: Function,
    /// The local that holds the word.
    word: u32,
    /// The local in which an `i32` is kept, if the plan needs one.
    scratch: u32,
    charges: Peekable<slice::Iter<'a, Charge>>,
    looked_loops: Peekable<slice::Iter<'a, LookedLoop>>,
    /// The types of the guest's parameters and locals.
    types: Vec<ValType>,
    /// What the guest's blocks became, the function's own first.
    blocks: Vec<Block<'a>>,
    /// Blocks that are open in the rewritten function, beside the function's own.
    depth: u32,
    /// Blocks opened where no code is reached, which is left out.
    dead_depth: Option<u32>,
    /// Whether it has so many charges that how they are written decides how long it compiles.
    has_many_charges: bool,
    /// Where it calls `low`, which is rare.
    hints: Vec<BranchHint>,
    floats: Floats,
    profile: Option<Profile>,
}

/// What a block of the guest's became.
struct Block<'a> {
    /// The `depth` inside the block to which the guest's branches go.
    label: u32,
    /// What stands behind its `end`.
    tail: Tail<'a>,
}

/// What follows the end of a block.
enum Tail<'a> {
    Nothing,
    /// The loop is left where the gas is low, and entered again: what was charged at its head is given back, since it is
    /// charged once more.
    Refill {
        charged: i64,
        put_away: &'a [u32],
    },
}

/// A function's new body, and what is known of its branches.
pub(super) struct Rewritten {
    pub(super) function: Function,
    pub(super) hints: Vec<BranchHint>,
}

/// The hint that a branch is rarely taken.
const UNLIKELY: u32 = 0;

impl Rewriter<'_> {
    pub(super) fn body(&mut self, code: &mut Vec<Rewritten>, guest: &FunctionBody<'_>) -> Encoded {
        let survey = self.survey;
        let position = self.next_body;
        self.next_body = position.saturating_add(1);
        let (Some(plan), Some(type_index)) =
            (survey.plans.get(position), survey.functions.get(position))
        else {
            return Ok(());
        };
        let mut types = survey.param_types(*type_index);
        let mut locals = Vec::new();
        for group in guest.get_locals_reader()? {
            let (count, local_type) = group?;
            let local_type = self.val_type(local_type)?;
            locals.push((count, local_type));
            types.extend((0..count).map(|_| local_type));
        }
        if plan.needs_scratch {
            locals.push((1, ValType::I32));
        }
        let next_local = plan
            .locals
            .saturating_add(1)
            .saturating_add(u32::from(plan.needs_scratch));
        let floats = Floats::new(plan.nans, next_local, &mut locals);
        let mut body = Body {
            plan,
            code: Function::new(locals),
            word: plan.params,
            scratch: plan.locals.saturating_add(1),
            charges: plan.charges.iter().peekable(),
            looked_loops: plan.looked_loops.iter().peekable(),
            types,
            blocks: Vec::new(),
            depth: 0,
            dead_depth: None,
            has_many_charges: plan.charges.len() > MANY_CHARGES,
            hints: Vec::new(),
            floats,
            profile: self.layout.profile,
        };
        let function = super::count(survey.imports.len().saturating_add(position));
        body.tell_entry(function);
        self.entry(&mut body);
        if plan.branches_out {
            body.sink()
                .block(self.layout.body_block(survey, *type_index));
            body.depth = 1;
        }
        body.blocks.push(Block {
            label: body.depth,
            tail: Tail::Nothing,
        });
        let mut operators = guest.get_operators_reader()?;
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            if body.is_live(&operator) {
                self.operator(&mut body, operator, offset)?;
            }
        }
        code.push(Rewritten {
            function: body.code,
            hints: body.hints,
        });
        Ok(())
    }

    fn entry(&self, body: &mut Body<'_>) {
        body.charge(word::gas(body.plan.entry).saturating_add(body.frame()));
        let word = body.word;
        if body.plan.calls {
            body.sink()
                .local_get(word)
                .i64_const(word::LOW_MASK)
                .i64_and()
                .i64_const(0)
                .i64_ne();
        } else {
            body.sink().local_get(word).i64_const(0).i64_lt_s();
        }
        self.call_low_if(body);
        let after = body.charge_at(body.plan.begin, Side::AfterLook);
        body.charge(word::gas(after));
    }

    /// Calls `low` if the condition on top of the stack holds, which is rare.
    fn call_low_if(&self, body: &mut Body<'_>) {
        body.hint();
        let word = body.word;
        body.sink()
            .if_(BlockType::Empty)
            .local_get(word)
            .call(self.layout.low)
            .local_set(word)
            .end();
    }

    /// One operator that is reached, what is injected before it, and what after.
    fn operator(&mut self, body: &mut Body<'_>, operator: Operator<'_>, offset: u64) -> Encoded {
        body.floats.before(&operator, &mut body.code.instructions());
        let before = body.charge_at(offset, Side::Before);
        let after = body.charge_at(offset, Side::After);
        match operator {
            Operator::Return => {
                body.leave(before);
                body.sink().return_();
                return Ok(());
            }
            Operator::End if body.blocks.len() == 1 => {
                body.end_function(before);
                return Ok(());
            }
            _ => {}
        }
        body.charge(word::gas(before));
        let (word, scratch) = (body.word, body.scratch);
        if let Some(length) = Length::of(&operator) {
            let charge = self.layout.charge_length(length);
            body.sink()
                .local_tee(scratch)
                .local_get(scratch)
                .local_get(word)
                .call(charge)
                .local_set(word);
        }
        match operator {
            Operator::Call { function_index } => {
                let function = self.function_index(function_index)?;
                body.sink().local_get(word).call(function).local_set(word);
            }
            Operator::CallIndirect {
                type_index,
                table_index,
            } => {
                let metered = self.layout.metered_type(type_index);
                body.sink()
                    .local_set(scratch)
                    .local_get(word)
                    .local_get(scratch)
                    .call_indirect(table_index, metered)
                    .local_set(word);
            }
            Operator::MemoryGrow { .. } => {
                body.sink().call(IMPORT_GROW);
            }
            Operator::RefFunc { function_index } => {
                let function = self.function_index(function_index)?;
                self.referenced.insert(function);
                body.sink().ref_func(function);
            }
            Operator::LocalGet { local_index } => {
                let local = body.local(local_index);
                body.sink().local_get(local);
            }
            Operator::LocalSet { local_index } => {
                let local = body.local(local_index);
                body.sink().local_set(local);
            }
            Operator::LocalTee { local_index } => {
                let local = body.local(local_index);
                body.sink().local_tee(local);
            }
            Operator::Unreachable => {
                let mut code = body.sink();
                code.local_get(word);
                word::take_gas(&mut code);
                code.global_set(self.layout.gas).unreachable();
            }
            Operator::Select | Operator::TypedSelect { .. } => {
                body.sink().local_tee(scratch);
                body.code.instruction(&self.instruction(operator)?);
            }
            Operator::Block { blockty } | Operator::If { blockty } => {
                let is_block = matches!(operator, Operator::Block { .. });
                let block_type = self.block_type(blockty)?;
                if is_block {
                    body.sink().block(block_type);
                } else {
                    body.sink().if_(block_type);
                }
                body.open(Tail::Nothing);
            }
            Operator::Loop { blockty } => {
                return self.begin_loop(body, blockty, offset, after);
            }
            Operator::End => self.end_block(body),
            Operator::Br { relative_depth } => {
                let label = body.branch(relative_depth);
                body.sink().br(label);
            }
            Operator::BrIf { relative_depth } => {
                let label = body.branch(relative_depth);
                body.sink().br_if(label);
            }
            Operator::BrTable { ref targets } => {
                let labels = targets
                    .targets()
                    .map(|target| target.map(|depth| body.branch(depth)))
                    .collect::<Result<Vec<u32>, _>>()?;
                let default = body.branch(targets.default());
                body.sink().br_table(labels, default);
            }
            _ => {
                body.code.instruction(&self.instruction(operator)?);
            }
        }
        body.charge(word::gas(after));
        Ok(())
    }

    fn begin_loop(
        &mut self,
        body: &mut Body<'_>,
        guest_type: wasmparser::BlockType,
        offset: u64,
        charge: i64,
    ) -> Encoded {
        let block_type = self.block_type(guest_type)?;
        let word = body.word;
        let looked_at = body
            .looked_loops
            .next_if(|looked_at| looked_at.offset == offset);
        // Operands on the stack cannot be taken out of a loop and back to its head.
        let has_params = matches!(guest_type, wasmparser::BlockType::FuncType(_));
        if looked_at.is_some() && !has_params {
            body.sink()
                .block(block_type)
                .loop_(block_type)
                .block(BlockType::Empty);
            body.depth = body.depth.saturating_add(3);
        }
        body.sink().loop_(block_type);
        body.charge(word::gas(charge));
        let Some(looked_at) = looked_at else {
            body.open(Tail::Nothing);
            return Ok(());
        };
        let after = body.charge_at(offset, Side::AfterLook);
        body.sink().local_get(word).i64_const(0).i64_lt_s();
        if has_params {
            self.call_low_if(body);
            body.open(Tail::Nothing);
        } else {
            body.hint();
            body.sink().br_if(1);
            body.open(Tail::Refill {
                charged: charge,
                put_away: &looked_at.put_away,
            });
        }
        body.charge(word::gas(after));
        Ok(())
    }

    fn end_block(&self, body: &mut Body<'_>) {
        let Some(block) = body.blocks.pop() else {
            return;
        };
        body.depth = body.depth.saturating_sub(1);
        body.sink().end();
        let Tail::Refill { charged, put_away } = block.tail else {
            return;
        };
        // The loop's end leaves for the end of the outermost of the three blocks around it.
        body.sink().br(2).end();
        let word = body.word;
        for (global, local) in (self.layout.put_away..).zip(put_away) {
            body.put_away(*local, global);
        }
        body.sink()
            .local_get(word)
            .call(self.layout.low)
            .local_set(word);
        for (global, local) in (self.layout.put_away..).zip(put_away) {
            body.take_back(*local, global);
        }
        body.charge(word::gas(charged.saturating_neg()));
        body.sink().br(0).end().end();
        body.depth = body.depth.saturating_sub(3);
    }
}

impl<'a> Body<'a> {
    fn sink(&mut self) -> InstructionSink<'_> {
        self.code.instructions()
    }

    /// What the frame takes of the height, as it counts in a word.
    fn frame(&self) -> i64 {
        if self.plan.calls {
            word::height(self.plan.frame / crate::STACK_UNIT_BYTES)
        } else {
            0
        }
    }

    /// Takes something from the word.
    ///
    /// Cranelift makes an addition of a constant again wherever its result is used, and merges it
    /// with others. That saves registers, and takes time that grows with the square of the
    /// function; a subtraction is computed once, where it stands.
    fn charge(&mut self, amount: i64) {
        if amount == 0 {
            return;
        }
        let word = self.word;
        self.sink().local_get(word);
        if self.has_many_charges {
            self.sink().i64_const(amount).i64_sub();
        } else {
            self.sink().i64_const(amount.saturating_neg()).i64_add();
        }
        self.sink().local_set(word);
    }

    /// Puts on the stack what is left to the caller.
    fn leave(&mut self, charge: i64) {
        let given_back = self.frame().saturating_sub(word::gas(charge));
        let word = self.word;
        self.sink().local_get(word);
        if given_back != 0 {
            self.sink().i64_const(given_back).i64_add();
        }
        if let Some(profile) = self.profile {
            profile.leave(&mut self.sink(), word);
        }
    }

    /// Tells the index of the guest's function, where somebody makes a profile.
    fn tell_entry(&mut self, function: u32) {
        let word = self.word;
        if let Some(profile) = self.profile {
            profile.enter(&mut self.sink(), word, function);
        }
    }

    /// The end of the function, to which branches may go, or which may not be reached.
    fn end_function(&mut self, charge: i64) {
        if self.plan.branches_out {
            self.charge(word::gas(charge));
            self.sink().end();
            self.leave(0);
        } else {
            self.leave(charge);
        }
        self.sink().end();
    }

    /// Keeps a local in a global of ours.
    fn put_away(&mut self, guest: u32, global: u32) {
        let (local, local_type) = (self.local(guest), self.local_type(guest));
        let mut code = self.sink();
        code.local_get(local);
        match local_type {
            ValType::I32 => code.i64_extend_i32_u(),
            ValType::F32 => code.i32_reinterpret_f32().i64_extend_i32_u(),
            ValType::F64 => code.i64_reinterpret_f64(),
            _ => &mut code,
        };
        code.global_set(global);
    }

    fn take_back(&mut self, guest: u32, global: u32) {
        let (local, local_type) = (self.local(guest), self.local_type(guest));
        let mut code = self.sink();
        code.global_get(global);
        match local_type {
            ValType::I32 => code.i32_wrap_i64(),
            ValType::F32 => code.i32_wrap_i64().f32_reinterpret_i32(),
            ValType::F64 => code.f64_reinterpret_i64(),
            _ => &mut code,
        };
        code.local_set(local);
    }

    fn local_type(&self, guest: u32) -> ValType {
        let index = usize::try_from(guest).unwrap_or(usize::MAX);
        self.types.get(index).copied().unwrap_or(ValType::I64)
    }

    /// The branch that comes next is rarely taken.
    fn hint(&mut self) {
        self.hints.push(BranchHint {
            branch_func_offset: u32::try_from(self.code.byte_len()).unwrap_or(u32::MAX),
            branch_hint_value: UNLIKELY,
        });
    }

    /// A block of the guest's was opened.
    fn open(&mut self, tail: Tail<'a>) {
        self.depth = self.depth.saturating_add(1);
        self.blocks.push(Block {
            label: self.depth,
            tail,
        });
    }

    /// The guest's local, of which those behind the parameters have moved.
    fn local(&self, guest: u32) -> u32 {
        if guest < self.plan.params {
            guest
        } else {
            guest.saturating_add(1)
        }
    }

    /// A branch of the guest's, as far as it is from here in the rewritten function.
    fn branch(&self, guest_depth: u32) -> u32 {
        let label = usize::try_from(guest_depth)
            .ok()
            .and_then(|depth| self.blocks.iter().rev().nth(depth))
            .map_or(0, |block| block.label);
        self.depth.saturating_sub(label)
    }

    /// Follows the blocks, and says whether the operator is kept.
    fn is_live(&mut self, operator: &Operator<'_>) -> bool {
        match (operator, self.dead_depth) {
            (Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }, Some(dead)) => {
                self.dead_depth = Some(dead.saturating_add(1));
                false
            }
            (Operator::End | Operator::Else, Some(0)) => {
                self.dead_depth = None;
                true
            }
            (Operator::End, Some(dead)) => {
                self.dead_depth = Some(dead.saturating_sub(1));
                false
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

    /// What is charged on this side of the operator at `offset`.
    fn charge_at(&mut self, offset: u64, side: Side) -> i64 {
        self.charges
            .next_if(|charge| charge.offset == offset && charge.side == side)
            .map_or(0, |charge| charge.amount)
    }
}

/// The survey admits numbers and function references only.
pub(crate) fn value_type(guest: wasmparser::ValType) -> ValType {
    match guest {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        _ => ValType::FUNCREF,
    }
}
