//! Which operators compute NaNs, and which treat all NaNs alike.
//!
//! WebAssembly floating point is deterministic except for computed NaNs: the machine chooses their
//! sign and payload. This module classifies the operators. `rewrite/floats.rs` has the injected
//! code.

use wasmparser::Operator;

/// A floating-point type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    F32,
    F64,
}

/// The type of the operator's result, if the result may be a computed NaN.
///
/// Constants, loads and reinterpretations have given bits. `neg`, `abs` and `copysign` change the
/// sign bit only. None of them computes a NaN.
pub(crate) fn computed(operator: &Operator<'_>) -> Option<Width> {
    match operator {
        Operator::F32Ceil
        | Operator::F32Floor
        | Operator::F32Trunc
        | Operator::F32Nearest
        | Operator::F32Sqrt
        | Operator::F32Add
        | Operator::F32Sub
        | Operator::F32Mul
        | Operator::F32Div
        | Operator::F32Min
        | Operator::F32Max
        | Operator::F32DemoteF64 => Some(Width::F32),
        Operator::F64Ceil
        | Operator::F64Floor
        | Operator::F64Trunc
        | Operator::F64Nearest
        | Operator::F64Sqrt
        | Operator::F64Add
        | Operator::F64Sub
        | Operator::F64Mul
        | Operator::F64Div
        | Operator::F64Min
        | Operator::F64Max
        | Operator::F64PromoteF32 => Some(Width::F64),
        _ => None,
    }
}

/// Whether the operator has the same effect for every NaN on top of the stack: it computes a new
/// NaN, compares, traps, drops the value, or converts it to zero.
pub(crate) fn treats_nans_alike(operator: &Operator<'_>) -> bool {
    computed(operator).is_some()
        || matches!(
            operator,
            Operator::Drop
                | Operator::F32Eq
                | Operator::F32Ne
                | Operator::F32Lt
                | Operator::F32Gt
                | Operator::F32Le
                | Operator::F32Ge
                | Operator::F64Eq
                | Operator::F64Ne
                | Operator::F64Lt
                | Operator::F64Gt
                | Operator::F64Le
                | Operator::F64Ge
                | Operator::I32TruncF32S
                | Operator::I32TruncF32U
                | Operator::I32TruncF64S
                | Operator::I32TruncF64U
                | Operator::I64TruncF32S
                | Operator::I64TruncF32U
                | Operator::I64TruncF64S
                | Operator::I64TruncF64U
                | Operator::I32TruncSatF32S
                | Operator::I32TruncSatF32U
                | Operator::I32TruncSatF64S
                | Operator::I32TruncSatF64U
                | Operator::I64TruncSatF32S
                | Operator::I64TruncSatF32U
                | Operator::I64TruncSatF64S
                | Operator::I64TruncSatF64U
        )
}

/// The types of the NaNs that a function computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Computed {
    pub(crate) f32: bool,
    pub(crate) f64: bool,
}

impl Computed {
    /// Adds the result type of an operator.
    pub(crate) fn note(&mut self, operator: &Operator<'_>) {
        match computed(operator) {
            Some(Width::F32) => self.f32 = true,
            Some(Width::F64) => self.f64 = true,
            None => {}
        }
    }
}
