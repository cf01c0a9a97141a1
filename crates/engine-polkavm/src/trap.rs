//! Conversion of PolkaVM's traps.

use fusee_engine::Trap;
use polkavm::program::Instruction;

/// The trap of a guest that stopped at this instruction. PolkaVM reports only the address.
pub(crate) fn trap(instruction: &Instruction) -> Trap {
    match instruction {
        Instruction::jump_indirect(..) | Instruction::load_imm_and_jump_indirect(..) => {
            Trap::TableOutOfBounds
        }
        // These do not access memory.
        Instruction::load_imm(..)
        | Instruction::load_imm64(..)
        | Instruction::load_imm_and_jump(..) => Trap::Unreachable,
        other => {
            let name = other.opcode().name();
            if name.starts_with("load_") || name.starts_with("store_") {
                Trap::MemoryOutOfBounds
            } else {
                Trap::Unreachable
            }
        }
    }
}
