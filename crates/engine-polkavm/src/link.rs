//! Syscalls, as they are in registers.

use fusee_engine::{Import, MAX_SYSCALL_ARGS, SyscallRequest, ValueType};
use polkavm::{RawInstance, Reg};

/// The registers of arguments, a0 to a5.
pub(crate) const ARGS: [Reg; MAX_SYSCALL_ARGS] =
    [Reg::A0, Reg::A1, Reg::A2, Reg::A3, Reg::A4, Reg::A5];

/// The low half of a register.
const LOW: u64 = 0xffff_ffff;

/// What a guest asks by an import: an `i32` is the low half of its register, and the high half is not looked at.
pub(crate) fn request(raw: &RawInstance, import: &Import) -> SyscallRequest {
    let mut args = [0; MAX_SYSCALL_ARGS];
    for ((arg, register), value_type) in args.iter_mut().zip(ARGS).zip(&import.params) {
        let value = raw.reg(register);
        *arg = match value_type {
            ValueType::I32 => value & LOW,
            _ => value,
        };
    }
    SyscallRequest {
        number: import.number,
        args,
    }
}

/// The answer to it. An `i32` fills its register with its sign, as the calling convention says; a syscall without a result leaves
/// zero, so that a guest finds nothing there that depends on the host.
pub(crate) fn reply(raw: &mut RawInstance, import: &Import, result: u64) {
    let value = match import.result {
        None => 0,
        Some(ValueType::I32) => {
            let low = u32::try_from(result & LOW).unwrap_or(u32::MAX);
            i64::from(low.cast_signed()).cast_unsigned()
        }
        Some(_) => result,
    };
    raw.set_reg(Reg::A0, value);
}
