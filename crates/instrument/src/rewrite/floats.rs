//! Canonicalisation of NaNs: replaces a computed NaN by the one NaN that all engines agree on.
//!
//! The plan decides where. A value that equals itself is not a NaN, so the injected code is a
//! comparison and a `select`, which compile without a branch.

use wasm_encoder::{Ieee32, Ieee64, InstructionSink, ValType};

use crate::floats::{Computed, Width};

/// The canonical `f32` NaN: positive, quiet, without payload.
const F32_NAN: Ieee32 = Ieee32::new(0x7fc0_0000);

/// The canonical `f64` NaN: positive, quiet, without payload.
const F64_NAN: Ieee64 = Ieee64::new(0x7ff8_0000_0000_0000);

/// The scratch locals of a function, one for each type.
#[derive(Clone, Copy)]
pub(super) struct Floats {
    f32: u32,
    f64: u32,
}

impl Floats {
    /// Declares the scratch locals that the function needs. `next` is the first free index.
    pub(super) fn new(computed: Computed, next: u32, locals: &mut Vec<(u32, ValType)>) -> Self {
        let f64 = next.saturating_add(u32::from(computed.f32));
        if computed.f32 {
            locals.push((1, ValType::F32));
        }
        if computed.f64 {
            locals.push((1, ValType::F64));
        }
        Self { f32: next, f64 }
    }

    /// Replaces the value on top of the stack if it is a NaN.
    pub(super) fn canonicalise(self, width: Width, code: &mut InstructionSink<'_>) {
        match width {
            Width::F32 => code
                .local_tee(self.f32)
                .f32_const(F32_NAN)
                .local_get(self.f32)
                .local_get(self.f32)
                .f32_eq(),
            Width::F64 => code
                .local_tee(self.f64)
                .f64_const(F64_NAN)
                .local_get(self.f64)
                .local_get(self.f64)
                .f64_eq(),
        }
        .select();
    }
}
