//! The engines of a node: the ledger that executes its blocks, and another one that checks them.

use std::{path::Path, sync::Arc};

use fusee::{
    chain::DataFolder,
    ledger::{Ledger, Parameters, Rulebook},
    sandbox::{Executor, InterpretingExecutor},
};

use super::options::Settings;
use crate::{
    chain::{all_contract_rules, deposit_rules, rulebook},
    engines::{self, EngineChoice},
    failure::{Exit, Failure},
};

/// The folder of compiled programs in the data folder.
const ARTIFACTS: &str = "compiled";

/// The engines of a node.
#[derive(Debug)]
pub(super) struct Engines {
    /// The name of the one that blocks are executed on.
    pub(super) name: &'static str,
    pub(super) ledger: Ledger,
    /// What the ledger runs contracts on.
    pub(super) executor: Arc<Executor>,
    /// A ledger on another engine, if blocks are checked.
    pub(super) check: Option<Ledger>,
}

impl Engines {
    pub(super) fn start(settings: &Settings, folder: &DataFolder) -> Result<Self, Failure> {
        let artifacts = folder.path().join(ARTIFACTS);
        let parameters = &folder.genesis().parameters;
        let (name, executor) = executor_of(settings.chain.engine, Some(&artifacts))?;
        let other = match settings.chain.engine {
            EngineChoice::Wasmi => EngineChoice::Wasmtime,
            _ => EngineChoice::Wasmi,
        };
        let check = settings.self_check.map(|_| {
            // Without the artifacts, which are of the engine that is checked.
            let (name, other) = executor_of(other, None)?;
            ledger(name, &other, parameters)
        });
        Ok(Self {
            name,
            ledger: ledger(name, &executor, parameters)?.threads(settings.chain.threads),
            executor: Arc::clone(executor.executor()),
            check: check.transpose()?,
        })
    }
}

fn executor_of(
    choice: EngineChoice,
    artifacts: Option<&Path>,
) -> Result<(&'static str, InterpretingExecutor), Failure> {
    let on = engines::interpreting(choice, artifacts)?.into_iter().next();
    let on = on.ok_or_else(|| Failure::new(Exit::Host, anyhow::anyhow!("there is no engine")))?;
    Ok((on.engine, on.it))
}

/// A ledger that has all rules that this program knows. Those with a deposit are too many: it has
/// those of the chain's genesis.
fn ledger(
    name: &'static str,
    executor: &InterpretingExecutor,
    parameters: &Parameters,
) -> Result<Ledger, Failure> {
    let mut book: Option<Rulebook> = None;
    for rules in all_contract_rules().chain(deposit_rules(parameters)) {
        let contracts = engines::on_rules(name, executor, rules)?.it;
        book = Some(match book {
            Some(book) => book.with_contracts(contracts),
            None => rulebook(contracts),
        });
    }
    Ok(Ledger::new(book.unwrap_or_default()))
}
