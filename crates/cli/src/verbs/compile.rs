//! `compile`: one program, for a process that does not want to do so itself.
//!
//! It is not for people: the other verbs start it. It reads a metered program, writes what it is compiled
//! to, and does not outlive its limits or whoever started it, so that no program can take the memory or the
//! time of a node.

use std::{
    env,
    ffi::OsString,
    io::{self, Read, Write},
    process, thread,
    time::Duration,
};

use fusee::engines::WasmtimeEngine;
use fusee::sandbox::{CompileCommand, CompileIn, Compiler, Program};

use crate::{
    args::CompileArgs,
    failure::{Exit, Failure},
    output,
};

/// The processor time of one program. The worst that the rules are known to admit take 12 seconds of a core.
const SECONDS: u64 = 30;

/// The memory of one program, address space and all. The worst that are known take 0.2 GB.
const MEBIBYTES: u64 = 2_048;

/// So often the processor time may pass on the wall, on a machine that has other things to do.
const WALL: u64 = 10;

/// Where the other verbs have programs compiled.
pub(crate) fn in_a_process() -> Result<CompileIn, Failure> {
    let program = env::current_exe().map_err(|error| {
        let error = anyhow::Error::new(error).context("fusee does not find itself");
        Failure::new(Exit::Host, error).next("start it by its path")
    })?;
    let args = [
        "compile",
        "--seconds",
        &SECONDS.to_string(),
        "--mebibytes",
        &MEBIBYTES.to_string(),
    ];
    Ok(CompileIn::Process(CompileCommand {
        program,
        args: args.map(OsString::from).into(),
    }))
}

pub(crate) fn run(args: &CompileArgs) -> Result<Exit, Failure> {
    let engine = WasmtimeEngine::new().map_err(|error| Failure::new(Exit::Host, error))?;
    let on_host = |error: io::Error| Failure::new(Exit::Host, error);
    limit(args).map_err(on_host)?;
    let mut program = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut program)
        .map_err(on_host)?;
    let program = Program::decode(&program).map_err(|error| {
        let error = anyhow::Error::new(error).context("the standard input holds no program");
        Failure::new(Exit::Usage, error)
            .next("this command is for other commands: see `fusee --help`")
    })?;
    let compiled = engine
        .precompile(&program)
        .map_err(|error| Failure::new(Exit::Unsuccessful, error))?;
    io::stdout().lock().write_all(&compiled).map_err(on_host)?;
    Ok(Exit::Success)
}

/// Ends this process where it takes more than it may, or where its parent ends.
fn limit(args: &CompileArgs) -> io::Result<()> {
    let wall = Duration::from_secs(args.seconds.saturating_mul(WALL));
    let seconds = args.seconds;
    thread::Builder::new().spawn(move || {
        thread::sleep(wall);
        output::complain(&format!("it takes more than {} seconds", wall.as_secs()));
        process::exit(Exit::Host.number().into());
    })?;
    limit_by_the_system(seconds, args.mebibytes.saturating_mul(1 << 20))
}

#[cfg(target_os = "linux")]
fn limit_by_the_system(seconds: u64, bytes: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

    let limit = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(Resource::Cpu, limit(seconds))?;
    setrlimit(Resource::As, limit(bytes))?;
    // No core dump of a program that somebody made to be too large.
    setrlimit(Resource::Core, limit(0))?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit_by_the_system(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}
