//! The register convention of syscalls.

use fusee_engine::{Import, MAX_REGISTER_ARGS, SyscallRequest, ValueType};
use polkavm::{RawInstance, Reg};

/// The argument registers, a0 to a5.
pub(crate) const ARGS: [Reg; MAX_REGISTER_ARGS] =
    [Reg::A0, Reg::A1, Reg::A2, Reg::A3, Reg::A4, Reg::A5];

/// The mask of the low 32 bits of a register.
const LOW: u64 = 0xffff_ffff;

/// Reads a syscall from the registers. An `i32` or an `f32` is the low half of its register; the
/// high half is ignored.
pub(crate) fn request(raw: &RawInstance, import: &Import) -> SyscallRequest {
    let mut args = [0; MAX_REGISTER_ARGS];
    for ((arg, register), value_type) in args.iter_mut().zip(ARGS).zip(&import.params) {
        let value = raw.reg(register);
        *arg = match value_type {
            ValueType::I32 | ValueType::F32 => value & LOW,
            ValueType::I64 | ValueType::F64 => value,
        };
    }
    SyscallRequest {
        number: import.number,
        args,
    }
}

/// Writes the result of a syscall to a0. An `i32` or an `f32` is sign-extended, as the calling
/// convention specifies for an `i32`. Without a result a0 is zero, so that it does not depend on
/// the host.
pub(crate) fn reply(raw: &mut RawInstance, import: &Import, result: u64) {
    let value = match import.result {
        None => 0,
        Some(ValueType::I32 | ValueType::F32) => {
            let low = u32::try_from(result & LOW).unwrap_or(u32::MAX);
            i64::from(low.cast_signed()).cast_unsigned()
        }
        Some(ValueType::I64 | ValueType::F64) => result,
    };
    raw.set_reg(Reg::A0, value);
}
