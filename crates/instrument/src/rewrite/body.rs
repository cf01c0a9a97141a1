//! Function bodies, with the charges of the plan in them.
//!
//! A function holds the [word](super::word) in a local, the one behind its parameters. What is injected:
//!
//! - at the entry: charge, take the frame, and call `low` if the gas or the height is below zero;
//! - at the head of a loop that is looked at: charge, and call `low` if the gas is below zero;
//! - elsewhere: charge, or give back what was charged too early;
//! - around a call: hand the word over, and take it back;
//! - before an operator that works by the length of an operand: call the function that charges by it;
//! - beside one that may have to work in chunks: a call of the function that does so, for where the length is more than one;
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

use wasm_encoder::{BlockType, BranchHint, Encode, InstructionSink, ValType, reencode::Reencode};
use wasmparser::{BinaryReader, FunctionBody, OperatorsReader};

use super::{Encoded, IMPORT_GROW, Rewriter, Sections, floats::Floats, profile::Profile, word};
use crate::{
    length::{CHUNK_BYTES, Length},
    plan::{Action, Charge, ENTRY, LookedLoop, Plan, Side, Step},
};

/// Above how many charges a function is held to be large.
const MANY_CHARGES: usize = 512;

/// One function while it is rewritten.
struct Body<'a> {
    plan: &'a Plan,
    /// The guest's body.
    guest: &'a [u8],
    /// How much of it is done with.
    done: u32,
    code: Vec<u8>,
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
    /// Whether what follows is not reached, and is left out up to the next step.
    is_dead: bool,
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

/// The hint that a branch is rarely taken.
const UNLIKELY: u32 = 0;

/// How operators on locals are encoded, of which there are the most.
const LOCAL_GET: u8 = 0x20;
const LOCAL_SET: u8 = 0x21;
const LOCAL_TEE: u8 = 0x22;

impl Rewriter<'_> {
    pub(super) fn body(&mut self, sections: &mut Sections, guest: &FunctionBody<'_>) -> Encoded {
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
        let mut declared = guest.get_locals_reader()?;
        for _ in 0..declared.get_count() {
            let (count, local_type) = declared.read()?;
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
        let mut code = std::mem::take(&mut self.buffer);
        code.clear();
        locals.len().encode(&mut code);
        for (count, local_type) in locals {
            count.encode(&mut code);
            local_type.encode(&mut code);
        }
        let operators = declared.original_position();
        let operators = operators.saturating_sub(guest.range().start);
        let mut body = Body {
            plan,
            guest: guest.as_bytes(),
            done: u32::try_from(operators).unwrap_or(u32::MAX),
            code,
            word: plan.params,
            scratch: plan.locals.saturating_add(1),
            charges: plan.charges.iter().peekable(),
            looked_loops: plan.looked_loops.iter().peekable(),
            types,
            blocks: Vec::new(),
            depth: 0,
            is_dead: false,
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
        for step in &plan.steps.list {
            body.copy(step.offset);
            self.step(&mut body, step)?;
            body.done = step.offset.saturating_add(step.length);
        }
        sections.code.raw(&body.code);
        let function = self.function_index(function)?;
        sections.hints.function_hints(function, body.hints);
        self.buffer = body.code;
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
        let after = body.charge_at(ENTRY, Side::AfterLook);
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

    /// One step, what is injected before it, and what after.
    fn step(&mut self, body: &mut Body<'_>, step: &Step) -> Encoded {
        let offset = step.offset;
        let (word, scratch) = (body.word, body.scratch);
        match step.action {
            Action::Canonicalise(width) => {
                let floats = body.floats;
                floats.canonicalise(width, &mut body.sink());
                return Ok(());
            }
            Action::Get(local) => {
                body.on_local(LOCAL_GET, body.local(local));
                return Ok(());
            }
            Action::Set(local) => {
                body.on_local(LOCAL_SET, body.local(local));
                return Ok(());
            }
            Action::Tee(local) => {
                body.on_local(LOCAL_TEE, body.local(local));
                return Ok(());
            }
            _ => {}
        }
        let before = body.charge_at(offset, Side::Before);
        let after = body.charge_at(offset, Side::After);
        match step.action {
            Action::Return => {
                body.leave(before);
                body.sink().return_();
                body.is_dead = true;
                return Ok(());
            }
            Action::End if body.blocks.len() == 1 => {
                body.end_function(before);
                return Ok(());
            }
            _ => {}
        }
        body.charge(word::gas(before));
        match step.action {
            Action::Call(function) => {
                let function = self.function_index(function)?;
                body.on_local(LOCAL_GET, word);
                body.sink().call(function);
                body.on_local(LOCAL_SET, word);
            }
            Action::CallIndirect { type_index, table } => {
                let metered = self.layout.metered_type(type_index);
                body.sink()
                    .local_set(scratch)
                    .local_get(word)
                    .local_get(scratch)
                    .call_indirect(table, metered)
                    .local_set(word);
            }
            Action::ByLength(length) => {
                self.charge_by_operand(body, length);
                if length == Length::Pages {
                    body.sink().call(IMPORT_GROW);
                } else {
                    self.encode(body, step)?;
                }
            }
            Action::InChunks(bulk) => {
                self.charge_by_operand(body, Length::Bytes);
                body.sink()
                    .local_get(scratch)
                    .i32_const(CHUNK_BYTES)
                    .i32_gt_u();
                body.hint();
                body.sink()
                    .if_(BlockType::FunctionType(self.layout.bulk_block_type()))
                    .local_get(word)
                    .call(self.layout.in_chunks(bulk))
                    .local_set(word)
                    .else_();
                self.encode(body, step)?;
                body.sink().end();
            }
            Action::RefFunc(function) => {
                let function = self.function_index(function)?;
                self.referenced.insert(function);
                body.sink().ref_func(function);
            }
            Action::Unreachable => {
                let mut code = body.sink();
                code.local_get(word);
                word::take_gas(&mut code);
                code.global_set(self.layout.gas).unreachable();
                body.is_dead = true;
            }
            Action::Select => {
                body.sink().local_tee(scratch).select();
            }
            Action::TypedSelect => {
                body.sink().local_tee(scratch);
                self.encode(body, step)?;
            }
            Action::Block(block_type) => {
                let block_type = self.block_type(block_type)?;
                body.sink().block(block_type);
                body.open(Tail::Nothing);
            }
            Action::If(block_type) => {
                let block_type = self.block_type(block_type)?;
                body.sink().if_(block_type);
                body.open(Tail::Nothing);
            }
            Action::Loop(block_type) => {
                return self.begin_loop(body, block_type, offset, after);
            }
            Action::Else => {
                body.sink().else_();
            }
            Action::End => self.end_block(body),
            Action::Branch(depth) => {
                let label = body.branch(depth);
                body.sink().br(label);
                body.is_dead = true;
            }
            Action::BranchIf(depth) => {
                let label = body.branch(depth);
                body.sink().br_if(label);
            }
            Action::BranchTable(labels) => {
                let labels = body.plan.steps.labels(labels);
                let mut labels: Vec<u32> = labels.iter().map(|depth| body.branch(*depth)).collect();
                let default = labels.pop().unwrap_or(0);
                body.sink().br_table(labels, default);
                body.is_dead = true;
            }
            _ => self.encode(body, step)?,
        }
        body.charge(word::gas(after));
        Ok(())
    }

    /// Charges by the length on top of the stack, which stays there and in the local for it, and looks at the gas.
    fn charge_by_operand(&self, body: &mut Body<'_>, length: Length) {
        let (word, scratch) = (body.word, body.scratch);
        body.sink()
            .local_tee(scratch)
            .local_get(scratch)
            .local_get(word)
            .call(self.layout.charge_length(length))
            .local_set(word);
    }

    /// The step's operator, in as few bytes as it can be.
    fn encode(&mut self, body: &mut Body<'_>, step: &Step) -> Encoded {
        let operator = body.guest(step.offset, step.offset.saturating_add(step.length));
        let operator = OperatorsReader::new(BinaryReader::new(operator, 0)).read()?;
        self.instruction(operator)?.encode(&mut body.code);
        Ok(())
    }

    fn begin_loop(
        &mut self,
        body: &mut Body<'_>,
        guest_type: wasmparser::BlockType,
        offset: u32,
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
        InstructionSink::new(&mut self.code)
    }

    /// An operator on a local, most of which have indices of a single byte.
    fn on_local(&mut self, operator: u8, local: u32) {
        match u8::try_from(local) {
            Ok(index) if index < 0x80 => self.code.extend_from_slice(&[operator, index]),
            _ => {
                self.code.push(operator);
                local.encode(&mut self.code);
            }
        }
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
        self.on_local(LOCAL_GET, self.word);
        if self.has_many_charges {
            self.sink().i64_const(amount).i64_sub();
        } else {
            self.sink().i64_const(amount.saturating_neg()).i64_add();
        }
        self.on_local(LOCAL_SET, self.word);
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
            branch_func_offset: u32::try_from(self.code.len()).unwrap_or(u32::MAX),
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

    /// Some bytes of the guest's body.
    fn guest(&self, begin: u32, end: u32) -> &'a [u8] {
        let position = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        self.guest
            .get(position(begin)..position(end))
            .unwrap_or_default()
    }

    /// Copies what stands before an offset, if it is reached.
    fn copy(&mut self, end: u32) {
        if !std::mem::take(&mut self.is_dead) {
            self.code.extend_from_slice(self.guest(self.done, end));
        }
    }

    /// What is charged on this side of the operator at `offset`.
    fn charge_at(&mut self, offset: u32, side: Side) -> i64 {
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
