//! `hostile FOLDER`: writes programs for PolkaVM there that no compiler makes, each with one thing
//! that is wrong.

use std::{env, fs, path::Path};

use anyhow::{Context, anyhow, bail};
use polkavm_common::{
    program::{Instruction, InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};

/// The most that the format lets a program ask for.
const MOST: u32 = u32::MAX;

/// A name of 33 bytes, one more than what many have for names.
const LONG: &[u8] = b"a_name_of_thirty_three_bytes_long";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        bail!("usage: hostile FOLDER");
    };
    for (name, program) in programs() {
        let bytes = program
            .to_vec()
            .map_err(|error| anyhow!("cannot write `{name}`: {error}"))?;
        let path = Path::new(folder).join(format!("hostile_{name}.polkavm"));
        fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

fn programs() -> Vec<(&'static str, ProgramBlobBuilder)> {
    let sized = |sizes: [u32; 3]| {
        let mut program = plain();
        let [read_only, read_write, stack] = sizes;
        program.set_ro_data_size(read_only);
        program.set_rw_data_size(read_write);
        program.set_stack_size(stack);
        program
    };
    let importing = |names: &[&[u8]]| {
        let mut program = plain();
        names.iter().for_each(|name| program.add_import(name));
        program
    };
    let exporting = |names: &[&[u8]]| {
        let mut program = plain();
        for name in names {
            program.add_export_by_basic_block(0, name);
        }
        program
    };
    let mut inside = plain();
    inside.add_export_by_instruction(1, b"inside");
    let mut latest = ProgramBlobBuilder::new(InstructionSetKind::Latest64);
    latest.set_code(&[asm::sbrk(Reg::A0, Reg::A0), asm::ret()], &[]);
    latest.add_export_by_basic_block(0, b"run");
    vec![
        ("huge_read_only", sized([MOST, 0, 0])),
        ("huge_read_write", sized([0, MOST, 0])),
        ("huge_stack", sized([0, 0, MOST])),
        ("huge_in_all", sized([MOST, MOST, MOST])),
        ("large_read_write", sized([0, 1 << 30, 0])),
        ("large_stack", sized([0, 0, 1 << 30])),
        ("import_unknown", importing(&[b"caller", b"no_such", b"\n"])),
        ("import_long", importing(&[LONG])),
        ("import_no_text", importing(&[b"\xff\xfe"])),
        ("import_many", importing(&[&b"caller"[..]; 200])),
        ("export_twice", exporting(&[b"run", b"run"])),
        ("export_long", exporting(&[LONG, &[b'x'; 10_000]])),
        ("export_no_text", exporting(&[b"\xff\xfe"])),
        ("export_no_name", exporting(&[b""])),
        ("export_escape", exporting(&[b"\x1b[2Jcleared\r"])),
        ("export_inside", inside),
        ("call_of_nothing", with(&[asm::ecalli(7), asm::ret()])),
        ("sbrk", with(&[asm::sbrk(Reg::A0, Reg::A0), asm::ret()])),
        ("sbrk_latest", latest),
        ("no_end", with(&[asm::load_imm(Reg::A0, 1)])),
        ("no_code", with(&[])),
    ]
}

/// A program of two instructions, which is no trouble to anybody, that exports nothing yet.
fn plain() -> ProgramBlobBuilder {
    code(&[asm::load_imm(Reg::A0, 1), asm::ret()])
}

/// A program of these instructions, entered at the first.
fn with(instructions: &[Instruction]) -> ProgramBlobBuilder {
    let mut program = code(instructions);
    if !instructions.is_empty() {
        program.add_export_by_basic_block(0, b"run");
    }
    program
}

fn code(instructions: &[Instruction]) -> ProgramBlobBuilder {
    // The older of the 64-bit sets; what belongs to no set is written all the same.
    let mut program = ProgramBlobBuilder::new(InstructionSetKind::ReviveV1);
    program.set_ignore_instruction_set_incompatibility(true);
    program.set_code(instructions, &[]);
    program
}
