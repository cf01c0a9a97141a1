//! The child's half of compilation in a separate process: it limits itself, reads a program from
//! standard input, and writes compiled code to standard output.
//!
//! A thread of its own watches the time. The limit of memory is the system's. The process also ends
//! with its parent (on Linux).

use std::{
    env,
    io::{self, Read, Write},
    process::{self, ExitStatus},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fusee_engine::{Compiler, Effort, EngineError, Program};

use super::{Calls, command::CompileLimits, describe};

/// The environment variable that asks a process to compile: for which calls, the milliseconds and
/// the bytes.
pub(super) const VARIABLE: &str = "FUSEE_COMPILE";

const ALL: &str = "all";
const SHORT: &str = "short";

/// Exit code: the program does not compile.
const REFUSED: i32 = 65;

/// Exit code: the machine or the parent is at fault.
const FAILED: i32 = 70;

/// Exit code: compilation takes too much processor time.
const OUT_OF_TIME: i32 = 75;

/// Limit of real time, as a multiple of the limit of processor time.
const REAL_TIME: u32 = 10;

/// How often the process looks at its time.
const PERIOD: Duration = Duration::from_millis(10);

pub(super) fn encode(calls: Calls, limits: CompileLimits) -> String {
    let calls = match calls {
        Calls::All => ALL,
        Calls::Short => SHORT,
    };
    let CompileLimits { time, bytes } = limits;
    format!("{calls} {} {bytes}", time.as_millis())
}

fn decode(asked: &str) -> Option<(Calls, CompileLimits)> {
    let mut words = asked.split(' ');
    let calls = match words.next()? {
        ALL => Calls::All,
        SHORT => Calls::Short,
        _ => return None,
    };
    let time = Duration::from_millis(words.next()?.parse().ok()?);
    let bytes = words.next()?.parse().ok()?;
    Some((calls, CompileLimits { time, bytes }))
}

/// Whether the child tells that the program does not compile.
pub(super) fn is_refusal(status: ExitStatus) -> bool {
    status.code() == Some(REFUSED)
}

/// Whether the child ended at its limit of processor time.
pub(super) fn is_out_of_time(status: ExitStatus) -> bool {
    status.code() == Some(OUT_OF_TIME)
}

/// Compiles one program and ends the process, if an executor started it for that. Otherwise it does
/// nothing.
///
/// Call it first in `main`, before anything is written to standard output, and give the executor
/// [`CompileCommand::this_program`](crate::CompileCommand::this_program). `compiler` has to make
/// the same engine as the executor's.
pub fn compile_if_asked(compiler: impl FnOnce() -> Result<Arc<dyn Compiler>, EngineError>) {
    let Some(asked) = env::var_os(VARIABLE) else {
        return;
    };
    let asked = asked.to_string_lossy();
    let code = match decode(&asked) {
        Some((calls, limits)) => compile(calls, limits, compiler),
        None => Err(Failure::Machine(format!(
            "{VARIABLE} is `{asked}`, which is not what this version of the program writes into it"
        ))),
    };
    let written = code.and_then(|code| {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(&code).and_then(|()| stdout.flush());
        written.map_err(|error| Failure::Machine(error.to_string()))
    });
    process::exit(match written {
        Ok(()) => 0,
        Err(Failure::Program(reason)) => complain(&reason, REFUSED),
        Err(Failure::Machine(reason)) => complain(&reason, FAILED),
    });
}

/// What is at fault, and how.
enum Failure {
    Program(String),
    Machine(String),
}

/// The parent reads standard error. If it has gone, nobody needs to know the reason.
fn complain(reason: &str, exit: i32) -> i32 {
    let _ = writeln!(io::stderr(), "{reason}");
    exit
}

fn compile(
    calls: Calls,
    limits: CompileLimits,
    compiler: impl FnOnce() -> Result<Arc<dyn Compiler>, EngineError>,
) -> Result<Vec<u8>, Failure> {
    let on_machine = |error: &dyn std::error::Error| Failure::Machine(error.to_string());
    // Before the limits, so that it finds what the executor's engine found on this host.
    let compiler = compiler().map_err(|error| Failure::Machine(describe(&error)))?;
    limit(limits).map_err(|error| on_machine(&error))?;
    let mut program = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut program)
        .map_err(|error| on_machine(&error))?;
    let program = Program::decode(program).map_err(|error| {
        Failure::Machine(format!("standard input is not a metered program: {error}"))
    })?;
    let compiler = match calls {
        Calls::All => compiler,
        Calls::Short => compiler.for_short_calls(&program).ok_or_else(|| {
            Failure::Machine("the program has no other code for short calls".to_owned())
        })?,
    };
    compiler
        .precompile(&program, Effort::Full)
        .map_err(|error| Failure::Program(describe(&error)))
}

/// Limits the time and memory of this process, and ends it with its parent.
#[allow(
    clippy::disallowed_methods,
    reason = "no outcome depends on this process"
)]
fn limit(limits: CompileLimits) -> io::Result<()> {
    let begin = Instant::now();
    let most = limits.time.saturating_mul(REAL_TIME);
    // The compiler cannot be interrupted, so the process ends.
    thread::Builder::new().spawn(move || {
        loop {
            thread::sleep(PERIOD);
            let elapsed = begin.elapsed();
            if processor_time().unwrap_or(elapsed) > limits.time {
                process::exit(OUT_OF_TIME);
            }
            if elapsed > most {
                let reason = format!("compilation takes more than {most:?}");
                process::exit(complain(&reason, FAILED));
            }
        }
    })?;
    limit_by_the_system(limits)
}

/// The processor time of this process. `None` where the system does not tell it.
#[cfg(unix)]
fn processor_time() -> Option<Duration> {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime)
        .try_into()
        .ok()
}

#[cfg(not(unix))]
fn processor_time() -> Option<Duration> {
    None
}

#[cfg(unix)]
fn limit_by_the_system(limits: CompileLimits) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let limit = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(Resource::As, limit(limits.bytes))?;
    // No core dumps of programs that exceed the limit on purpose.
    setrlimit(Resource::Core, limit(0))?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

#[cfg(not(unix))]
fn limit_by_the_system(_: CompileLimits) -> io::Result<()> {
    Ok(())
}
