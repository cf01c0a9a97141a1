//! The word: gas and stack height in one `i64`, which goes through all calls.
//!
//! A function of the guest takes the word as one more parameter and returns it as one more result. Its low
//! bits hold the height that is left, in units of the schedule, as a signed number; the rest is the gas.
//! So one subtraction charges a region and takes a frame, and one test sees whether either went below zero: the
//! height's sign is bit [`HEIGHT_BITS`] - 1, the gas's is the highest. A height below zero borrows one
//! from the gas, which taking the height out of the word gives back.

use wasm_encoder::InstructionSink;

/// Bits of the word that hold the height.
const HEIGHT_BITS: u32 = 17;

/// The greatest height, and the greatest frame: what is left must stay a signed number of these bits.
pub(super) const MOST_UNITS: u64 = (1 << (HEIGHT_BITS - 1)) - 1;

/// Set in a word of which the gas or the height is below zero.
pub(super) const LOW_MASK: i64 = i64::MIN | (1 << (HEIGHT_BITS - 1));

/// So much gas as it counts in a word.
pub(super) fn gas(amount: i64) -> i64 {
    amount.saturating_mul(1 << HEIGHT_BITS)
}

/// So many units of height as they count in a word; no more than [`MOST_UNITS`], as the rewriter has checked.
pub(super) fn height(units: u64) -> i64 {
    i64::try_from(units.min(MOST_UNITS)).unwrap_or(0)
}

/// Takes the word on the stack apart, where the height is not below zero: the gas.
pub(super) fn take_gas(code: &mut InstructionSink<'_>) {
    code.i64_const(i64::from(HEIGHT_BITS)).i64_shr_s();
}

/// Takes the word on the stack apart: the height, below zero or not.
pub(super) fn take_height(code: &mut InstructionSink<'_>) {
    let unused = i64::from(64 - HEIGHT_BITS);
    code.i64_const(unused)
        .i64_shl()
        .i64_const(unused)
        .i64_shr_s();
}

/// Makes of the gas on the stack a word of no height.
pub(super) fn put_gas(code: &mut InstructionSink<'_>) {
    code.i64_const(i64::from(HEIGHT_BITS)).i64_shl();
}
