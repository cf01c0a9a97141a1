//! `compile`: compiles one program in a process of its own.
//!
//! This verb is internal: the other verbs start it. It reads a metered program from standard input
//! and writes an artifact to standard output. The process ends at its limits of CPU time and
//! memory, or with its parent, so that compiling a program cannot exhaust a node.

use std::{
    io::{self, Read, Write},
    process,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::anyhow;
use fusee::engines::WasmtimeEngine;
use fusee::sandbox::{Compiler, Program};

use crate::{
    args::CompileArgs,
    failure::{Exit, Failure},
    output,
};

/// Limit of elapsed time, as a multiple of the CPU time limit. It allows for a busy machine.
const WALL: u64 = 10;

pub(crate) fn run(args: &CompileArgs) -> Result<Exit, Failure> {
    let engine = WasmtimeEngine::new().map_err(|error| Failure::new(Exit::Host, error))?;
    let on_host = |error: io::Error| Failure::new(Exit::Host, error);
    limit(args).map_err(on_host)?;
    let mut program = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut program)
        .map_err(on_host)?;
    let program = Program::decode(program).map_err(|error| {
        let error = anyhow::Error::new(error).context("standard input is not a metered program");
        Failure::new(Exit::Usage, error).next("this command is internal: see `fusee --help`")
    })?;
    let compiler: Arc<dyn Compiler> = match args.short_calls {
        true => engine.for_short_calls(&program).ok_or_else(|| {
            let error = anyhow!("the program has no other code for short calls");
            Failure::new(Exit::Usage, error)
        })?,
        false => Arc::new(engine),
    };
    let compiled = compiler
        .precompile(&program)
        .map_err(|error| Failure::new(Exit::Unsuccessful, error))?;
    io::stdout().lock().write_all(&compiled).map_err(on_host)?;
    Ok(Exit::Success)
}

/// Limits the time and memory of this process, and ends it with its parent.
fn limit(args: &CompileArgs) -> io::Result<()> {
    let wall = Duration::from_secs(args.seconds.saturating_mul(WALL));
    let seconds = args.seconds;
    thread::Builder::new().spawn(move || {
        thread::sleep(wall);
        output::complain(&format!(
            "the compilation takes more than {} seconds",
            wall.as_secs()
        ));
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
    // No core dumps of programs that exceed the limits on purpose.
    setrlimit(Resource::Core, limit(0))?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit_by_the_system(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}
