//! Encodes metered functions: applies the edits of the plan and injects the charges.
//!
//! A function holds the [packed counter](super::counter) in the local after its parameters. The
//! injected code:
//!
//! - At the entry: charge, reserve the frame, and call `low` if gas or height is negative.
//! - At the head of a checked loop: charge, and call `low` if the gas is negative.
//! - Elsewhere: charge, or refund what was charged too early.
//! - Around a call: pass the packed counter, and take the result.
//! - Before an operator with a length: call the function that charges by length.
//! - Around a bulk operator: call its chunk function if the length exceeds one chunk.
//! - In place of `memory.grow` and `table.grow`: call the host.
//! - Before `unreachable`: store the gas in its global, where the host reads it.
//! - At every return: release the frame, and return the packed counter.
//! - At a call in place of a return: release the frame, and pass the packed counter.
//! - For profiling: call the host first at the entry, and last before every return.
//! - Before a block with parameters: an empty loop, which is free in compiled code. At the begin of
//!   a block wasmi 2.0.0 copies the locals that lie on the operand stack, so that the block may
//!   write them. It leaves out as many as the block has parameters, whatever the parameters are. An
//!   empty loop has none, so that all are copied there.
//! - Before `select`: copy the condition to a local, which is free in compiled code. wasmi 2.0.0
//!   fuses `select` with a preceding comparison with zero and takes any operand for the compared
//!   one. It does not fuse a value that comes from a local.
//!
//! A call inside a loop costs the compiler registers even if it is never executed. So a checked
//! loop branches out of the loop if the gas is negative, calls `low` there, and enters the loop
//! again at its head.

use std::collections::BTreeSet;

use wasm_encoder::{BlockType, BranchHints, CodeSection, Encode, ValType, reencode::Reencode};
use wasmparser::{BinaryReader, FunctionBody, OperatorsReader};

use super::{
    body::{BR, BR_IF, Body, CALL, GuestBlock, LOCAL_GET, LOCAL_SET, LOCAL_TEE, Locals, Tail},
    floats::Floats,
    layout::{IMPORT_GROW, Layout},
    reindex::{Encoded, Reindex, count, value_type},
};
use crate::{
    edits::{Action, Edit},
    length::{BulkOperator, CHUNK_BYTES, Length},
    plan::{ENTRY, Plan, Side},
    survey::Survey,
};

/// Encodes the functions of one program, in their order.
pub(super) struct FunctionEncoder<'a> {
    survey: &'a Survey,
    layout: &'a Layout,
    reindex: Reindex<'a>,
    /// Position of the next function.
    next: usize,
    /// The code buffer of the previous function, kept for its capacity.
    buffer: Vec<u8>,
    /// The functions that `ref.func` names, by their indices in the metered program.
    referenced: BTreeSet<u32>,
}

impl<'a> FunctionEncoder<'a> {
    pub(super) fn new(survey: &'a Survey, layout: &'a Layout, reindex: Reindex<'a>) -> Self {
        Self {
            survey,
            layout,
            reindex,
            next: 0,
            buffer: Vec::new(),
            referenced: BTreeSet::new(),
        }
    }

    /// The functions that `ref.func` names so far, in ascending order.
    pub(super) fn referenced(&self) -> Vec<u32> {
        self.referenced.iter().copied().collect()
    }

    /// Encodes the next function.
    pub(super) fn encode(
        &mut self,
        guest: &FunctionBody<'_>,
        code: &mut CodeSection,
        hints: &mut BranchHints,
    ) -> Encoded {
        let survey = self.survey;
        let position = self.next;
        self.next = position.saturating_add(1);
        let (Some(plan), Some(type_index)) =
            (survey.plans.get(position), survey.functions.get(position))
        else {
            return Ok(());
        };
        let locals = self.locals(guest, plan, *type_index)?;
        let mut body = Body::new(plan, guest.as_bytes(), locals, self.layout);
        let function = count(survey.imports.len().saturating_add(position));
        body.profile_entry(function);
        self.entry(&mut body);
        if plan.branches_out {
            let block_type = self.layout.body_block(survey, *type_index);
            body.sink().block(block_type);
            body.depth = 1;
        }
        body.blocks.push(GuestBlock {
            label: body.depth,
            tail: Tail::Nothing,
        });
        for edits in plan.edits.list.chunk_by(|edit, _| in_place(edit)) {
            let Some((edit, on_locals)) = edits.split_last() else {
                continue;
            };
            body.copy(edit.offset, on_locals);
            self.edit(&mut body, edit)?;
            body.done = edit.offset.saturating_add(edit.length);
        }
        code.raw(&body.code);
        hints.function_hints(self.reindex.function_index(function)?, body.hints);
        self.buffer = body.code;
        Ok(())
    }

    /// Declares the guest's locals and those of the meter.
    fn locals(
        &mut self,
        guest: &FunctionBody<'_>,
        plan: &Plan,
        type_index: u32,
    ) -> Encoded<Locals> {
        let params = self.survey.type_at(type_index);
        let params = params.map_or(&[][..], |found| found.param_types.as_slice());
        let mut types: Vec<ValType> = params.iter().copied().map(value_type).collect();
        let mut locals = Vec::new();
        let mut declared = guest.get_locals_reader()?;
        for _ in 0..declared.get_count() {
            let (count, local_type) = declared.read()?;
            let local_type = self.reindex.val_type(local_type)?;
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
        let guest_bytes = operators.saturating_sub(guest.range().start);
        Ok(Locals {
            types,
            floats,
            code,
            guest_bytes: u32::try_from(guest_bytes).unwrap_or(u32::MAX),
        })
    }

    fn entry(&self, body: &mut Body<'_>) {
        body.charge(
            body.packing
                .gas(body.plan.entry)
                .saturating_add(body.frame()),
        );
        let counter = body.counter;
        if body.plan.calls {
            body.sink()
                .local_get(counter)
                .i64_const(self.layout.packing.low_mask())
                .i64_and()
                .i64_const(0)
                .i64_ne();
        } else {
            body.sink().local_get(counter).i64_const(0).i64_lt_s();
        }
        self.call_low_if(body);
        let after = body.charge_at(ENTRY, Side::AfterCheck);
        body.charge(body.packing.gas(after));
    }

    /// Calls `low` if the condition on top of the stack holds, which is unlikely.
    fn call_low_if(&self, body: &mut Body<'_>) {
        body.hint();
        let counter = body.counter;
        body.sink()
            .if_(BlockType::Empty)
            .local_get(counter)
            .call(self.layout.low)
            .local_set(counter)
            .end();
    }

    /// Applies one edit, with the charges before and after its operator.
    fn edit(&mut self, body: &mut Body<'_>, edit: &Edit) -> Encoded {
        match edit.action {
            Action::Canonicalise(width) => {
                body.canonicalise(width);
                return Ok(());
            }
            Action::Get(local) => {
                body.indexed(LOCAL_GET, body.local(local));
                return Ok(());
            }
            Action::Set(local) => {
                body.indexed(LOCAL_SET, body.local(local));
                return Ok(());
            }
            Action::Tee(local) => {
                body.indexed(LOCAL_TEE, body.local(local));
                return Ok(());
            }
            _ => {}
        }
        let before = body.charge_at(edit.offset, Side::Before);
        let after = body.charge_at(edit.offset, Side::After);
        match edit.action {
            Action::Return => {
                body.leave(before);
                body.sink().return_();
                body.is_dead = true;
                return Ok(());
            }
            Action::ReturnCall(function) => {
                let function = self.reindex.function_index(function)?;
                body.leave(before);
                body.sink().return_call(function);
                body.is_dead = true;
                return Ok(());
            }
            Action::ReturnCallIndirect { type_index, table } => {
                let (metered, scratch) = (self.layout.metered_type(type_index), body.scratch);
                body.sink().local_set(scratch);
                body.leave(before);
                body.sink()
                    .local_get(scratch)
                    .return_call_indirect(table, metered);
                body.is_dead = true;
                return Ok(());
            }
            Action::End if body.blocks.len() == 1 => {
                body.end_function(before);
                return Ok(());
            }
            _ => body.charge(body.packing.gas(before)),
        }
        match edit.action {
            Action::Loop(block_type) => {
                return self.begin_loop(body, block_type, edit.offset, after);
            }
            Action::Block(_)
            | Action::If(_)
            | Action::Else
            | Action::End
            | Action::Branch(_)
            | Action::BranchIf(_)
            | Action::BranchTable(_)
            | Action::Unreachable => self.control(body, edit.action)?,
            _ => self.operator(body, edit)?,
        }
        body.charge(body.packing.gas(after));
        Ok(())
    }

    /// Encodes an operator that opens, closes or leaves a block. Loops are encoded by
    /// [`begin_loop`](Self::begin_loop).
    fn control(&mut self, body: &mut Body<'_>, action: Action) -> Encoded {
        match action {
            Action::Block(block_type) => {
                self.keep_locals(body, block_type);
                let block_type = self.reindex.block_type(block_type)?;
                body.sink().block(block_type);
                body.open(Tail::Nothing);
            }
            Action::If(block_type) => {
                self.keep_locals(body, block_type);
                let block_type = self.reindex.block_type(block_type)?;
                body.sink().if_(block_type);
                body.open(Tail::Nothing);
            }
            Action::Else => {
                body.sink().else_();
            }
            Action::End => self.end_block(body),
            Action::Branch(depth) => {
                let label = body.branch(depth);
                body.indexed(BR, label);
                body.is_dead = true;
            }
            Action::BranchIf(depth) => {
                let label = body.branch(depth);
                body.indexed(BR_IF, label);
            }
            Action::BranchTable(labels) => {
                let labels = body.plan.edits.labels(labels);
                let mut labels: Vec<u32> = labels.iter().map(|depth| body.branch(*depth)).collect();
                let default = labels.pop().unwrap_or(0);
                body.sink().br_table(labels, default);
                body.is_dead = true;
            }
            Action::Unreachable => {
                let (counter, packing) = (body.counter, body.packing);
                let mut code = body.sink();
                code.local_get(counter);
                packing.unpack_gas(&mut code);
                code.global_set(self.layout.gas).unreachable();
                body.is_dead = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Before a block with parameters, makes wasmi copy the locals on the operand stack.
    fn keep_locals(&self, body: &mut Body<'_>, block_type: wasmparser::BlockType) {
        let wasmparser::BlockType::FuncType(index) = block_type else {
            return;
        };
        let found = self.survey.type_at(index);
        if found.is_some_and(|found| !found.param_types.is_empty()) {
            body.sink().loop_(BlockType::Empty).end();
        }
    }

    /// Encodes any other operator.
    fn operator(&mut self, body: &mut Body<'_>, edit: &Edit) -> Encoded {
        let (counter, scratch) = (body.counter, body.scratch);
        match edit.action {
            Action::Call(function) => {
                let function = self.reindex.function_index(function)?;
                body.indexed(LOCAL_GET, counter);
                body.indexed(CALL, function);
                body.indexed(LOCAL_SET, counter);
            }
            Action::CallIndirect { type_index, table } => {
                let metered = self.layout.metered_type(type_index);
                body.sink()
                    .local_set(scratch)
                    .local_get(counter)
                    .local_get(scratch)
                    .call_indirect(table, metered)
                    .local_set(counter);
            }
            Action::ByLength(length) => {
                self.charge_by_operand(body, length);
                if length == Length::Pages {
                    body.sink().call(IMPORT_GROW);
                } else {
                    self.reencode(body, edit)?;
                }
            }
            Action::TableGrow(table) => {
                self.charge_by_operand(body, Length::NewElements);
                if let Some(grow_table) = self.layout.grow_table {
                    body.sink()
                        .i32_const(table.cast_signed())
                        .call(grow_table.function);
                }
            }
            Action::InChunks(bulk) => self.in_chunks(body, edit, bulk)?,
            Action::RefFunc(function) => {
                let function = self.reindex.function_index(function)?;
                self.referenced.insert(function);
                body.sink().ref_func(function);
            }
            Action::Select => {
                body.sink().local_tee(scratch).select();
            }
            Action::TypedSelect => {
                body.sink().local_tee(scratch);
                self.reencode(body, edit)?;
            }
            _ => self.reencode(body, edit)?,
        }
        Ok(())
    }

    /// Charges by the length on top of the stack, and checks the gas. The length stays on the stack
    /// and is copied to the scratch local.
    fn charge_by_operand(&self, body: &mut Body<'_>, length: Length) {
        let (counter, scratch) = (body.counter, body.scratch);
        body.sink()
            .local_tee(scratch)
            .local_get(scratch)
            .local_get(counter)
            .call(self.layout.charge_length(length))
            .local_set(counter);
    }

    /// Encodes a bulk operator: in chunks if the length exceeds one, and in place otherwise.
    fn in_chunks(&mut self, body: &mut Body<'_>, edit: &Edit, bulk: BulkOperator) -> Encoded {
        let (counter, scratch) = (body.counter, body.scratch);
        self.charge_by_operand(body, Length::Bytes);
        body.sink()
            .local_get(scratch)
            .i32_const(CHUNK_BYTES)
            .i32_gt_u();
        body.hint();
        body.sink()
            .if_(BlockType::FunctionType(self.layout.bulk_block_type()))
            .local_get(counter)
            .call(self.layout.in_chunks(bulk))
            .local_set(counter)
            .else_();
        self.reencode(body, edit)?;
        body.sink().end();
        Ok(())
    }

    /// Encodes the operator of an edit in its shortest form.
    fn reencode(&mut self, body: &mut Body<'_>, edit: &Edit) -> Encoded {
        let operator = body.guest(edit.offset, edit.offset.saturating_add(edit.length));
        let operator = OperatorsReader::new(BinaryReader::new(operator, 0)).read()?;
        self.reindex.instruction(operator)?.encode(&mut body.code);
        Ok(())
    }

    fn begin_loop(
        &mut self,
        body: &mut Body<'_>,
        guest_type: wasmparser::BlockType,
        offset: u32,
        charge: i64,
    ) -> Encoded {
        self.keep_locals(body, guest_type);
        let block_type = self.reindex.block_type(guest_type)?;
        let counter = body.counter;
        let checked_loop = body.checked_loop_at(offset);
        // Operands cannot be carried out of a loop and back to its head.
        let has_params = matches!(guest_type, wasmparser::BlockType::FuncType(_));
        if checked_loop.is_some() && !has_params {
            body.sink()
                .block(block_type)
                .loop_(block_type)
                .block(BlockType::Empty);
            body.depth = body.depth.saturating_add(3);
        }
        body.sink().loop_(block_type);
        body.charge(body.packing.gas(charge));
        let Some(checked_loop) = checked_loop else {
            body.open(Tail::Nothing);
            return Ok(());
        };
        let after = body.charge_at(offset, Side::AfterCheck);
        body.sink().local_get(counter).i64_const(0).i64_lt_s();
        if has_params {
            self.call_low_if(body);
            body.open(Tail::Nothing);
        } else {
            body.hint();
            body.sink().br_if(1);
            body.open(Tail::Refill {
                charged: charge,
                spilled: &checked_loop.spilled,
            });
        }
        body.charge(body.packing.gas(after));
        Ok(())
    }

    fn end_block(&self, body: &mut Body<'_>) {
        let Some(block) = body.blocks.pop() else {
            return;
        };
        body.depth = body.depth.saturating_sub(1);
        body.sink().end();
        let Tail::Refill { charged, spilled } = block.tail else {
            return;
        };
        // A loop that ends normally leaves the three blocks around it.
        body.sink().br(2).end();
        let counter = body.counter;
        for (global, local) in (self.layout.spill_globals..).zip(spilled) {
            body.spill(*local, global);
        }
        body.sink()
            .local_get(counter)
            .call(self.layout.low)
            .local_set(counter);
        for (global, local) in (self.layout.spill_globals..).zip(spilled) {
            body.reload(*local, global);
        }
        body.charge(body.packing.gas(charged.saturating_neg()));
        body.sink().br(0).end().end();
        body.depth = body.depth.saturating_sub(3);
    }
}

/// Whether the operator is one on a local, whose index has one byte in the guest and in the metered
/// program, where it may be greater by one.
const fn in_place(edit: &Edit) -> bool {
    match edit.action {
        Action::Get(local) | Action::Set(local) | Action::Tee(local) => {
            edit.length == 2 && local < 0x7f
        }
        _ => false,
    }
}
