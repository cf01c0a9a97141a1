//! Engines: selection for a command, and comparison of their results.

use std::{fmt::Write, path::Path, sync::Arc};

use anyhow::anyhow;
use clap::ValueEnum;
use fusee::chain::{ContractRules, Contracts};
use fusee::engines::{PolkaVmBackend, PolkaVmEngine, WasmiEngine, WasmtimeEngine};
use fusee::sandbox::{
    self, CompileCommand, CompileIn, Compiler, Executor, ExecutorBuilder, Format, Gas,
    InterpretingExecutor,
};

use crate::{
    failure::{Exit, Failure},
    memory,
};

/// The engines that a command runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    /// Interpreter, until compiled code is ready; calls with a large gas limit wait for the
    /// compiler
    Tiered,
    /// Compiler
    Wasmtime,
    /// Interpreter
    Wasmi,
    /// Compiler and interpreter; their results must be equal
    All,
}

/// The engines that a capsule is replayed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayChoice {
    /// WebAssembly compiled, PolkaVM interpreted
    Wasmtime,
    /// WebAssembly and PolkaVM interpreted
    Wasmi,
    /// WebAssembly interpreted, PolkaVM compiled; Linux on x86-64
    PolkavmRecompiler,
    /// All of them; the recompiler if the capsule has PolkaVM code, and the machine supports it
    All,
}

/// A value of one engine: what runs on it, or its result.
#[derive(Debug)]
pub(crate) struct On<T> {
    pub(crate) engine: &'static str,
    pub(crate) it: T,
}

/// Pooled instances: more than the limit of nested calls. Larger pools take longer to create than
/// most commands run.
const INSTANCES: u32 = 256;

/// Disk budget of compiled programs in a data folder, in bytes.
const ARTIFACT_BYTES: u64 = 1 << 30;

/// An executor per engine. Prepared programs are kept in the folder `artifacts`, if any.
pub(crate) fn executors(
    choice: EngineChoice,
    artifacts: Option<&Path>,
) -> Result<Vec<On<Arc<Executor>>>, Failure> {
    let wasmtime = || Ok::<_, Failure>(("wasmtime", Executor::compiled(compiler()?)));
    let wasmi = || ("wasmi", Executor::builder(interpreter()));
    let builders = match choice {
        EngineChoice::Tiered => {
            let builder = Executor::tiered(interpreter(), compiler()?);
            let it = with_options(builder, artifacts)?.build();
            return Ok(vec![On {
                engine: "tiered",
                it: Arc::new(it),
            }]);
        }
        EngineChoice::Wasmtime => vec![wasmtime()?],
        EngineChoice::Wasmi => vec![wasmi()],
        EngineChoice::All => vec![wasmtime()?, wasmi()],
    };
    let built = builders.into_iter().map(|(engine, builder)| {
        let it = Arc::new(with_options(builder, artifacts)?.build());
        Ok(On { engine, it })
    });
    built.collect()
}

/// Compiles a program for another process of this executable, if it was started for that.
pub(crate) fn compile_if_asked() {
    // The options of the pool do not matter: compiling creates none.
    sandbox::compile_if_asked(|| Ok(Arc::new(WasmtimeEngine::new()?)));
}

fn interpreter() -> Arc<WasmiEngine> {
    Arc::new(WasmiEngine::new())
}

fn compiler() -> Result<Arc<dyn Compiler>, Failure> {
    let engine = WasmtimeEngine::builder()
        .instances(INSTANCES)
        .idle_bytes(memory::for_caches() / 4)
        .build();
    let engine = engine.map_err(|error| {
        Failure::new(Exit::Host, error).next("use `--engine wasmi`, which works on any machine")
    })?;
    Ok(Arc::new(engine))
}

/// The executors that differ for programs of this format. Only one remains for PolkaVM, which has
/// one engine.
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

fn with_options<K>(
    mut builder: ExecutorBuilder<K>,
    artifacts: Option<&Path>,
) -> Result<ExecutorBuilder<K>, Failure> {
    // Without this engine, the executor refuses PolkaVM programs by format.
    if let Ok(polkavm) = PolkaVmEngine::new() {
        builder = builder.engine(Arc::new(polkavm));
    }
    with_caches(builder, artifacts)
}

fn with_caches<K>(
    mut builder: ExecutorBuilder<K>,
    artifacts: Option<&Path>,
) -> Result<ExecutorBuilder<K>, Failure> {
    if let Some(folder) = artifacts {
        builder = builder.artifacts(folder, ARTIFACT_BYTES).map_err(|error| {
            let message = format!("cannot keep compiled programs in `{}`", folder.display());
            Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
                .next("restrict the folder to your user, or choose another one with --data")
        })?;
    }
    let command = CompileCommand::this_program().map_err(|error| {
        let error = anyhow::Error::new(error).context("cannot locate the fusee executable");
        Failure::new(Exit::Host, error).next("start fusee by its path")
    })?;
    Ok(builder
        .compile_in(CompileIn::Process(command))
        .cache_bytes(memory::for_caches()))
}

/// Contract executors, one per engine. The compiler has an interpreter beside it, for what it fails
/// to compile: a transaction has a receipt on every machine or on none.
pub(crate) fn contracts(
    choice: EngineChoice,
    artifacts: Option<&Path>,
    rules: &ContractRules,
) -> Result<Vec<On<Contracts>>, Failure> {
    let built = interpreting(choice, artifacts)?.into_iter();
    built
        .map(|on| on_rules(on.engine, &on.it, rules.clone()))
        .collect()
}

/// The executors of contracts, one per engine.
pub(crate) fn interpreting(
    choice: EngineChoice,
    artifacts: Option<&Path>,
) -> Result<Vec<On<InterpretingExecutor>>, Failure> {
    let tiered = || Ok::<_, Failure>(Executor::tiered(interpreter(), compiler()?));
    // Programs are compiled before their first call.
    let wasmtime = || Ok::<_, Failure>(("wasmtime", tiered()?.compile_gas(Gas::ZERO)));
    let wasmi = || ("wasmi", Executor::interpreted(interpreter()));
    let builders = match choice {
        EngineChoice::Tiered => vec![("tiered", tiered()?)],
        EngineChoice::Wasmtime => vec![wasmtime()?],
        EngineChoice::Wasmi => vec![wasmi()],
        EngineChoice::All => vec![wasmtime()?, wasmi()],
    };
    let built = builders.into_iter().map(|(engine, builder)| {
        let it = with_options(builder, artifacts)?.build_interpreting();
        Ok(On { engine, it })
    });
    built.collect()
}

/// Contract executors to replay a capsule on, by its rules.
pub(crate) fn replaying(
    choice: ReplayChoice,
    rules: &ContractRules,
    has_polkavm: bool,
) -> Result<Vec<On<Contracts>>, Failure> {
    let wasm = match choice {
        ReplayChoice::All => vec![EngineChoice::Wasmtime, EngineChoice::Wasmi],
        ReplayChoice::Wasmtime => vec![EngineChoice::Wasmtime],
        ReplayChoice::Wasmi => vec![EngineChoice::Wasmi],
        ReplayChoice::PolkavmRecompiler => Vec::new(),
    };
    let mut all = Vec::new();
    for choice in wasm {
        all.extend(contracts(choice, None, rules)?);
    }
    let recompiler = match choice {
        ReplayChoice::All if has_polkavm => PolkaVmEngine::on(PolkaVmBackend::ProcessSandbox).ok(),
        ReplayChoice::PolkavmRecompiler => {
            let engine = PolkaVmEngine::on(PolkaVmBackend::ProcessSandbox);
            Some(engine.map_err(|error| {
                Failure::new(Exit::Host, error)
                    .next("use `--engine wasmi`, which works on any machine")
            })?)
        }
        _ => None,
    };
    if let Some(recompiler) = recompiler {
        let builder = Executor::interpreted(interpreter()).engine(Arc::new(recompiler));
        let builder = with_caches(builder, None)?;
        let executor = builder.build_interpreting();
        all.push(on_rules("polkavm-recompiler", &executor, rules.clone())?);
    }
    Ok(all)
}

/// Contracts by rules, on an executor.
pub(crate) fn on_rules(
    engine: &'static str,
    executor: &InterpretingExecutor,
    rules: ContractRules,
) -> Result<On<Contracts>, Failure> {
    let it = Contracts::new(executor, rules).map_err(|error| {
        Failure::new(Exit::Host, error)
            .next("contracts need an engine for every format that the rules admit")
    })?;
    Ok(On { engine, it })
}

/// Whether all results are the same.
pub(crate) fn agree<T>(answers: &[On<T>], same: impl Fn(&T, &T) -> bool) -> bool {
    answers
        .iter()
        .zip(answers.iter().skip(1))
        .all(|(one, other)| same(&one.it, &other.it))
}

/// The failure of engines that disagree; `show` describes one result.
pub(crate) fn disagreement<T>(answers: &[On<T>], show: impl Fn(&T) -> String) -> Failure {
    let mut message = "the engines disagree".to_owned();
    for On { engine, it } in answers {
        // Writing into a string cannot fail.
        let _ = write!(message, "\n  {engine}: {}", show(it));
    }
    Failure::new(Exit::Disagreement, anyhow!(message)).next(
        "nothing was committed; this is a bug in Fusee or in an engine: report it with the program",
    )
}

#[cfg(test)]
mod tests;
