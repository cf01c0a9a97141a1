//! Engines: which ones a command runs on, and whether they agree.

use std::{fmt::Write, sync::Arc};

use anyhow::anyhow;
use clap::ValueEnum;
use fusee_contract::{ContractRules, Contracts};
use fusee_engine::Engine;
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::Executor;

use crate::failure::{Exit, Failure};

/// The engines that a command runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    /// The compiler
    Wasmtime,
    /// The interpreter
    Wasmi,
    /// Every engine; their answers have to be the same
    All,
}

/// An engine's name, and something of its own: what runs on it, or what it answered.
#[derive(Debug)]
pub(crate) struct On<T> {
    pub(crate) engine: &'static str,
    pub(crate) it: T,
}

/// An executor on each engine.
pub(crate) fn executors(choice: EngineChoice) -> Result<Vec<On<Arc<Executor>>>, Failure> {
    let mut engines: Vec<Arc<dyn Engine>> = Vec::new();
    if matches!(choice, EngineChoice::Wasmtime | EngineChoice::All) {
        // A command runs one call at a time, and the calls inside it; a larger pool would take time.
        let engine = WasmtimeEngine::builder().instances(256).build();
        let engine = engine.map_err(|error| {
            Failure::new(Exit::Host, error).next("use `--engine wasmi`, which works on any machine")
        })?;
        engines.push(Arc::new(engine));
    }
    if matches!(choice, EngineChoice::Wasmi | EngineChoice::All) {
        engines.push(Arc::new(WasmiEngine::new()));
    }
    let on = |engine: Arc<dyn Engine>| On {
        engine: engine.name(),
        it: Arc::new(Executor::builder(engine).build()),
    };
    Ok(engines.into_iter().map(on).collect())
}

/// Contracts on each engine.
pub(crate) fn contracts(choice: EngineChoice) -> Result<Vec<On<Contracts>>, Failure> {
    let executors = executors(choice)?.into_iter();
    Ok(executors
        .map(|on| On {
            engine: on.engine,
            it: Contracts::new(on.it, ContractRules::v1()),
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
