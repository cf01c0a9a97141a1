//! The parent's half of compilation in a separate process: it starts the process, sends the program
//! and receives the code.

use std::{
    env,
    ffi::OsString,
    io::{self, Read, Seek, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use super::{CompileFailure, Task, child, is_within};

/// A command that compiles one program in a process of its own, with limits.
///
/// It is an executable whose `main` begins with [`compile_if_asked`](crate::compile_if_asked), as a
/// rule the running one ([`this_program`](Self::this_program)). Its output is executed as native
/// code, so it must be trusted.
#[derive(Clone, Debug)]
pub struct CompileCommand {
    program: PathBuf,
    args: Vec<OsString>,
    limits: CompileLimits,
}

/// The limits of one compilation in a process of its own. A program that exceeds them stays on the
/// interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Processor time. Default: 2 seconds.
    ///
    /// Programs with little work ([`Compiler::work`](fusee_engine::Compiler::work)) have less: 0.2
    /// seconds, and 200 nanoseconds for each unit, which is more than real programs take. So a
    /// program whose work is estimated too low does not use up two seconds. Ten times as much real
    /// time may pass. Where the system does not tell the processor time, real time counts instead.
    pub time: Duration,
    /// Address space, in bytes. Default: 2 GiB. On Unix only.
    pub bytes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(2),
            bytes: 2 << 30,
        }
    }
}

/// The time that any compilation has, and what it has for each unit of work.
const LEAST_TIME: Duration = Duration::from_millis(200);
const UNIT_TIME: Duration = Duration::from_nanos(200);

impl CompileLimits {
    /// The limits for a program with this much work.
    fn of(self, work: u64) -> Self {
        let units = u32::try_from(work).unwrap_or(u32::MAX);
        let time = LEAST_TIME.saturating_add(UNIT_TIME.saturating_mul(units));
        Self {
            time: time.min(self.time),
            ..self
        }
    }
}

/// The maximum length of a command's error message; the rest is cut off.
const ERROR_BYTES: u64 = 2_048;

impl CompileCommand {
    /// A command by the path of its executable.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            limits: CompileLimits::default(),
        }
    }

    /// The executable of this process.
    ///
    /// # Errors
    ///
    /// If the system does not tell its path, or if this process was itself started to compile, so
    /// that its `main` lacks [`compile_if_asked`](crate::compile_if_asked): it would start itself
    /// without end.
    pub fn this_program() -> io::Result<Self> {
        if env::var_os(child::VARIABLE).is_some() {
            return Err(io::Error::other(
                "this process was started to compile a program, but its `main` does not begin \
                 with `compile_if_asked`",
            ));
        }
        // On Linux this is the same file even after the path has got another one.
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            env::current_exe()?
        };
        Ok(Self::new(program))
    }

    /// Adds command line arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets the limits of each compilation.
    #[must_use]
    pub const fn limits(mut self, limits: CompileLimits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn run(&self, task: Task<'_>, most_bytes: u64) -> Result<Vec<u8>, CompileFailure> {
        let limits = self.limits.of(task.work);
        let failed = |reason: &str| format!("{}: {reason}", self.program.display());
        let ended = self
            .start(task, limits, most_bytes)
            .map_err(|error| CompileFailure::of_the_machine(failed(&error.to_string())))?;
        match ended {
            Ended::Compiled(code) => Ok(code),
            Ended::Failed(status, _) if child::is_out_of_time(status) => {
                let CompileLimits { time, .. } = limits;
                Err(CompileFailure::of_the_program(format!(
                    "compilation takes more than {time:?} of processor time"
                )))
            }
            Ended::Failed(status, reason) => {
                let separator = if reason.is_empty() { "" } else { ": " };
                Err(CompileFailure {
                    reason: failed(&format!("{status}{separator}{reason}")),
                    is_final: child::is_refusal(status),
                })
            }
        }
    }

    /// Standard input is written by another thread and standard error goes to a file, so that no
    /// pipe can fill up and deadlock.
    fn start(&self, task: Task<'_>, limits: CompileLimits, most_bytes: u64) -> io::Result<Ended> {
        let program = task.program.encode();
        let mut stderr = tempfile::tempfile()?;
        let mut child = KillOnDrop(
            Command::new(&self.program)
                .args(&self.args)
                .env(child::VARIABLE, child::encode(task.calls, limits))
                // A panic writes one line to standard error.
                .env("RUST_BACKTRACE", "0")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(stderr.try_clone()?)
                .spawn()?,
        );
        let (stdin, stdout) = (child.0.stdin.take(), child.0.stdout.take());
        let (sent, compiled) = thread::scope(|scope| {
            let send = || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(&program));
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
            return Ok(Ended::Compiled(compiled));
        }
        let status = child.0.wait()?;
        if !status.success() {
            stderr.rewind()?;
            let stderr = read(Some(stderr), ERROR_BYTES)?;
            let reason = String::from_utf8_lossy(&stderr).trim().to_owned();
            return Ok(Ended::Failed(status, reason));
        }
        // Checked last: a command that fails early does not read all input, and its own error is
        // more precise.
        sent.map(|()| Ended::Compiled(compiled))
    }
}

/// How a command ended.
enum Ended {
    /// With the compiled code, or with more than what is read of it.
    Compiled(Vec<u8>),
    Failed(ExitStatus, String),
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

fn read(from: Option<impl Read>, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most_bytes).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_with_little_work_have_little_time() {
        let limits = CompileLimits::default();
        let time = |work| limits.of(work).time;
        assert_eq!(time(0), Duration::from_millis(200));
        assert_eq!(time(2_000_000), Duration::from_millis(600));
        assert_eq!(time(u64::MAX), Duration::from_secs(2));
    }
}
