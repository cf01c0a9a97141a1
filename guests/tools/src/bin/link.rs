//! `link FROM TO STACK`: makes a PolkaVM program with so many bytes of stack of an ELF file that
//! clang's linker made.
//!
//! For the 64-bit instruction set that does not change any more, and without what is only for
//! debugging.

use std::{env, fs};

use anyhow::{Context, bail};
use polkavm_linker::{Config, TargetInstructionSet, program_from_elf};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [from, to, stack] = arguments.as_slice() else {
        bail!("usage: link FROM TO STACK");
    };
    let elf = fs::read(from).with_context(|| format!("cannot read `{from}`"))?;
    let stack = stack.parse().context("STACK is a number of bytes")?;
    let mut config = Config::default();
    config.set_strip(true).set_min_stack_size(stack);
    let program = program_from_elf(config, TargetInstructionSet::ReviveV1, &elf)
        .with_context(|| format!("cannot link `{from}`"))?;
    fs::write(to, program).with_context(|| format!("cannot write `{to}`"))
}
