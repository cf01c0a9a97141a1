//! Programs of nested VMs in the group `compat`. Their answer is the gas that a call uses, which is
//! the same on both sides.

use anyhow::{Error, Result};
use polkavm_common::{
    program::{InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};

use crate::contest::guest::Guest;

/// More gas than any call uses.
pub(crate) const GAS: i64 = 1 << 40;

/// Syscalls of a call that asks.
pub(super) const SYSCALLS: u32 = 10_000;

/// The number in the program that is another in each of its variants.
pub(crate) const VARIED: [u8; 8] = 0x9e37_79b9_7f4a_7c15_u64.to_le_bytes();

const PROGRAM: &[u8] = include_bytes!("../../../guests/polkavm/compute.polkavm");

/// Returns at once.
pub(super) fn nothing() -> Result<Guest> {
    Ok(guest(PROGRAM.into(), "nothing", 0, 22))
}

/// Mixes a number a million times.
pub(super) fn compute() -> Result<Guest> {
    Ok(guest(PROGRAM.into(), "mix", 1_000_000, 23_000_045))
}

/// Makes syscalls in a loop.
pub(super) fn asking() -> Result<Guest> {
    let mut builder = ProgramBlobBuilder::new(InstructionSetKind::JamV1);
    builder.set_stack_size(4_096);
    builder.add_import(b"note");
    builder.add_export_by_basic_block(0, b"run");
    let code = [
        asm::move_reg(Reg::S0, Reg::A0),
        asm::fallthrough(),
        asm::ecalli(0),
        asm::add_imm_64(Reg::S0, Reg::S0, -1),
        asm::branch_not_eq_imm(Reg::S0, 0, 1),
        asm::ret(),
    ];
    builder.set_code(&code, &[]);
    let program = builder.to_vec().map_err(Error::msg)?;
    Ok(guest(program, "run", i32::try_from(SYSCALLS)?, 1_000_024))
}

fn guest(program: Vec<u8>, entry: &'static str, argument: i32, gas: i32) -> Guest {
    Guest {
        wasm: program,
        entry,
        argument,
        answer: gas,
        may_suspend: true,
    }
}
