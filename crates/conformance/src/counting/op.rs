//! Operators in the form in which they are interpreted.

use fusee_engine::Trap;
use wasmparser::{MemArg, Operator};

use super::{
    Result,
    numbers::{Numeric, numeric},
};

/// The slot of a reference to no function; any other is one more than the function's index.
pub(super) const NULL: u64 = 0;

/// The function that a reference other than [`NULL`] is to.
pub(super) fn referred(reference: u64) -> usize {
    place(reference.saturating_sub(1))
}

/// The reference to a function.
pub(super) fn reference(function: u32) -> u64 {
    u64::from(function).saturating_add(1)
}

/// One operator, with what it names resolved.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Nothing is left to do: `nop`, `block`, `loop`, `end`, and whatever is not reached.
    Nothing,
    Unreachable,
    /// From the end of a `then` to behind its `if`.
    Skip(usize),
    /// Where it goes on if the condition does not hold.
    If(usize),
    Jump(Jump),
    JumpIf(Jump),
    /// The default comes last.
    JumpTable(Box<[Jump]>),
    Call(usize),
    CallIndirect {
        type_index: usize,
        table: usize,
    },
    Drop,
    Select,
    Const(u64),
    LocalGet(usize),
    LocalSet(usize),
    LocalTee(usize),
    GlobalGet(usize),
    GlobalSet(usize),
    Unary(fn(u64) -> u64),
    Binary(fn(u64, u64) -> u64),
    Partial(fn(u64) -> Result<u64, Trap>),
    Division(fn(u64, u64) -> Result<u64, Trap>),
    Load(Load),
    Store(Store),
    MemorySize,
    MemoryGrow,
    MemoryFill,
    MemoryCopy,
    MemoryInit(usize),
    DataDrop(usize),
    TableGet(usize),
    TableSet(usize),
    TableSize(usize),
    TableFill(usize),
    TableCopy {
        to: usize,
        from: usize,
    },
    TableInit {
        table: usize,
        elements: usize,
    },
    ElemDrop(usize),
}

/// A branch: where it goes on, and what becomes of the operands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jump {
    pub(super) to: usize,
    /// So many operands on top stay.
    pub(super) keep: usize,
    /// So many at the bottom stay.
    pub(super) height: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) offset: u64,
    pub(super) bytes: usize,
    /// Makes the slot of the bytes, which are extended by zeroes.
    pub(super) extend: fn(u64) -> u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Store {
    pub(super) offset: u64,
    pub(super) bytes: usize,
}

impl Op {
    /// The operator, if it is none of those that open, close or leave blocks.
    pub(super) fn plain(operator: &Operator<'_>) -> Result<Self> {
        if let Some(numeric) = numeric(operator) {
            return Ok(match numeric {
                Numeric::Unary(function) => Op::Unary(function),
                Numeric::Binary(function) => Op::Binary(function),
                Numeric::Partial(function) => Op::Partial(function),
                Numeric::Division(function) => Op::Division(function),
            });
        }
        let access = load(operator).map(Op::Load).or_else(|| store(operator));
        if let Some(access) = access {
            return Ok(access);
        }
        Ok(match operator {
            Operator::Nop => Op::Nothing,
            Operator::Drop => Op::Drop,
            Operator::Select | Operator::TypedSelect { .. } => Op::Select,
            Operator::I32Const { value } => Op::Const(u64::from(value.cast_unsigned())),
            Operator::I64Const { value } => Op::Const(value.cast_unsigned()),
            Operator::F32Const { value } => Op::Const(u64::from(value.bits())),
            Operator::F64Const { value } => Op::Const(value.bits()),
            Operator::RefNull { .. } => Op::Const(NULL),
            Operator::RefFunc { function_index } => Op::Const(reference(*function_index)),
            Operator::RefIsNull => Op::Unary(|slot| u64::from(slot == NULL)),
            Operator::Call { function_index } => Op::Call(index(*function_index)),
            Operator::CallIndirect {
                type_index,
                table_index,
            } => Op::CallIndirect {
                type_index: index(*type_index),
                table: index(*table_index),
            },
            Operator::LocalGet { local_index } => Op::LocalGet(index(*local_index)),
            Operator::LocalSet { local_index } => Op::LocalSet(index(*local_index)),
            Operator::LocalTee { local_index } => Op::LocalTee(index(*local_index)),
            Operator::GlobalGet { global_index } => Op::GlobalGet(index(*global_index)),
            Operator::GlobalSet { global_index } => Op::GlobalSet(index(*global_index)),
            Operator::MemorySize { .. } => Op::MemorySize,
            Operator::MemoryGrow { .. } => Op::MemoryGrow,
            Operator::MemoryFill { .. } => Op::MemoryFill,
            Operator::MemoryCopy { .. } => Op::MemoryCopy,
            Operator::MemoryInit { data_index, .. } => Op::MemoryInit(index(*data_index)),
            Operator::DataDrop { data_index } => Op::DataDrop(index(*data_index)),
            Operator::TableGet { table } => Op::TableGet(index(*table)),
            Operator::TableSet { table } => Op::TableSet(index(*table)),
            Operator::TableSize { table } => Op::TableSize(index(*table)),
            Operator::TableFill { table } => Op::TableFill(index(*table)),
            Operator::TableCopy {
                dst_table,
                src_table,
            } => Op::TableCopy {
                to: index(*dst_table),
                from: index(*src_table),
            },
            Operator::TableInit { elem_index, table } => Op::TableInit {
                table: index(*table),
                elements: index(*elem_index),
            },
            Operator::ElemDrop { elem_index } => Op::ElemDrop(index(*elem_index)),
            unknown => return Err(format!("the operator {unknown:?} is not known")),
        })
    }

    /// How many operands it takes and leaves; calls are told elsewhere.
    pub(super) fn effect(&self) -> (usize, usize) {
        match self {
            Op::Nothing
            | Op::Unreachable
            | Op::Skip(_)
            | Op::Jump(_)
            | Op::Call(_)
            | Op::DataDrop(_)
            | Op::ElemDrop(_) => (0, 0),
            Op::Const(_)
            | Op::LocalGet(_)
            | Op::GlobalGet(_)
            | Op::MemorySize
            | Op::TableSize(_) => (0, 1),
            Op::If(_)
            | Op::JumpIf(_)
            | Op::JumpTable(_)
            | Op::CallIndirect { .. }
            | Op::Drop
            | Op::LocalSet(_)
            | Op::GlobalSet(_) => (1, 0),
            Op::LocalTee(_)
            | Op::Unary(_)
            | Op::Partial(_)
            | Op::Load(_)
            | Op::MemoryGrow
            | Op::TableGet(_) => (1, 1),
            Op::Store(_) | Op::TableSet(_) => (2, 0),
            Op::Binary(_) | Op::Division(_) => (2, 1),
            Op::MemoryFill
            | Op::MemoryCopy
            | Op::MemoryInit(_)
            | Op::TableFill(_)
            | Op::TableCopy { .. }
            | Op::TableInit { .. } => (3, 0),
            Op::Select => (3, 1),
        }
    }
}

fn load(operator: &Operator<'_>) -> Option<Load> {
    /// The number of the lowest bits, extended by its sign.
    fn signed(slot: u64, bits: u32) -> i64 {
        let above = 64_u32.saturating_sub(bits);
        slot.cast_signed().wrapping_shl(above).wrapping_shr(above)
    }
    fn i32_signed(slot: u64, bits: u32) -> u64 {
        signed(slot, bits).cast_unsigned() & u64::from(u32::MAX)
    }
    let same: fn(u64) -> u64 = |slot| slot;
    let (memarg, bytes, extend): (&MemArg, usize, fn(u64) -> u64) = match operator {
        Operator::I32Load8U { memarg } | Operator::I64Load8U { memarg } => (memarg, 1, same),
        Operator::I32Load16U { memarg } | Operator::I64Load16U { memarg } => (memarg, 2, same),
        Operator::I32Load { memarg }
        | Operator::F32Load { memarg }
        | Operator::I64Load32U { memarg } => (memarg, 4, same),
        Operator::I64Load { memarg } | Operator::F64Load { memarg } => (memarg, 8, same),
        Operator::I32Load8S { memarg } => (memarg, 1, |slot| i32_signed(slot, 8)),
        Operator::I32Load16S { memarg } => (memarg, 2, |slot| i32_signed(slot, 16)),
        Operator::I64Load8S { memarg } => (memarg, 1, |slot| signed(slot, 8).cast_unsigned()),
        Operator::I64Load16S { memarg } => (memarg, 2, |slot| signed(slot, 16).cast_unsigned()),
        Operator::I64Load32S { memarg } => (memarg, 4, |slot| signed(slot, 32).cast_unsigned()),
        _ => return None,
    };
    Some(Load {
        offset: memarg.offset,
        bytes,
        extend,
    })
}

fn store(operator: &Operator<'_>) -> Option<Op> {
    let (memarg, bytes) = match operator {
        Operator::I32Store8 { memarg } | Operator::I64Store8 { memarg } => (memarg, 1),
        Operator::I32Store16 { memarg } | Operator::I64Store16 { memarg } => (memarg, 2),
        Operator::I32Store { memarg }
        | Operator::F32Store { memarg }
        | Operator::I64Store32 { memarg } => (memarg, 4),
        Operator::I64Store { memarg } | Operator::F64Store { memarg } => (memarg, 8),
        _ => return None,
    };
    Some(Op::Store(Store {
        offset: memarg.offset,
        bytes,
    }))
}

/// An index in the text of a program, as one of ours.
pub(super) fn index(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// A number that a program made, as a place; what is too large is out of every bound.
pub(super) fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
