//! Numeric operators, as pure functions of slots.
//!
//! A slot holds any value in 64 bits. Values of 32 bits are zero-extended. A NaN computed by
//! floating-point arithmetic is the positive canonical one. Operators that only move bits preserve
//! them.
#![allow(
    clippy::as_conversions,
    reason = "`as` between numbers is what the specification calls wrap, extend, convert and demote"
)]

use std::ops::{BitAnd, BitOr, BitXor};

use fusee_engine::Trap;
use wasmparser::Operator;

/// The function that an operator computes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Numeric {
    Unary(fn(u64) -> u64),
    Binary(fn(u64, u64) -> u64),
    /// A unary operator that traps for some operands.
    Partial(fn(u64) -> Result<u64, Trap>),
    Division(fn(u64, u64) -> Result<u64, Trap>),
    /// A product of two operands with twice as many bits.
    WideProduct(fn(u64, u64) -> u128),
    /// A binary operator on integers of 128 bits.
    Wide(fn(u128, u128) -> u128),
}

use Numeric::{Binary, Division, Partial, Unary, Wide, WideProduct};

/// A number that can be converted from and to a slot.
trait Slot: Sized {
    fn of(slot: u64) -> Self;
    fn slot(self) -> u64;
}

const F32_NAN: u64 = 0x7fc0_0000;
const F64_NAN: u64 = 0x7ff8_0000_0000_0000;
const F32_SIGN: u64 = 1 << 31;
const F64_SIGN: u64 = 1 << 63;

impl Slot for bool {
    fn of(slot: u64) -> Self {
        slot != 0
    }
    fn slot(self) -> u64 {
        u64::from(self)
    }
}

impl Slot for u32 {
    fn of(slot: u64) -> Self {
        slot as u32
    }
    fn slot(self) -> u64 {
        u64::from(self)
    }
}

impl Slot for i32 {
    fn of(slot: u64) -> Self {
        slot as i32
    }
    fn slot(self) -> u64 {
        u64::from(self.cast_unsigned())
    }
}

impl Slot for u64 {
    fn of(slot: u64) -> Self {
        slot
    }
    fn slot(self) -> u64 {
        self
    }
}

impl Slot for i64 {
    fn of(slot: u64) -> Self {
        slot.cast_signed()
    }
    fn slot(self) -> u64 {
        self.cast_unsigned()
    }
}

impl Slot for f32 {
    fn of(slot: u64) -> Self {
        f32::from_bits(slot as u32)
    }
    fn slot(self) -> u64 {
        if self.is_nan() {
            F32_NAN
        } else {
            u64::from(self.to_bits())
        }
    }
}

impl Slot for f64 {
    fn of(slot: u64) -> Self {
        f64::from_bits(slot)
    }
    fn slot(self) -> u64 {
        if self.is_nan() {
            F64_NAN
        } else {
            self.to_bits()
        }
    }
}

macro_rules! unary {
    ($type:ty, $function:expr) => {
        Unary(|operand| Slot::slot($function(<$type>::of(operand))))
    };
}

macro_rules! binary {
    ($type:ty, $function:expr) => {
        Binary(|left, right| Slot::slot($function(<$type>::of(left), <$type>::of(right))))
    };
}

macro_rules! infix {
    ($type:ty, $operator:tt) => {
        Binary(|left, right| Slot::slot(<$type>::of(left) $operator <$type>::of(right)))
    };
}

/// Shifts and rotations. The right operand is the distance, modulo the width.
macro_rules! shift {
    ($type:ty, $function:expr) => {
        Binary(|left, right| Slot::slot($function(<$type>::of(left), u32::of(right))))
    };
}

/// Divisions. They trap if the divisor is zero or the quotient does not fit.
macro_rules! division {
    ($type:ty, $function:expr) => {
        Division(|left, right| match <$type>::of(right) {
            0 => Err(Trap::IntegerDivisionByZero),
            divisor => $function(<$type>::of(left), divisor)
                .map(Slot::slot)
                .ok_or(Trap::IntegerOverflow),
        })
    };
}

macro_rules! remainder {
    ($type:ty, $function:expr) => {
        Division(|left, right| match <$type>::of(right) {
            0 => Err(Trap::IntegerDivisionByZero),
            divisor => Ok(Slot::slot($function(<$type>::of(left), divisor))),
        })
    };
}

macro_rules! convert {
    ($from:ty => $to:ty) => {
        Unary(|operand| Slot::slot(<$from>::of(operand) as $to))
    };
}

/// Truncations of floating point. They trap outside of `$least..$end`, whose bounds floating point
/// represents exactly.
macro_rules! truncate {
    ($from:ty => $to:ty, $least:literal .. $end:literal) => {
        Partial(|operand| {
            let number = f64::from(<$from>::of(operand)).trunc();
            if number.is_nan() {
                Err(Trap::BadConversion)
            } else if ($least..$end).contains(&number) {
                Ok(Slot::slot(number as $to))
            } else {
                Err(Trap::IntegerOverflow)
            }
        })
    };
}

/// Minimum and maximum. The minimum of two zeroes is the negative one if there is one. If one
/// operand is a NaN, so is the result.
macro_rules! least {
    ($type:ty) => {
        binary!($type, |left: $type, right: $type| {
            if left.is_nan() || right.is_nan() {
                <$type>::NAN
            } else if left < right || (left == right && left.is_sign_negative()) {
                left
            } else {
                right
            }
        })
    };
}

macro_rules! greatest {
    ($type:ty) => {
        binary!($type, |left: $type, right: $type| {
            if left.is_nan() || right.is_nan() {
                <$type>::NAN
            } else if left > right || (left == right && left.is_sign_positive()) {
                left
            } else {
                right
            }
        })
    };
}

/// The function of the operator, if it is numeric.
pub(super) fn numeric(operator: &Operator<'_>) -> Option<Numeric> {
    integer(operator)
        .or_else(|| float(operator))
        .or_else(|| conversion(operator))
}

fn integer(operator: &Operator<'_>) -> Option<Numeric> {
    Some(match operator {
        Operator::I32Eqz => unary!(u32, |operand| operand == 0),
        Operator::I32Eq => infix!(u32, ==),
        Operator::I32Ne => infix!(u32, !=),
        Operator::I32LtS => infix!(i32, <),
        Operator::I32LtU => infix!(u32, <),
        Operator::I32GtS => infix!(i32, >),
        Operator::I32GtU => infix!(u32, >),
        Operator::I32LeS => infix!(i32, <=),
        Operator::I32LeU => infix!(u32, <=),
        Operator::I32GeS => infix!(i32, >=),
        Operator::I32GeU => infix!(u32, >=),
        Operator::I32Clz => unary!(u32, u32::leading_zeros),
        Operator::I32Ctz => unary!(u32, u32::trailing_zeros),
        Operator::I32Popcnt => unary!(u32, u32::count_ones),
        Operator::I32Add => binary!(u32, u32::wrapping_add),
        Operator::I32Sub => binary!(u32, u32::wrapping_sub),
        Operator::I32Mul => binary!(u32, u32::wrapping_mul),
        Operator::I32DivS => division!(i32, i32::checked_div),
        Operator::I32DivU => division!(u32, u32::checked_div),
        Operator::I32RemS => remainder!(i32, i32::wrapping_rem),
        Operator::I32RemU => remainder!(u32, u32::wrapping_rem),
        Operator::I32And => binary!(u32, u32::bitand),
        Operator::I32Or => binary!(u32, u32::bitor),
        Operator::I32Xor => binary!(u32, u32::bitxor),
        Operator::I32Shl => shift!(u32, u32::wrapping_shl),
        Operator::I32ShrS => shift!(i32, i32::wrapping_shr),
        Operator::I32ShrU => shift!(u32, u32::wrapping_shr),
        Operator::I32Rotl => shift!(u32, u32::rotate_left),
        Operator::I32Rotr => shift!(u32, u32::rotate_right),
        Operator::I32Extend8S => unary!(u64, |operand| i32::from(operand as i8)),
        Operator::I32Extend16S => unary!(u64, |operand| i32::from(operand as i16)),
        Operator::I64Eqz => unary!(u64, |operand| operand == 0),
        Operator::I64Eq => infix!(u64, ==),
        Operator::I64Ne => infix!(u64, !=),
        Operator::I64LtS => infix!(i64, <),
        Operator::I64LtU => infix!(u64, <),
        Operator::I64GtS => infix!(i64, >),
        Operator::I64GtU => infix!(u64, >),
        Operator::I64LeS => infix!(i64, <=),
        Operator::I64LeU => infix!(u64, <=),
        Operator::I64GeS => infix!(i64, >=),
        Operator::I64GeU => infix!(u64, >=),
        Operator::I64Clz => unary!(u64, u64::leading_zeros),
        Operator::I64Ctz => unary!(u64, u64::trailing_zeros),
        Operator::I64Popcnt => unary!(u64, u64::count_ones),
        Operator::I64Add => binary!(u64, u64::wrapping_add),
        Operator::I64Sub => binary!(u64, u64::wrapping_sub),
        Operator::I64Mul => binary!(u64, u64::wrapping_mul),
        Operator::I64Add128 => Wide(u128::wrapping_add),
        Operator::I64Sub128 => Wide(u128::wrapping_sub),
        Operator::I64MulWideU => {
            WideProduct(|left, right| u128::from(left).wrapping_mul(u128::from(right)))
        }
        Operator::I64MulWideS => WideProduct(|left, right| {
            let factor = |slot: u64| i128::from(slot.cast_signed());
            factor(left).wrapping_mul(factor(right)).cast_unsigned()
        }),
        Operator::I64DivS => division!(i64, i64::checked_div),
        Operator::I64DivU => division!(u64, u64::checked_div),
        Operator::I64RemS => remainder!(i64, i64::wrapping_rem),
        Operator::I64RemU => remainder!(u64, u64::wrapping_rem),
        Operator::I64And => binary!(u64, u64::bitand),
        Operator::I64Or => binary!(u64, u64::bitor),
        Operator::I64Xor => binary!(u64, u64::bitxor),
        Operator::I64Shl => shift!(u64, u64::wrapping_shl),
        Operator::I64ShrS => shift!(i64, i64::wrapping_shr),
        Operator::I64ShrU => shift!(u64, u64::wrapping_shr),
        Operator::I64Rotl => shift!(u64, u64::rotate_left),
        Operator::I64Rotr => shift!(u64, u64::rotate_right),
        Operator::I64Extend8S => unary!(u64, |operand| i64::from(operand as i8)),
        Operator::I64Extend16S => unary!(u64, |operand| i64::from(operand as i16)),
        Operator::I64Extend32S => unary!(u64, |operand| i64::from(operand as i32)),
        _ => return None,
    })
}

fn float(operator: &Operator<'_>) -> Option<Numeric> {
    Some(match operator {
        Operator::F32Eq => infix!(f32, ==),
        Operator::F32Ne => infix!(f32, !=),
        Operator::F32Lt => infix!(f32, <),
        Operator::F32Gt => infix!(f32, >),
        Operator::F32Le => infix!(f32, <=),
        Operator::F32Ge => infix!(f32, >=),
        Operator::F32Abs => Unary(|operand| operand & !F32_SIGN),
        Operator::F32Neg => Unary(|operand| operand ^ F32_SIGN),
        Operator::F32Ceil => unary!(f32, f32::ceil),
        Operator::F32Floor => unary!(f32, f32::floor),
        Operator::F32Trunc => unary!(f32, f32::trunc),
        Operator::F32Nearest => unary!(f32, f32::round_ties_even),
        Operator::F32Sqrt => unary!(f32, f32::sqrt),
        Operator::F32Add => infix!(f32, +),
        Operator::F32Sub => infix!(f32, -),
        Operator::F32Mul => infix!(f32, *),
        Operator::F32Div => infix!(f32, /),
        Operator::F32Min => least!(f32),
        Operator::F32Max => greatest!(f32),
        Operator::F32Copysign => Binary(|left, right| (left & !F32_SIGN) | (right & F32_SIGN)),
        Operator::F64Eq => infix!(f64, ==),
        Operator::F64Ne => infix!(f64, !=),
        Operator::F64Lt => infix!(f64, <),
        Operator::F64Gt => infix!(f64, >),
        Operator::F64Le => infix!(f64, <=),
        Operator::F64Ge => infix!(f64, >=),
        Operator::F64Abs => Unary(|operand| operand & !F64_SIGN),
        Operator::F64Neg => Unary(|operand| operand ^ F64_SIGN),
        Operator::F64Ceil => unary!(f64, f64::ceil),
        Operator::F64Floor => unary!(f64, f64::floor),
        Operator::F64Trunc => unary!(f64, f64::trunc),
        Operator::F64Nearest => unary!(f64, f64::round_ties_even),
        Operator::F64Sqrt => unary!(f64, f64::sqrt),
        Operator::F64Add => infix!(f64, +),
        Operator::F64Sub => infix!(f64, -),
        Operator::F64Mul => infix!(f64, *),
        Operator::F64Div => infix!(f64, /),
        Operator::F64Min => least!(f64),
        Operator::F64Max => greatest!(f64),
        Operator::F64Copysign => Binary(|left, right| (left & !F64_SIGN) | (right & F64_SIGN)),
        _ => return None,
    })
}

fn conversion(operator: &Operator<'_>) -> Option<Numeric> {
    Some(match operator {
        Operator::I32WrapI64 => convert!(u64 => u32),
        Operator::I64ExtendI32S => convert!(i32 => i64),
        Operator::I64ExtendI32U => convert!(u32 => u64),
        Operator::I32TruncF32S => truncate!(f32 => i32, -2_147_483_648.0..2_147_483_648.0),
        Operator::I32TruncF32U => truncate!(f32 => u32, 0.0..4_294_967_296.0),
        Operator::I32TruncF64S => truncate!(f64 => i32, -2_147_483_648.0..2_147_483_648.0),
        Operator::I32TruncF64U => truncate!(f64 => u32, 0.0..4_294_967_296.0),
        Operator::I64TruncF32S => {
            truncate!(f32 => i64, -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0)
        }
        Operator::I64TruncF32U => truncate!(f32 => u64, 0.0..18_446_744_073_709_551_616.0),
        Operator::I64TruncF64S => {
            truncate!(f64 => i64, -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0)
        }
        Operator::I64TruncF64U => truncate!(f64 => u64, 0.0..18_446_744_073_709_551_616.0),
        Operator::I32TruncSatF32S => convert!(f32 => i32),
        Operator::I32TruncSatF32U => convert!(f32 => u32),
        Operator::I32TruncSatF64S => convert!(f64 => i32),
        Operator::I32TruncSatF64U => convert!(f64 => u32),
        Operator::I64TruncSatF32S => convert!(f32 => i64),
        Operator::I64TruncSatF32U => convert!(f32 => u64),
        Operator::I64TruncSatF64S => convert!(f64 => i64),
        Operator::I64TruncSatF64U => convert!(f64 => u64),
        Operator::F32ConvertI32S => convert!(i32 => f32),
        Operator::F32ConvertI32U => convert!(u32 => f32),
        Operator::F32ConvertI64S => convert!(i64 => f32),
        Operator::F32ConvertI64U => convert!(u64 => f32),
        Operator::F64ConvertI32S => convert!(i32 => f64),
        Operator::F64ConvertI32U => convert!(u32 => f64),
        Operator::F64ConvertI64S => convert!(i64 => f64),
        Operator::F64ConvertI64U => convert!(u64 => f64),
        Operator::F32DemoteF64 => convert!(f64 => f32),
        Operator::F64PromoteF32 => convert!(f32 => f64),
        Operator::I32ReinterpretF32
        | Operator::I64ReinterpretF64
        | Operator::F32ReinterpretI32
        | Operator::F64ReinterpretI64 => Unary(|operand| operand),
        _ => return None,
    })
}
