//! Compiling: in a thread of this process, or in a process of its own.
//!
//! A program that takes too much of whatever is limited is given up, and stays on the interpreter:
//! its gas is the same there. A thread can be held to bytes of output only; a process also to time and memory, by
//! whoever wrote its command.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use fusee_engine::{Compiler, EngineError};

/// Where programs are compiled.
#[derive(Clone, Debug, Default)]
pub enum CompileIn {
    /// In a thread of this process, which has no limit of time or memory.
    #[default]
    Thread,
    /// In a process of its own for each program.
    Process(CompileCommand),
}

/// A command that compiles one program.
///
/// It reads metered code from its standard input, writes what [`Compiler::precompile`] makes of it to its standard output,
/// with the same engine as this process, and holds itself to its limits. If it fails it says why on its standard
/// error, and ends with a status other than 0. What it writes is run.
#[derive(Clone, Debug)]
pub struct CompileCommand {
    /// The program to start.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// The most that is kept of what a command complains.
const COMPLAINT_BYTES: u64 = 2_048;

impl CompileIn {
    /// Compiles metered code; or says why not.
    pub(crate) fn compile(
        &self,
        compiler: &dyn Compiler,
        code: &[u8],
        most_bytes: u64,
    ) -> Result<Vec<u8>, String> {
        let compiled = match self {
            CompileIn::Thread => in_this_process(compiler, code)?,
            CompileIn::Process(command) => command
                .run(code, most_bytes)
                .map_err(|error| format!("{}: {error}", command.program.display()))?,
        };
        if u64::try_from(compiled.len()).is_ok_and(|length| length <= most_bytes) {
            Ok(compiled)
        } else {
            Err(format!(
                "the compiled program has more than {most_bytes} bytes"
            ))
        }
    }
}

/// A compiler that panics has a fault, and whoever calls a program is not to pay for that.
fn in_this_process(compiler: &dyn Compiler, code: &[u8]) -> Result<Vec<u8>, String> {
    let compile = || compiler.precompile(code);
    catch_unwind(AssertUnwindSafe(compile))
        .map_err(|_| "the compiler panicked".to_owned())?
        .map_err(|error| describe(&error))
}

/// An error with what it came from.
fn describe(error: &EngineError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl CompileCommand {
    fn run(&self, code: &[u8], most_bytes: u64) -> io::Result<Vec<u8>> {
        let mut child = Reaped(
            Command::new(&self.program)
                .args(&self.args)
                // Where it panics or runs out of memory, one line says so.
                .env("RUST_BACKTRACE", "0")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?,
        );
        // A command that fails early does not read to the end; what it says then is more to the point.
        let sent = match child.0.stdin.take() {
            Some(mut stdin) => stdin.write_all(code),
            None => Ok(()),
        };
        let compiled = read(child.0.stdout.take(), most_bytes.saturating_add(1))?;
        if u64::try_from(compiled.len()).is_ok_and(|length| length > most_bytes) {
            return Ok(compiled);
        }
        let complaint = read(child.0.stderr.take(), COMPLAINT_BYTES)?;
        let status = child.0.wait()?;
        if !status.success() {
            let complaint = String::from_utf8_lossy(&complaint);
            return Err(io::Error::other(format!(
                "{status}{}{}",
                if complaint.is_empty() { "" } else { ": " },
                complaint.trim()
            )));
        }
        sent.map(|()| compiled)
    }
}

/// A child that does not outlive whoever waits for it.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // It fails where the child has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read(from: Option<impl Read>, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most_bytes).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
