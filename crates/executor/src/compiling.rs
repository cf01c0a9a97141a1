//! Compilation in a thread of this process, or in a separate process.
//!
//! If compiling a program exceeds a limit, the program stays on the interpreter, where its gas is
//! the same. In a thread only the size of the output is limited. A separate process can also limit
//! its own time and memory.

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
    /// In a thread of this process, without a limit on time or memory.
    #[default]
    Thread,
    /// In a separate process for each program.
    Process(CompileCommand),
}

/// A command that compiles one program.
///
/// The command reads a program, encoded by [`Program::encode`], from standard input. It compiles
/// the program with [`Compiler::precompile`] on the same engine as this process, and writes the
/// compiled code to standard output. On failure it writes the reason to standard error and exits
/// with a nonzero status. The command limits its own time and memory.
///
/// The output is executed as native code, so the command must be trusted.
#[derive(Clone, Debug)]
pub struct CompileCommand {
    /// The path of the executable.
    pub program: PathBuf,
    /// The command line arguments.
    pub args: Vec<OsString>,
    /// The arguments with which the command compiles for short calls, by the compiler of
    /// [`Compiler::for_short_calls`]. `None` if it cannot: no program has such code then.
    pub short_call_args: Option<Vec<OsString>>,
}

/// The maximum length of a command's error message; the rest is cut off.
const ERROR_BYTES: u64 = 2_048;

/// The calls that compiled code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// All of them.
    All,
    /// Those that grow their memory and compute little.
    Short,
}

impl CompileIn {
    /// Whether programs are compiled for short calls too.
    pub(crate) const fn has_short_calls(&self) -> bool {
        match self {
            CompileIn::Thread => true,
            CompileIn::Process(command) => command.short_call_args.is_some(),
        }
    }

    /// Compiles a program. The error is the reason for a failure, as text.
    pub(crate) fn compile(
        &self,
        compiler: &dyn Compiler,
        program: &Program,
        calls: Calls,
        most_bytes: u64,
    ) -> Result<Vec<u8>, String> {
        let compiled = match self {
            CompileIn::Thread => in_this_process(compiler, program)?,
            CompileIn::Process(command) => command
                .run(calls, &program.encode(), most_bytes)
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

/// Catches panics of the compiler, so that the caller can fall back to the interpreter.
fn in_this_process(compiler: &dyn Compiler, program: &Program) -> Result<Vec<u8>, String> {
    let compile = || compiler.precompile(program);
    catch_unwind(AssertUnwindSafe(compile))
        .map_err(|_| "the compiler panicked".to_owned())?
        .map_err(|error| describe(&error))
}

/// An error and its sources.
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
    /// Runs the command. Standard input is written by another thread and standard error goes to a
    /// file, so that no pipe can fill up and deadlock.
    fn run(&self, calls: Calls, program: &[u8], most_bytes: u64) -> io::Result<Vec<u8>> {
        let args = match (calls, &self.short_call_args) {
            (Calls::Short, Some(args)) => args,
            (Calls::Short, None) | (Calls::All, _) => &self.args,
        };
        let mut stderr = tempfile::tempfile()?;
        let mut child = KillOnDrop(
            Command::new(&self.program)
                .args(args)
                // A panic writes one line to standard error.
                .env("RUST_BACKTRACE", "0")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(stderr.try_clone()?)
                .spawn()?,
        );
        let (stdin, stdout) = (child.0.stdin.take(), child.0.stdout.take());
        let (sent, compiled) = thread::scope(|scope| {
            let send = || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(program));
            let sending = thread::Builder::new().spawn_scoped(scope, send)?;
            let compiled = read(stdout, most_bytes.saturating_add(1));
            if !matches!(&compiled, Ok(compiled) if is_within(compiled, most_bytes)) {
                // Unblocks the thread that writes to the command. Fails if the command has ended.
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
            stderr.rewind()?;
            let stderr = read(Some(stderr), ERROR_BYTES)?;
            let stderr = String::from_utf8_lossy(&stderr);
            return Err(io::Error::other(format!(
                "{status}{}{}",
                if stderr.is_empty() { "" } else { ": " },
                stderr.trim()
            )));
        }
        // Checked last: a command that fails early does not read all input, and its own error is
        // more precise.
        sent.map(|()| compiled)
    }
}

/// A child process that is killed and waited for on drop.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Fails if the child has ended.
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
