//! `link FROM TO`: makes a PolkaVM program of an ELF file that clang's linker made.
//!
//! For the 64-bit instruction set that does not change any more, and without what is only for debugging.

use std::{env, fs};

use anyhow::{Context, bail};
use polkavm_linker::{Config, TargetInstructionSet, program_from_elf};

/// Bytes of stack; the linker's own default is less than a guest needs that keeps a table there.
const STACK_BYTES: u32 = 16_384;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        bail!("usage: link FROM TO");
    };
    let elf = fs::read(from).with_context(|| format!("cannot read `{from}`"))?;
    let mut config = Config::default();
    config.set_strip(true).set_min_stack_size(STACK_BYTES);
    let program = program_from_elf(config, TargetInstructionSet::ReviveV1, &elf)
        .with_context(|| format!("cannot link `{from}`"))?;
    fs::write(to, program).with_context(|| format!("cannot write `{to}`"))
}
