//! The compiler of the other verbs: the verb `compile`, in a process of its own.

use std::{env, ffi::OsString};

use fusee::sandbox::{CompileCommand, CompileIn};

use crate::failure::{Exit, Failure};

/// CPU time limit in seconds. The slowest known programs that the rules admit take 12.
const SECONDS: u64 = 30;

/// Address space limit in MiB. The largest known programs take 0.2 GB.
const MEBIBYTES: u64 = 2_048;

/// The command that compiles programs for the other verbs.
pub(crate) fn in_a_process() -> Result<CompileIn, Failure> {
    let program = env::current_exe().map_err(|error| {
        let error = anyhow::Error::new(error).context("cannot locate the fusee executable");
        Failure::new(Exit::Host, error).next("start fusee by its path")
    })?;
    let args = [
        "compile",
        "--seconds",
        &SECONDS.to_string(),
        "--mebibytes",
        &MEBIBYTES.to_string(),
    ];
    let args: Vec<_> = args.map(OsString::from).into();
    let mut short_call_args = args.clone();
    short_call_args.push("--short-calls".into());
    Ok(CompileIn::Process(CompileCommand {
        program,
        args,
        short_call_args: Some(short_call_args),
    }))
}
