//! Wasmer by itself, with Cranelift, in a process of its own.

use std::time::Duration;

use anyhow::{Context, Result};

use super::process::{Process, Program};
use crate::kernels::{Timed, Work};

const PROGRAM: Program = Program {
    folder: "wasmer",
    environment: &[],
};

/// Nothing counts what the guest does.
pub(crate) fn bare(wasm: &[u8]) -> Result<Timed> {
    contender("bare", wasm)
}

/// Counted by Wasmer's metering middleware, whose points never end.
pub(crate) fn metered(wasm: &[u8]) -> Result<Timed> {
    contender("metered", wasm)
}

fn contender(kind: &str, wasm: &[u8]) -> Result<Timed> {
    let mut process = Process::start(&PROGRAM, kind, wasm)?;
    Ok(Box::new(move |n| {
        let line = process.ask(n)?;
        let (checksum, nanoseconds) = line.split_once(' ').context("Wasmer answers two numbers")?;
        Ok(Work {
            checksum: checksum.parse()?,
            time: Duration::from_nanos(nanoseconds.parse()?),
        })
    }))
}
