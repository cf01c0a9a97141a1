//! Compiling: in a thread of this process, or in a process of its own.
//!
//! A program that takes too much of whatever is limited is given up, and stays on the interpreter:
//! its gas is the same there. A thread can be held to bytes of output only; a process also to time and memory, by
//! whoever wrote its command.

use std::{
    ffi::OsString,
    io::{self, Read, Seek, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use fusee_engine::{Compiler, EngineError, Program};

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
/// It reads a program from its standard input, as [`Program::encode`] writes it; writes what [`Compiler::precompile`] makes of it to its standard output,
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
    /// Compiles a program; or says why not.
    pub(crate) fn compile(
        &self,
        compiler: &dyn Compiler,
        program: &Program,
        most_bytes: u64,
    ) -> Result<Vec<u8>, String> {
        let compiled = match self {
            CompileIn::Thread => in_this_process(compiler, program)?,
            CompileIn::Process(command) => command
                .run(&program.encode(), most_bytes)
                .map_err(|error| format!("{}: {error}", command.program.display()))?,
        };
        if is_within(&compiled, most_bytes) {
            Ok(compiled)
        } else {
            Err(format!(
                "the compiled program has more than {most_bytes} bytes"
            ))
        }
    }
}

/// A compiler that panics has a fault, and whoever calls a program is not to pay for that.
fn in_this_process(compiler: &dyn Compiler, program: &Program) -> Result<Vec<u8>, String> {
    let compile = || compiler.precompile(program);
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
    /// Whatever the command does first, to read, to write or to complain: nobody waits for somebody who waits for him.
    fn run(&self, program: &[u8], most_bytes: u64) -> io::Result<Vec<u8>> {
        let mut complaint = tempfile::tempfile()?;
        let mut child = Reaped(
            Command::new(&self.program)
                .args(&self.args)
                // Where it panics or runs out of memory, one line says so.
                .env("RUST_BACKTRACE", "0")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(complaint.try_clone()?)
                .spawn()?,
        );
        let (stdin, stdout) = (child.0.stdin.take(), child.0.stdout.take());
        let (sent, compiled) = thread::scope(|scope| {
            let send = || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(program));
            let sending = thread::Builder::new().spawn_scoped(scope, send)?;
            let compiled = read(stdout, most_bytes.saturating_add(1));
            if !matches!(&compiled, Ok(compiled) if is_within(compiled, most_bytes)) {
                // It may have ended already; if not, whoever writes to it goes on now.
                let _ = child.0.kill();
            }
            let sent = sending.join().unwrap_or(Ok(()));
            Ok::<_, io::Error>((sent, compiled?))
        })?;
        if !is_within(&compiled, most_bytes) {
            return Ok(compiled);
        }
        let status = child.0.wait()?;
        if !status.success() {
            complaint.rewind()?;
            let complaint = read(Some(complaint), COMPLAINT_BYTES)?;
            let complaint = String::from_utf8_lossy(&complaint);
            return Err(io::Error::other(format!(
                "{status}{}{}",
                if complaint.is_empty() { "" } else { ": " },
                complaint.trim()
            )));
        }
        // A command that fails early does not read to the end; what it said then was more to the point.
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

fn is_within(bytes: &[u8], most: u64) -> bool {
    u64::try_from(bytes.len()).is_ok_and(|length| length <= most)
}

fn read(from: Option<impl Read>, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most_bytes).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
