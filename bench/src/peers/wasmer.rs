//! Wasmer by itself, with Cranelift, in a process of its own: it and Wasmtime pin different releases
//! of one version of Cranelift, and cannot be built into one program.
//!
//! The process is another program, `bench/wasmer`, which cargo builds when it is first asked for.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::kernels::{Timed, Work};

/// Nothing counts what the guest does.
pub(crate) fn bare(wasm: &[u8]) -> Result<Timed> {
    contender("bare", wasm)
}

/// Counted by Wasmer's metering middleware, whose points never end.
pub(crate) fn metered(wasm: &[u8]) -> Result<Timed> {
    contender("metered", wasm)
}

fn contender(kind: &str, wasm: &[u8]) -> Result<Timed> {
    let mut process = Process::start()?;
    writeln!(process.input, "{kind} {}", wasm.len())?;
    process.input.write_all(wasm)?;
    Ok(Box::new(move |n| process.run(n)))
}

/// A process that holds one kernel. It ends when its input does.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start() -> Result<Self> {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/wasmer/Cargo.toml");
        let mut child = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--release", "--locked", "--manifest-path"])
            .arg(manifest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self {
            input: child.stdin.take().context("the input is a pipe")?,
            output: BufReader::new(child.stdout.take().context("the output is a pipe")?),
            child,
        })
    }

    fn run(&mut self, n: i32) -> Result<Work> {
        writeln!(self.input, "{n}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let (checksum, nanoseconds) = line
            .trim()
            .split_once(' ')
            .context("the process that runs Wasmer has failed")?;
        Ok(Work {
            checksum: checksum.parse()?,
            time: Duration::from_nanos(nanoseconds.parse()?),
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whoever is done with it reads no more of it, whether or not it can be stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
