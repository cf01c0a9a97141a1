//! The body of one metered function while it is encoded: its code buffer, locals and labels.

use wasm_encoder::{BranchHint, Encode, InstructionSink, ValType};

use super::{counter::Packing, floats::Floats, layout::Layout, profile::Profile};
use crate::{
    edits::Edit,
    floats::Width,
    plan::{Charge, CheckedLoop, Plan, Side},
};

/// Functions with more charges use the encoding that compiles in linear time.
const MANY_CHARGES: usize = 512;

/// The branch hint for a branch that is rarely taken.
const UNLIKELY: u32 = 0;

// Opcodes of the most frequent operators, which are encoded directly.

pub(super) const BR: u8 = 0x0c;
pub(super) const BR_IF: u8 = 0x0d;
pub(super) const CALL: u8 = 0x10;
pub(super) const LOCAL_GET: u8 = 0x20;
pub(super) const LOCAL_SET: u8 = 0x21;
pub(super) const LOCAL_TEE: u8 = 0x22;
const I64_CONST: u8 = 0x42;

pub(super) struct Body<'a> {
    pub(super) packing: Packing,
    pub(super) plan: &'a Plan,
    /// The guest's body.
    guest: &'a [u8],
    /// Number of bytes of the guest's body that are done.
    pub(super) done: u32,
    pub(super) code: Vec<u8>,
    /// The local that holds the packed counter.
    pub(super) counter: u32,
    /// The scratch local of type `i32`, if the plan needs one.
    pub(super) scratch: u32,
    /// The charges that are not encoded yet.
    charges: &'a [Charge],
    /// The checked loops that are not encoded yet.
    checked_loops: &'a [CheckedLoop],
    /// The types of the guest's parameters and locals.
    types: Vec<ValType>,
    /// The guest's open blocks. The function itself comes first.
    pub(super) blocks: Vec<GuestBlock<'a>>,
    /// Number of open blocks in the metered function, without the function itself.
    pub(super) depth: u32,
    /// Whether the code up to the next edit is unreachable and therefore dropped.
    pub(super) is_dead: bool,
    has_many_charges: bool,
    /// Hints for the branches to calls of `low`.
    pub(super) hints: Vec<BranchHint>,
    floats: Floats,
    profile: Option<Profile>,
}

/// A block of the guest in the metered function.
pub(super) struct GuestBlock<'a> {
    /// The value of `depth` inside the block that the guest's branches target.
    pub(super) label: u32,
    /// What follows the end of the block.
    pub(super) tail: Tail<'a>,
}

/// Injected code after the end of a block.
pub(super) enum Tail<'a> {
    Nothing,
    /// A loop leaves to here if its gas check fails. The code calls `low`, refunds the charge at
    /// the head, which is charged once more, and enters the loop again.
    Refill {
        charged: i64,
        spilled: &'a [u32],
    },
}

/// The locals of a metered function, and what their declaration was encoded to.
pub(super) struct Locals {
    /// The types of the guest's parameters and locals.
    pub(super) types: Vec<ValType>,
    pub(super) floats: Floats,
    /// The begin of the metered body: the encoded declaration.
    pub(super) code: Vec<u8>,
    /// Size of the declaration in the guest's body, in bytes.
    pub(super) guest_bytes: u32,
}

impl<'a> Body<'a> {
    pub(super) fn new(plan: &'a Plan, guest: &'a [u8], locals: Locals, layout: &Layout) -> Self {
        Body {
            packing: layout.packing,
            plan,
            guest,
            done: locals.guest_bytes,
            code: locals.code,
            counter: plan.params,
            scratch: plan.locals.saturating_add(1),
            charges: &plan.charges,
            checked_loops: &plan.checked_loops,
            types: locals.types,
            blocks: Vec::new(),
            depth: 0,
            is_dead: false,
            has_many_charges: plan.charges.len() > MANY_CHARGES,
            hints: Vec::new(),
            floats: locals.floats,
            profile: layout.profile,
        }
    }

    pub(super) fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    /// Copies the guest's code up to this offset, unless it is unreachable. `on_locals` are its
    /// operators on locals, which have two bytes each: the opcode and the index.
    pub(super) fn copy(&mut self, end: u32, on_locals: &[Edit]) {
        if std::mem::take(&mut self.is_dead) {
            return;
        }
        let begin = self.code.len();
        self.code.extend_from_slice(self.guest(self.done, end));
        let copied = self.code.get_mut(begin..).unwrap_or_default();
        for edit in on_locals {
            let index = edit.offset.saturating_sub(self.done).saturating_add(1);
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            if let Some(local) = copied.get_mut(index)
                && u32::from(*local) >= self.plan.params
            {
                *local = local.saturating_add(1);
            }
        }
    }

    /// A range of the guest's body.
    pub(super) fn guest(&self, begin: u32, end: u32) -> &'a [u8] {
        let position = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        self.guest
            .get(position(begin)..position(end))
            .unwrap_or_default()
    }

    /// Encodes an operator with an index. Most indices have one byte.
    pub(super) fn indexed(&mut self, operator: u8, index: u32) {
        match u8::try_from(index) {
            Ok(index) if index < 0x80 => self.code.extend_from_slice(&[operator, index]),
            _ => {
                self.code.push(operator);
                index.encode(&mut self.code);
            }
        }
    }

    /// Encodes a constant, in signed LEB128.
    fn constant(&mut self, mut value: i64) {
        self.code.push(I64_CONST);
        loop {
            let byte = value.to_le_bytes()[0] & 0x7f;
            value >>= 6;
            // The last byte has the sign in its second highest bit.
            let is_last = value == 0 || value == -1;
            self.code.push(if is_last { byte } else { byte | 0x80 });
            if is_last {
                return;
            }
            value >>= 1;
        }
    }

    /// Index of a guest's local. Those after the parameters are shifted by the packed counter.
    pub(super) fn local(&self, guest: u32) -> u32 {
        if guest < self.plan.params {
            guest
        } else {
            guest.saturating_add(1)
        }
    }

    /// Replaces a NaN on top of the stack by the canonical one.
    pub(super) fn canonicalise(&mut self, width: Width) {
        let floats = self.floats;
        floats.canonicalise(width, &mut self.sink());
    }

    /// Marks the next branch as rarely taken.
    pub(super) fn hint(&mut self) {
        self.hints.push(BranchHint {
            branch_func_offset: u32::try_from(self.code.len()).unwrap_or(u32::MAX),
            branch_hint_value: UNLIKELY,
        });
    }
}

/// Gas and stack height.
impl<'a> Body<'a> {
    /// The frame size as a packed counter. Zero for functions without calls.
    pub(super) fn frame(&self) -> i64 {
        if self.plan.calls {
            self.packing.height(self.plan.frame)
        } else {
            0
        }
    }

    /// The planned charge on this side of the operator at `offset`.
    pub(super) fn charge_at(&mut self, offset: u32, side: Side) -> i64 {
        match self.charges {
            [charge, rest @ ..] if charge.offset == offset && charge.side == side => {
                self.charges = rest;
                charge.amount
            }
            _ => 0,
        }
    }

    /// The next loop with a gas check, if it is the one at `offset`.
    pub(super) fn checked_loop_at(&mut self, offset: u32) -> Option<&'a CheckedLoop> {
        let (checked_loop, rest) = self.checked_loops.split_first()?;
        if checked_loop.offset != offset {
            return None;
        }
        self.checked_loops = rest;
        Some(checked_loop)
    }

    /// Subtracts from the packed counter.
    ///
    /// Cranelift rematerialises an addition of a constant at every use and merges it with others.
    /// That saves registers, but takes time quadratic in the number of charges. A subtraction is
    /// computed once. So functions with many charges subtract, and others add a negative constant.
    pub(super) fn charge(&mut self, amount: i64) {
        if amount == 0 {
            return;
        }
        self.indexed(LOCAL_GET, self.counter);
        if self.has_many_charges {
            self.constant(amount);
            self.sink().i64_sub();
        } else {
            self.constant(amount.saturating_neg());
            self.sink().i64_add();
        }
        self.indexed(LOCAL_SET, self.counter);
    }

    /// Reports the entry of the guest function with this index, if the program is profiled.
    pub(super) fn profile_entry(&mut self, function: u32) {
        let counter = self.counter;
        if let Some(profile) = self.profile {
            profile.enter(&mut self.sink(), counter, function);
        }
    }

    /// Pushes the packed counter that is returned: charges, and releases the frame.
    pub(super) fn leave(&mut self, charge: i64) {
        let released = self.frame().saturating_sub(self.packing.gas(charge));
        let counter = self.counter;
        self.indexed(LOCAL_GET, counter);
        if released != 0 {
            self.constant(released);
            self.sink().i64_add();
        }
        if let Some(profile) = self.profile {
            profile.leave(&mut self.sink(), counter);
        }
    }

    /// Encodes the end of the function. It may be a branch target, or unreachable.
    pub(super) fn end_function(&mut self, charge: i64) {
        if self.plan.branches_out {
            self.charge(self.packing.gas(charge));
            self.sink().end();
            self.leave(0);
        } else {
            self.leave(charge);
        }
        self.sink().end();
    }

    /// Copies a guest's local to a global.
    pub(super) fn spill(&mut self, guest: u32, global: u32) {
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

    /// Copies a guest's local back from a global.
    pub(super) fn reload(&mut self, guest: u32, global: u32) {
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
}

/// Labels.
impl<'a> Body<'a> {
    /// Opens a block of the guest.
    pub(super) fn open(&mut self, tail: Tail<'a>) {
        self.depth = self.depth.saturating_add(1);
        self.blocks.push(GuestBlock {
            label: self.depth,
            tail,
        });
    }

    /// The relative depth in the metered function of a branch with this depth in the guest.
    pub(super) fn branch(&self, guest_depth: u32) -> u32 {
        let label = usize::try_from(guest_depth)
            .ok()
            .and_then(|depth| self.blocks.iter().rev().nth(depth))
            .map_or(0, |block| block.label);
        self.depth.saturating_sub(label)
    }
}
