//! `gas`: where the gas of a run went, by function and by syscall.
//!
//! A program is run as by `run`. A contract is deployed on a chain of its own, which is gone afterwards.

use std::fs;

use fusee::chain::{Action, Address, ContractRules, Contracts, Status, Transaction};
use fusee::sandbox::{Gas, Inspection, Profiler, Rule, Rules, RunRequest, Value};
use serde::Serialize;

use super::{
    run::{self, Ending},
    transaction::Resolved,
};
use crate::{
    args::GasArgs,
    chain::{self, Chain, Keep},
    engines::{self, On},
    failure::{Exit, Failure},
    flame, names,
    numbers::grouped,
    output::Output,
    profile::{self, Paths, Profile},
    program, receipt,
    receipt::line,
    table::table,
    values,
};

/// What a deployment may use that nobody asked about: more than enough.
const DEPLOY_GAS: Gas = Gas::new(1 << 40);

/// A run, and where its gas went.
struct Spent {
    outcome: &'static str,
    /// Why it ended so, for people.
    reason: Option<String>,
    succeeded: bool,
    gas_used: Gas,
    profile: Profile,
    engines: Vec<&'static str>,
}

#[derive(Serialize)]
struct SpentJson<'a> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    engines: &'a [&'static str],
    gas_limit: u64,
    /// The gas used: the sum of all that follows.
    total: u64,
    #[serde(flatten)]
    profile: &'a Profile,
}

/// How a program ended, at what price.
#[derive(PartialEq, Eq)]
struct Ran {
    ending: Ending,
    gas_used: Gas,
    paths: Paths,
}

pub(crate) fn run(args: &GasArgs, output: &mut Output) -> Result<Exit, Failure> {
    let wasm = program::read(&args.file)?;
    let rules = Rules::v3(Vec::new()).with_floats(args.floats.rule());
    let spent = match fusee::sandbox::inspect(&wasm, &rules) {
        Ok(found) => run_program(args, &wasm, &rules, &found)?,
        Err(refusal) if refusal.rule == Rule::UnknownImport => {
            let rules = ContractRules::latest().program;
            let found = fusee::sandbox::inspect(&wasm, &rules)
                .map_err(|refusal| program::refused(&args.file, &wasm, refusal))?;
            call_contract(args, wasm, &found)?
        }
        Err(refusal) => return Err(program::refused(&args.file, &wasm, refusal)),
    };
    if let Some(path) = &args.svg {
        let shown = path.display();
        let title = profile::clean(&args.file.display().to_string());
        fs::write(path, flame::svg(&title, &spent.profile.stacks)).map_err(|error| {
            let error = anyhow::Error::new(error).context(format!("`{shown}` cannot be written"));
            Failure::new(Exit::Usage, error).next("name a file in a folder that is there")
        })?;
    }
    if args.folded {
        output.text(&spent.profile.folded())?;
    } else {
        output.answer(&spent.json(args), || spent.text(args))?;
    }
    Ok(if spent.succeeded {
        Exit::Success
    } else {
        Exit::Unsuccessful
    })
}

/// Runs a function of a program that asks for nothing.
fn run_program(
    args: &GasArgs,
    wasm: &[u8],
    rules: &Rules,
    found: &Inspection,
) -> Result<Spent, Failure> {
    let export = run::find_export(&found.program, args.invoke.as_deref())?;
    let values: Vec<Value> = run::parse_args(&found.program, export, &args.args)?;
    let rules = rules.clone().profiled();
    let mut answers = Vec::new();
    let executors = engines::executors(args.engine, None)?;
    for On { engine, it } in engines::that_differ(executors, found.program.format) {
        let profiler = Profiler::new();
        let request = RunRequest {
            profiler: Some(profiler.clone()),
            ..RunRequest::new(&export.name, &values, args.gas)
        };
        let prepared = it.prepare(wasm, &rules)?;
        let outcome = it.run(&prepared, request, ())?;
        let (ending, gas_used) = run::settle(outcome);
        let it = Ran {
            ending,
            gas_used,
            paths: profiler.paths(),
        };
        answers.push(On { engine, it });
    }
    let engines = answers.iter().map(|on| on.engine).collect();
    let ran = agreed(answers, |ran| {
        format!("{}, {} gas used", ran.ending.shown(), ran.gas_used)
    })?;
    Ok(Spent {
        outcome: ran.ending.name(),
        reason: match &ran.ending {
            Ending::Trapped(trap) => Some(trap.to_string()),
            Ending::Finished(_) | Ending::OutOfGas => None,
        },
        succeeded: matches!(ran.ending, Ending::Finished(_)),
        gas_used: ran.gas_used,
        profile: Profile::new(found, &ran.paths, Gas::ZERO),
        engines,
    })
}

/// Deploys the contract on a new chain, and calls the method.
fn call_contract(args: &GasArgs, code: Vec<u8>, found: &Inspection) -> Result<Spent, Failure> {
    let folder = tempfile::tempdir().map_err(|error| {
        let error = anyhow::Error::new(error).context("no temporary folder could be made");
        Failure::new(Exit::Host, error).next("check the folder that TMPDIR names")
    })?;
    let resolved = resolve(args, Chain::open(folder.path())?)?;
    let action = if is_deployment(args) {
        let input = resolved.input.clone();
        Action::Deploy { code, input }
    } else {
        resolved.deploy_and_find(args, code)?
    };
    let (contracts, profilers): (Vec<_>, Vec<_>) = engines::contracts(args.engine, None)?
        .into_iter()
        .map(profiled)
        .unzip();
    let transaction = resolved.transaction(action, args.gas);
    let receipt = resolved
        .chain
        .execute(&contracts, &transaction, Keep::Nothing)?
        .receipt;
    let paths = |on: On<Profiler>| On {
        engine: on.engine,
        it: on.it.paths(),
    };
    let paths: Paths = agreed(profilers.into_iter().map(paths).collect(), |paths| {
        format!("{paths:?}")
    })?;
    let in_run = paths
        .values()
        .fold(Gas::ZERO, |sum, gas| sum.saturating_add(*gas));
    Ok(Spent {
        outcome: receipt.status.name(),
        reason: receipt::reason(&receipt),
        succeeded: receipt.status == Status::Success,
        gas_used: receipt.gas_used,
        profile: Profile::new(found, &paths, receipt.gas_used.saturating_sub(in_run)),
        engines: resolved.engines(),
    })
}

/// Whether what is profiled is the deployment itself.
fn is_deployment(args: &GasArgs) -> bool {
    args.invoke.as_deref() == Some(fusee::abi::DEPLOY_METHOD)
}

fn resolve(args: &GasArgs, chain: Chain) -> Result<Resolved, Failure> {
    let snapshot = chain.snapshot()?;
    let resolve = |text: &str| names::resolve(text, &snapshot);
    Ok(Resolved {
        from: resolve(&args.from)?,
        input: values::encode(&args.args, &resolve)?,
        contracts: engines::contracts(args.engine, None)?,
        chain,
    })
}

/// Contracts with a profiler.
fn profiled(on: On<Contracts>) -> (On<Contracts>, On<Profiler>) {
    let On { engine, it } = on;
    let profiler = Profiler::new();
    let it = it.profiler(profiler.clone());
    (
        On { engine, it },
        On {
            engine,
            it: profiler,
        },
    )
}

/// What all engines found.
fn agreed<T: PartialEq>(answers: Vec<On<T>>, show: impl Fn(&T) -> String) -> Result<T, Failure> {
    if !engines::agree(&answers, T::eq) {
        return Err(engines::disagreement(&answers, show));
    }
    let first = answers.into_iter().next();
    first
        .map(|on| on.it)
        .ok_or_else(|| Failure::usage("no engine was chosen"))
}

impl Resolved {
    /// Deploys the contract; the call of the method that was asked for.
    fn deploy_and_find(&self, args: &GasArgs, code: Vec<u8>) -> Result<Action, Failure> {
        let snapshot = self.chain.snapshot()?;
        let resolve = |text: &str| names::resolve(text, &snapshot);
        let input = values::encode(&args.deploy_args, &resolve)?;
        let transaction = self.transaction(Action::Deploy { code, input }, DEPLOY_GAS);
        let deployed = self
            .chain
            .execute(&self.contracts, &transaction, Keep::Commit)?
            .receipt;
        let Some(address) = deployed.deployed else {
            let reason = receipt::reason(&deployed).unwrap_or_else(|| deployed.status.to_string());
            let error = anyhow::anyhow!("the contract cannot be deployed: {reason}");
            return Err(Failure::new(Exit::Unsuccessful, error)
                .next("give its `deploy` what it takes with --deploy-args"));
        };
        let method = self.method(args, address)?;
        Ok(Action::Call {
            to: self.callee(&address.to_string(), &method)?,
            method,
            input: self.input.clone(),
        })
    }

    /// The method that was named, or the only one.
    fn method(&self, args: &GasArgs, address: Address) -> Result<String, Failure> {
        if let Some(method) = &args.invoke {
            return Ok(method.clone());
        }
        let methods = chain::methods(&self.chain.snapshot()?, &self.contracts, address)?;
        let methods = methods.unwrap_or_default();
        let listed = names::list(methods.iter().map(String::as_str));
        match <[String; 1]>::try_from(methods) {
            Ok([only]) => Ok(only),
            Err(_) => Err(Failure::usage("no method was named")
                .next(format!("name one with --invoke: it has {listed}"))),
        }
    }

    fn transaction(&self, action: Action, gas: Gas) -> Transaction {
        Transaction {
            from: self.from,
            action,
            value: 0,
            gas,
        }
    }
}

impl Spent {
    fn json(&self, args: &GasArgs) -> SpentJson<'_> {
        SpentJson {
            outcome: self.outcome,
            reason: self.reason.as_deref(),
            engines: &self.engines,
            gas_limit: args.gas.units(),
            total: self.gas_used.units(),
            profile: &self.profile,
        }
    }

    fn text(&self, args: &GasArgs) -> String {
        let outcome = match &self.reason {
            Some(reason) => format!("{}: {reason}", self.outcome),
            None => self.outcome.to_owned(),
        };
        let gas = format!("{} of {}", grouped(self.gas_used), grouped(args.gas));
        let mut lines = vec![
            line("outcome", outcome),
            line("gas used", gas),
            line("engines", self.engines.join(", ")),
        ];
        if let Some(path) = &args.svg {
            lines.push(line("image", path.display().to_string()));
        }
        format!("{}\n{}", table(0, &lines), self.profile.table(args.top))
    }
}
