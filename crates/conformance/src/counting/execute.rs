//! Executes the operators of one frame.

use fusee_engine::Trap;

use super::{
    body::Body,
    machine::{Break, Flow, Frame, FrameExit, Machine, Paid},
    op::{Jump, NULL, Op, referred, slot_index},
};

/// Message for what cannot happen in a validated program.
pub(super) const INVALID: &str = "a valid program has no such access";

impl Machine {
    /// Runs one frame until it calls or returns.
    pub(super) fn execute(&mut self, body: &Body, frame: &mut Frame) -> Flow<FrameExit> {
        while let Some(instruction) = body.code.get(frame.position) {
            let paid = std::mem::take(&mut self.paid);
            if let Some(charges) = &instruction.charges
                && paid < Paid::All
            {
                self.pay(body, charges, paid)?;
            }
            let mut next = frame.position.saturating_add(1);
            match &instruction.op {
                Op::Nothing => {}
                Op::Unreachable if self.balance < 0 => return Err(Break::OutOfGas),
                Op::Unreachable => return Err(Break::ExactTrap(Trap::Unreachable)),
                Op::Skip(to) => next = *to,
                Op::If(to) => {
                    if self.pop() == 0 {
                        next = *to;
                    }
                }
                Op::Jump(jump) => next = self.jump(frame, *jump),
                Op::JumpIf(jump) => {
                    if self.pop() != 0 {
                        next = self.jump(frame, *jump);
                    }
                }
                Op::JumpTable(jumps) => {
                    let chosen = slot_index(self.pop());
                    let jump = jumps.get(chosen).or(jumps.last()).ok_or(INVALID)?;
                    next = self.jump(frame, *jump);
                }
                Op::Call(function) => return self.leave_for(*function, 0),
                Op::CallIndirect { type_index, table } => {
                    let function = self.callee(*type_index, *table)?;
                    return self.leave_for(function, 1);
                }
                Op::ReturnCall(function) => {
                    return self.leave_for_good(body, frame, *function, 0);
                }
                Op::ReturnCallIndirect { type_index, table } => {
                    let function = self.callee(*type_index, *table)?;
                    return self.leave_for_good(body, frame, function, 1);
                }
                Op::Drop => {
                    self.pop();
                }
                Op::Select => {
                    let [left, right, condition] = self.pops();
                    self.push(if condition == 0 { right } else { left });
                }
                Op::Const(value) => self.push(*value),
                Op::LocalGet(local) => {
                    let value = *self.local(frame, *local);
                    self.push(value);
                }
                Op::LocalSet(local) => *self.local(frame, *local) = self.pop(),
                Op::LocalTee(local) => *self.local(frame, *local) = self.top(),
                Op::Unary(function) => {
                    let [operand] = self.pops();
                    self.push(function(operand));
                }
                Op::Binary(function) => {
                    let [left, right] = self.pops();
                    self.push(function(left, right));
                }
                Op::Partial(function) => {
                    let [operand] = self.pops();
                    self.push(function(operand)?);
                }
                Op::Division(function) => {
                    let [left, right] = self.pops();
                    self.push(function(left, right)?);
                }
                Op::Load(load) => {
                    let [address] = self.pops();
                    let value = self.state.load(*load, address)?;
                    self.push(value);
                }
                Op::Store(store) => {
                    let [address, value] = self.pops();
                    self.state.store(*store, address, value)?;
                }
                other => self.execute_other(other)?,
            }
            frame.position = next;
        }
        self.stack.drain(frame.locals..frame.operands);
        Ok(FrameExit::Return)
    }

    /// Executes an operator on globals, memory or tables, or on integers of 128 bits.
    fn execute_other(&mut self, op: &Op) -> Flow {
        match op {
            Op::GlobalGet(global) => {
                let value = self.state.globals.get(*global);
                self.push(*value.ok_or(INVALID)?);
            }
            Op::GlobalSet(global) => {
                let value = self.pop();
                let found = self.state.globals.get_mut(*global);
                *found.ok_or(INVALID)? = value;
            }
            Op::MemorySize => self.push(self.state.pages()),
            Op::MemoryGrow => {
                let [pages] = self.pops();
                let limit = self.program.memory_limit;
                let before = self.state.grow_memory(pages, limit);
                self.push(before);
            }
            Op::MemoryFill => {
                let [start, byte, count] = self.pops();
                self.state.fill_memory(start, byte, count)?;
            }
            Op::MemoryCopy => {
                let [to, from, count] = self.pops();
                self.state.copy_memory(to, from, count)?;
            }
            Op::MemoryInit(data) => {
                let operands = self.pops();
                self.state.init_memory(*data, operands)?;
            }
            Op::DataDrop(data) => self.state.drop_data(*data),
            Op::TableGet(table) => {
                let [element] = self.pops();
                let value = self.state.table_get(*table, element)?;
                self.push(value);
            }
            Op::TableSet(table) => {
                let [element, value] = self.pops();
                self.state.fill_table(*table, element, value, 1)?;
            }
            Op::TableSize(table) => self.push(self.state.table_size(*table)),
            Op::TableGrow(table) => {
                let [value, count] = self.pops();
                let limit = self.program.table_limits.get(*table);
                let limit = *limit.ok_or(INVALID)?;
                let before = self.state.grow_table(*table, value, count, limit);
                self.push(before);
            }
            Op::WideProduct(function) => {
                let [left, right] = self.pops();
                self.push_wide(function(left, right));
            }
            Op::Wide(function) => {
                let [left_low, left_high, right_low, right_high] = self.pops();
                let left = wide(left_low, left_high);
                self.push_wide(function(left, wide(right_low, right_high)));
            }
            Op::TableFill(table) => {
                let [start, value, count] = self.pops();
                self.state.fill_table(*table, start, value, count)?;
            }
            Op::TableCopy { to, from } => {
                let operands = self.pops();
                self.state.copy_table((*to, *from), operands)?;
            }
            Op::TableInit { table, elements } => {
                let operands = self.pops();
                self.state.init_table(*table, *elements, operands)?;
            }
            Op::ElemDrop(elements) => self.state.drop_elements(*elements),
            other => {
                return Err(Break::Fail(format!(
                    "the operator {other:?} is executed elsewhere"
                )));
            }
        }
        Ok(())
    }

    /// Takes a branch: moves its operands, and returns the position of its target.
    fn jump(&mut self, frame: &Frame, jump: Jump) -> usize {
        let from = self.stack.len().saturating_sub(jump.keep);
        let to = frame.operands.saturating_add(jump.height);
        self.stack.drain(to..from);
        jump.to
    }

    /// Leaves the frame for a call. Removes the `above` operands on top of the arguments first. A
    /// run that is suspended here resumes with the call operator.
    fn leave_for(&mut self, function: usize, above: usize) -> Flow<FrameExit> {
        if let Err(parked) = self.check_gas_before_call(function) {
            self.paid = Paid::All;
            return Err(parked);
        }
        self.stack.truncate(self.stack.len().saturating_sub(above));
        Ok(FrameExit::Call(function))
    }

    /// Leaves the frame for a call in place of a return: its locals and other operands go.
    fn leave_for_good(
        &mut self,
        body: &Body,
        frame: &Frame,
        function: usize,
        above: usize,
    ) -> Flow<FrameExit> {
        self.leave_for(function, above)?;
        let params = self.program.types.signature(function)?.0.len();
        let first = self.stack.len().saturating_sub(params);
        self.stack.drain(frame.locals..first);
        self.height = self.height.saturating_add(body.frame);
        Ok(FrameExit::ReturnCall(function))
    }

    /// The function that an indirect call names. The index of the element stays on the stack.
    fn callee(&mut self, type_index: usize, table: usize) -> Flow<usize> {
        let reference = self.state.table_get(table, self.top())?;
        if reference == NULL {
            return Err(Break::Trap(Trap::IndirectCallToNull));
        }
        let function = referred(reference);
        if self.program.types.has_type(function, type_index)? {
            Ok(function)
        } else {
            Err(Break::Trap(Trap::BadSignature))
        }
    }

    fn push(&mut self, value: u64) {
        self.stack.push(value);
    }

    /// Pushes the low half of a number, and then the high one.
    fn push_wide(&mut self, value: u128) {
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
        self.push(half(value));
        self.push(half(value >> 64));
    }

    pub(super) fn pop(&mut self) -> u64 {
        self.stack.pop().expect(INVALID)
    }

    /// Pops several operands. The top of the stack comes last.
    fn pops<const N: usize>(&mut self) -> [u64; N] {
        let mut operands = [0; N];
        for operand in operands.iter_mut().rev() {
            *operand = self.pop();
        }
        operands
    }

    pub(super) fn top(&self) -> u64 {
        *self.stack.last().expect(INVALID)
    }

    fn local(&mut self, frame: &Frame, local: usize) -> &mut u64 {
        let place = frame.locals.saturating_add(local);
        self.stack.get_mut(place).expect(INVALID)
    }
}

/// The number with these halves.
fn wide(low: u64, high: u64) -> u128 {
    u128::from(low) | u128::from(high) << 64
}
