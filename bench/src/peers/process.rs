//! Peers in processes of their own: programs beside this one that cargo builds when they are first
//! asked for, since they and Wasmtime pin different releases of one version of Cranelift, or since
//! their licence is not ours.
//!
//! A process is asked by lines, and answers each by a line.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{contest::guest::Guest, measure::Gauge};

/// A program in a folder of `bench/`.
#[derive(Debug)]
pub(crate) struct Program {
    pub(super) folder: &'static str,
    /// Variables of its environment, and their values.
    pub(super) environment: &'static [(&'static str, &'static str)],
}

/// A process that holds one contender. It ends when its input does.
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a program, and tells it its contender: a word, and a guest.
    pub(super) fn start(program: &Program, contender: &str, wasm: &[u8]) -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(program.folder)
            .join("Cargo.toml");
        let mut child = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--release", "--locked", "--manifest-path"])
            .arg(manifest)
            .envs(program.environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().context("the input is a pipe")?;
        writeln!(input, "{contender} {}", wasm.len())?;
        input.write_all(wasm)?;
        Ok(Self {
            input,
            output: BufReader::new(child.stdout.take().context("the output is a pipe")?),
            child,
        })
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask(&mut self, question: impl std::fmt::Display) -> Result<String> {
        writeln!(self.input, "{question}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the process of a peer has failed");
        Ok(line.trim().to_owned())
    }
}

/// A contender by the name that it has in a program, which is asked the same question each time and
/// tells the time of so many parts.
pub(crate) fn gauge(
    program: &Program,
    name: &str,
    guest: &Guest,
    question: String,
    parts: f64,
) -> Result<Gauge> {
    let Guest {
        wasm,
        entry,
        argument,
        answer,
        ..
    } = guest;
    let contender = format!("{name} {entry} {argument} {answer}");
    let mut process = Process::start(program, &contender, wasm)?;
    Ok(Box::new(move || {
        let nanoseconds: f64 = process.ask(&question)?.parse()?;
        Ok(nanoseconds / 1e9 / parts)
    }))
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whoever is done with it reads no more of it, whether or not it can be stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
