//! The size of an operator's shortest encoding.
//!
//! The rewrite copies an operator verbatim only if it has this size, so that the metered program
//! does not depend on redundant LEB128 padding.

use wasmparser::{MemArg, Operator};

/// A lower bound for the size of the operator's encoding in bytes. It is exact for operators that
/// are copied verbatim.
#[inline(always)]
pub(super) fn shortest(operator: &Operator<'_>) -> u64 {
    let of =
        |memory: &MemArg| unsigned(u64::from(memory.align)).saturating_add(unsigned(memory.offset));
    let immediates = match operator {
        Operator::I32Const { value } => signed(i64::from(*value)),
        Operator::I64Const { value } => signed(*value),
        Operator::F32Const { .. } => 4,
        Operator::F64Const { .. } => 8,
        Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } => {
            unsigned(u64::from(*global_index))
        }
        Operator::I32Load { memarg }
        | Operator::I32Load8S { memarg }
        | Operator::I32Load8U { memarg }
        | Operator::I32Load16S { memarg }
        | Operator::I32Load16U { memarg }
        | Operator::I64Load { memarg }
        | Operator::I64Load8S { memarg }
        | Operator::I64Load8U { memarg }
        | Operator::I64Load16S { memarg }
        | Operator::I64Load16U { memarg }
        | Operator::I64Load32S { memarg }
        | Operator::I64Load32U { memarg }
        | Operator::F32Load { memarg }
        | Operator::F64Load { memarg }
        | Operator::I32Store { memarg }
        | Operator::I32Store8 { memarg }
        | Operator::I32Store16 { memarg }
        | Operator::I64Store { memarg }
        | Operator::I64Store8 { memarg }
        | Operator::I64Store16 { memarg }
        | Operator::I64Store32 { memarg }
        | Operator::F32Store { memarg }
        | Operator::F64Store { memarg } => of(memarg),
        _ => 0,
    };
    1_u64.saturating_add(immediates)
}

/// Size of an unsigned LEB128 number in bytes.
fn unsigned(value: u64) -> u64 {
    let bits = u64::BITS.saturating_sub(value.leading_zeros()).max(1);
    u64::from(bits.div_ceil(7))
}

/// Size of a signed LEB128 number in bytes. One bit holds the sign.
fn signed(value: i64) -> u64 {
    let magnitude = (value ^ (value >> 63)).cast_unsigned();
    let bits = u64::BITS.saturating_sub(magnitude.leading_zeros());
    u64::from(bits.saturating_add(1).div_ceil(7))
}
