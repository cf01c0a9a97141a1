//! The packed counter: gas and stack height in one `i64`, which is passed through all calls.
//!
//! A guest function takes the packed counter as an additional last parameter and returns it as an
//! additional last result. The low [`HEIGHT_BITS`] bits hold the remaining stack height as a signed
//! number, in units of [`STACK_UNIT_BYTES`](crate::STACK_UNIT_BYTES). The bits above hold the gas.
//!
//! One subtraction charges a metered block and reserves a stack frame. One test of two sign bits
//! detects that gas or height is negative: bit `HEIGHT_BITS - 1` for the height, and bit 63 for the
//! gas. A negative height borrows one from the gas. Subtracting the height from the packed counter
//! returns it.

use wasm_encoder::InstructionSink;

/// Number of bits that hold the height.
const HEIGHT_BITS: u32 = 17;

/// The greatest stack height and frame size in units, so that the remaining height fits into
/// [`HEIGHT_BITS`] bits as a signed number.
pub(super) const MAX_UNITS: u64 = (1 << (HEIGHT_BITS - 1)) - 1;

/// The sign bits of gas and height. One of them is set if gas or height is negative.
pub(super) const LOW_MASK: i64 = i64::MIN | (1 << (HEIGHT_BITS - 1));

/// An amount of gas as a packed counter.
pub(super) fn gas(amount: i64) -> i64 {
    amount.saturating_mul(1 << HEIGHT_BITS)
}

/// A height in units as a packed counter. At most [`MAX_UNITS`], which the rewrite has checked.
pub(super) fn height(units: u64) -> i64 {
    i64::try_from(units.min(MAX_UNITS)).unwrap_or(0)
}

/// Replaces the packed counter on the stack by its gas. The height must not be negative.
pub(super) fn unpack_gas(code: &mut InstructionSink<'_>) {
    code.i64_const(i64::from(HEIGHT_BITS)).i64_shr_s();
}

/// Replaces the packed counter on the stack by its height, which may be negative.
pub(super) fn unpack_height(code: &mut InstructionSink<'_>) {
    let unused = i64::from(64 - HEIGHT_BITS);
    code.i64_const(unused)
        .i64_shl()
        .i64_const(unused)
        .i64_shr_s();
}

/// Replaces the gas on the stack by a packed counter with height zero.
pub(super) fn pack_gas(code: &mut InstructionSink<'_>) {
    code.i64_const(i64::from(HEIGHT_BITS)).i64_shl();
}
