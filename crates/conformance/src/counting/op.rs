//! The interpreter's operators.

use fusee_engine::Trap;
use wasmparser::{MemArg, Operator};

use super::{
    Result,
    numbers::{Numeric, numeric},
};

/// The slot of a null reference. The slot of any other reference is the function's index plus one.
pub(super) const NULL: u64 = 0;

/// The index of the function that a reference other than [`NULL`] refers to.
pub(super) fn referred(reference: u64) -> usize {
    slot_index(reference.saturating_sub(1))
}

/// The reference to a function.
pub(super) fn reference(function: u32) -> u64 {
    u64::from(function).saturating_add(1)
}

/// An operator with its immediates decoded.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// No effect: `nop`, `block`, `loop`, `end`, and unreachable operators.
    Nothing,
    Unreachable,
    /// Jump from the end of the first arm of an `if` to its end.
    Skip(usize),
    /// `if`, with the position to continue at if the condition is false.
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
    ReturnCall(usize),
    ReturnCallIndirect {
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
    /// Multiplies two operands to a low and a high one.
    WideProduct(fn(u64, u64) -> u128),
    /// Combines two numbers of a low and a high operand each to another one.
    Wide(fn(u128, u128) -> u128),
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
    TableGrow(usize),
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

/// A branch: its target, and the operands that it keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jump {
    pub(super) to: usize,
    /// Number of operands on top of the stack to keep.
    pub(super) keep: usize,
    /// Number of operands at the bottom of the stack to keep.
    pub(super) height: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) offset: u64,
    pub(super) bytes: usize,
    /// Converts the zero-extended bytes to a slot.
    pub(super) extend: fn(u64) -> u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Store {
    pub(super) offset: u64,
    pub(super) bytes: usize,
}

impl Op {
    /// Decodes an operator that does not open, close or leave a block.
    pub(super) fn plain(operator: &Operator<'_>) -> Result<Self> {
        if let Some(numeric) = numeric(operator) {
            return Ok(match numeric {
                Numeric::Unary(function) => Op::Unary(function),
                Numeric::Binary(function) => Op::Binary(function),
                Numeric::Partial(function) => Op::Partial(function),
                Numeric::Division(function) => Op::Division(function),
                Numeric::WideProduct(function) => Op::WideProduct(function),
                Numeric::Wide(function) => Op::Wide(function),
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
            Operator::TableGrow { table } => Op::TableGrow(index(*table)),
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
            unknown => return Err(format!("unknown operator {unknown:?}")),
        })
    }

    /// The number of operands that it pops and pushes, without those of calls.
    pub(super) fn effect(&self) -> (usize, usize) {
        match self {
            Op::Nothing
            | Op::Unreachable
            | Op::Skip(_)
            | Op::Jump(_)
            | Op::Call(_)
            | Op::ReturnCall(_)
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
            | Op::ReturnCallIndirect { .. }
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
            Op::Binary(_) | Op::Division(_) | Op::TableGrow(_) => (2, 1),
            Op::WideProduct(_) => (2, 2),
            Op::Wide(_) => (4, 2),
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
    /// Sign-extends the lowest bits.
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

/// Converts an index of the wasm program.
pub(super) fn index(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// Converts a slot to an index. A slot that is too large becomes an index out of all bounds.
pub(super) fn slot_index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
