//! Constant expressions of integers, which are computed when a program is prepared.
//!
//! A metered program has the result in place of the expression, so that no engine has to know the
//! operators of extended constant expressions.

use wasmparser::{ConstExpr, Operator};

/// The result of a constant expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constant {
    I32(i32),
    I64(i64),
}

impl Constant {
    /// The number, whatever its type.
    pub(crate) fn integer(self) -> i64 {
        match self {
            Constant::I32(value) => value.into(),
            Constant::I64(value) => value,
        }
    }
}

/// Computes a valid constant expression. `None` if it is not of integers alone.
pub(crate) fn constant(expression: &ConstExpr<'_>) -> Option<Constant> {
    let mut operators = expression.get_operators_reader();
    // Allocates nothing for the many `ref.func` of element segments.
    let mut operands = Vec::new();
    loop {
        let result = match operators.read().ok()? {
            Operator::I32Const { value } => Constant::I32(value),
            Operator::I64Const { value } => Constant::I64(value),
            Operator::End => return operands.pop(),
            operator => match (operands.pop()?, operands.pop()?) {
                (Constant::I32(right), Constant::I32(left)) => Constant::I32(match operator {
                    Operator::I32Add => left.wrapping_add(right),
                    Operator::I32Sub => left.wrapping_sub(right),
                    Operator::I32Mul => left.wrapping_mul(right),
                    _ => return None,
                }),
                (Constant::I64(right), Constant::I64(left)) => Constant::I64(match operator {
                    Operator::I64Add => left.wrapping_add(right),
                    Operator::I64Sub => left.wrapping_sub(right),
                    Operator::I64Mul => left.wrapping_mul(right),
                    _ => return None,
                }),
                _ => return None,
            },
        };
        operands.push(result);
    }
}
