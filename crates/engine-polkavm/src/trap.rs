//! PolkaVM's traps in our words.

use fusee_engine::Trap;
use polkavm::program::Instruction;

/// The trap of a guest that was stopped at this instruction. PolkaVM says no more than where that was.
pub(crate) fn trap(instruction: &Instruction) -> Trap {
    match instruction {
        Instruction::jump_indirect(..) | Instruction::load_imm_and_jump_indirect(..) => {
            Trap::TableOutOfBounds
        }
        // These touch no memory.
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
