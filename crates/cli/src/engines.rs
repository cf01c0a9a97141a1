//! Engines: which ones a command runs on, and whether they agree.

use std::{fmt::Write, path::Path, sync::Arc};

use anyhow::anyhow;
use clap::ValueEnum;
use fusee::chain::{ContractRules, Contracts};
use fusee::engines::{PolkaVmEngine, WasmiEngine, WasmtimeEngine};
use fusee::sandbox::{Compiler, Executor, ExecutorBuilder, Format};

use crate::{
    failure::{Exit, Failure},
    memory,
    verbs::compile,
};

/// The engines that a command runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    /// The compiler if the program is compiled, or may use much gas; the interpreter otherwise
    Tiered,
    /// The compiler
    Wasmtime,
    /// The interpreter
    Wasmi,
    /// The compiler and the interpreter; their answers have to be the same
    All,
}

/// An engine's name, and something of its own: what runs on it, or what it answered.
#[derive(Debug)]
pub(crate) struct On<T> {
    pub(crate) engine: &'static str,
    pub(crate) it: T,
}

/// More than calls may be nested; a pool for more takes longer to make than most commands run.
const INSTANCES: u32 = 256;

/// How much compiled programs may take on the disk, beside a chain's data.
const ARTIFACT_BYTES: u64 = 1 << 30;

/// An executor on each engine. If there is a folder for what is compiled, it is kept there.
pub(crate) fn executors(
    choice: EngineChoice,
    artifacts: Option<&Path>,
) -> Result<Vec<On<Arc<Executor>>>, Failure> {
    let compiler = || -> Result<Arc<dyn Compiler>, Failure> {
        let engine = WasmtimeEngine::builder()
            .instances(INSTANCES)
            .idle_bytes(memory::for_caches() / 4)
            .build();
        let engine = engine.map_err(|error| {
            Failure::new(Exit::Host, error).next("use `--engine wasmi`, which works on any machine")
        })?;
        Ok(Arc::new(engine))
    };
    let interpreter = || Arc::new(WasmiEngine::new());
    let builders = match choice {
        EngineChoice::Tiered => vec![("tiered", Executor::tiered(interpreter(), compiler()?))],
        EngineChoice::Wasmtime => vec![("wasmtime", Executor::compiled(compiler()?))],
        EngineChoice::Wasmi => vec![("wasmi", Executor::builder(interpreter()))],
        EngineChoice::All => vec![
            ("wasmtime", Executor::compiled(compiler()?)),
            ("wasmi", Executor::builder(interpreter())),
        ],
    };
    builders
        .into_iter()
        .map(|(engine, builder)| {
            Ok(On {
                engine,
                it: Arc::new(build(builder, artifacts)?),
            })
        })
        .collect()
}

/// Those of the executors that do not run programs of this format alike: all of them interpret a PolkaVM program.
pub(crate) fn that_differ(
    mut executors: Vec<On<Arc<Executor>>>,
    format: Format,
) -> Vec<On<Arc<Executor>>> {
    if format == Format::PolkaVm {
        executors.truncate(1);
        for on in &mut executors {
            on.engine = fusee::engines::POLKAVM;
        }
    }
    executors
}

fn build(mut builder: ExecutorBuilder, artifacts: Option<&Path>) -> Result<Executor, Failure> {
    // Without it, programs of that format are refused with the format's name.
    if let Ok(polkavm) = PolkaVmEngine::new() {
        builder = builder.engine(Arc::new(polkavm));
    }
    if let Some(folder) = artifacts {
        builder = builder.artifacts(folder, ARTIFACT_BYTES).map_err(|error| {
            let message = format!("compiled programs cannot be kept in `{}`", folder.display());
            Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
                .next("make the folder yours alone, or name another one with --data")
        })?;
    }
    Ok(builder
        .compile_in(compile::in_a_process()?)
        .cache_bytes(memory::for_caches())
        .build())
}

/// Contracts on each engine.
pub(crate) fn contracts(
    choice: EngineChoice,
    artifacts: Option<&Path>,
) -> Result<Vec<On<Contracts>>, Failure> {
    let executors = executors(choice, artifacts)?.into_iter();
    Ok(executors
        .map(|on| On {
            engine: on.engine,
            it: Contracts::new(on.it, ContractRules::latest()),
        })
        .collect())
}

/// Whether `same` finds all answers alike.
pub(crate) fn agree<T>(answers: &[On<T>], same: impl Fn(&T, &T) -> bool) -> bool {
    answers
        .iter()
        .zip(answers.iter().skip(1))
        .all(|(one, other)| same(&one.it, &other.it))
}

/// The failure of engines that do not agree; `show` says what one of them answered.
pub(crate) fn disagreement<T>(answers: &[On<T>], show: impl Fn(&T) -> String) -> Failure {
    let mut message = "the engines disagree".to_owned();
    for On { engine, it } in answers {
        // Writing into a string cannot fail.
        let _ = write!(message, "\n  {engine}: {}", show(it));
    }
    Failure::new(Exit::Disagreement, anyhow!(message))
        .next("nothing was committed; this is a fault in Fusee or in an engine: keep the program and report it")
}

#[cfg(test)]
mod tests;
