//! The packed counter: gas and stack height in one `i64`, which is passed through all calls.
//!
//! A guest function takes the packed counter as an additional last parameter and returns it as an
//! additional last result. The low bits hold the remaining stack height as a signed number, in
//! units of [`STACK_UNIT_BYTES`]. The bits above hold the gas. The limit of the stack height
//! decides how many bits each has ([`Packing`]).
//!
//! One subtraction charges a metered block and reserves a stack frame. One test of two sign bits
//! detects that gas or height is negative: the highest of the low bits for the height, and bit 63
//! for the gas. A negative height borrows one from the gas. Subtracting the height from the packed
//! counter returns it.

use wasm_encoder::InstructionSink;

use crate::{limits::Limits, schedule::STACK_UNIT_BYTES};

/// How gas and height share the packed counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packing {
    /// Number of bits that hold the height.
    height_bits: u32,
}

impl Packing {
    /// For stack heights of up to 524,280 bytes.
    const LOW: Self = Self { height_bits: 17 };

    /// For stack heights of up to 16,777,208 bytes. The gas still has a slice and any charge.
    const HIGH: Self = Self { height_bits: 22 };

    /// The packing that these limits need.
    pub(super) const fn of(limits: &Limits) -> Self {
        if limits.stack_bytes <= Self::LOW.max_bytes() {
            Self::LOW
        } else {
            Self::HIGH
        }
    }

    /// The greatest stack height and frame size in units, so that the remaining height fits into
    /// its bits as a signed number.
    const fn max_units(self) -> u64 {
        (1 << (self.height_bits - 1)) - 1
    }

    /// The greatest stack height and frame size in bytes.
    pub(super) const fn max_bytes(self) -> u64 {
        self.max_units() * STACK_UNIT_BYTES
    }

    /// The sign bits of gas and height. One of them is set if gas or height is negative.
    pub(super) const fn low_mask(self) -> i64 {
        i64::MIN | (1 << (self.height_bits - 1))
    }

    /// An amount of gas as a packed counter.
    pub(super) const fn gas(self, amount: i64) -> i64 {
        amount.saturating_mul(1 << self.height_bits)
    }

    /// A height in bytes as a packed counter. At most [`max_bytes`](Self::max_bytes), which the
    /// rewrite has checked.
    pub(super) fn height(self, bytes: u64) -> i64 {
        let units = bytes / STACK_UNIT_BYTES;
        i64::try_from(units.min(self.max_units())).unwrap_or(0)
    }

    /// Replaces the packed counter on the stack by its gas. The height must not be negative.
    pub(super) fn unpack_gas(self, code: &mut InstructionSink<'_>) {
        code.i64_const(i64::from(self.height_bits)).i64_shr_s();
    }

    /// Replaces the packed counter on the stack by its height, which may be negative.
    pub(super) fn unpack_height(self, code: &mut InstructionSink<'_>) {
        let unused = i64::from(64 - self.height_bits);
        code.i64_const(unused)
            .i64_shl()
            .i64_const(unused)
            .i64_shr_s();
    }

    /// Replaces the gas on the stack by a packed counter with height zero.
    pub(super) fn pack_gas(self, code: &mut InstructionSink<'_>) {
        code.i64_const(i64::from(self.height_bits)).i64_shl();
    }
}
