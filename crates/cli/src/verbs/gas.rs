//! `gas`: profiles the gas of a run by function and by syscall.
//!
//! Programs without imports run as with `run`. Contracts are deployed on a temporary chain.

use std::{fs, path::Path};

use fusee::abi::DEPLOY_METHOD;
use fusee::chain::{Address, ContractRules, Contracts, Status};
use fusee::keystore::Keystore;
use fusee::ledger::Operation;
use fusee::sandbox::{Gas, Inspection, Profiler, Rule, Rules, RunRequest, Value};
use serde::Serialize;

use super::{
    method_help,
    run::{self, Ending},
    transaction::{INTERFACES, Resolved},
};
use crate::{
    args::{GasArgs, Given, KeyFolderArgs, PasswordArgs},
    arguments::{self, Words},
    chain::{FolderChain, Keep},
    engines::{self, On},
    failure::{Exit, Failure},
    flame,
    interfaces::{Interfaces, Reading},
    names,
    numbers::grouped,
    output::Output,
    profile::{self, Paths, Profile},
    program, receipt,
    receipt::line,
    signer::Signer,
    table::table,
};

/// Gas limit of the deployment before a profiled call.
const DEPLOY_GAS: Gas = Gas::new(1_000_000_000_000);

/// A run with its profile.
struct Spent {
    outcome: &'static str,
    /// The reason of the outcome, as text.
    reason: Option<String>,
    succeeded: bool,
    gas_used: Gas,
    profile: Profile,
    engines: Vec<String>,
}

#[derive(Serialize)]
struct SpentJson<'a> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    engines: &'a [String],
    gas_limit: u64,
    /// The gas used: the sum of the parts that follow.
    total: u64,
    #[serde(flatten)]
    profile: &'a Profile,
}

/// The result of a run on one engine.
#[derive(PartialEq, Eq)]
struct Ran {
    ending: Ending,
    gas_used: Gas,
    paths: Paths,
}

pub(crate) fn run(args: &GasArgs, output: &mut Output) -> Result<Exit, Failure> {
    let wasm = program::read(&args.file)?;
    if args.given.asks_for_help() {
        let interface = Interfaces::new(Reading::On, None).of_file(&args.file, &wasm);
        return method_help::of_program(interface.as_deref(), args.invoke.as_deref(), output);
    }
    let rules = Rules::v1_of_all_formats(Vec::new()).with_floats(args.floats.rule());
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
            let error = anyhow::Error::new(error).context(format!("cannot write `{shown}`"));
            Failure::new(Exit::Usage, error).next("choose a file in an existing folder")
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

/// Runs a function of a program without imports.
fn run_program(
    args: &GasArgs,
    wasm: &[u8],
    rules: &Rules,
    found: &Inspection,
) -> Result<Spent, Failure> {
    let export = run::find_export(&found.program, args.invoke.as_deref())?;
    let words =
        arguments::without_names(words(args), "a program without imports names no arguments")?;
    let values: Vec<Value> = run::parse_args(&found.program, export, &words)?;
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
    let engines = answers.iter().map(|on| on.engine.to_owned()).collect();
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

/// Deploys the contract on a temporary chain, and calls the method.
fn call_contract(args: &GasArgs, code: Vec<u8>, found: &Inspection) -> Result<Spent, Failure> {
    let folder = tempfile::tempdir().map_err(|error| {
        let error = anyhow::Error::new(error).context("cannot create a temporary folder");
        Failure::new(Exit::Host, error).next("check the folder in TMPDIR")
    })?;
    let resolved = resolve(args, folder.path())?;
    let operation = if is_deployment(args) {
        let input = resolved.arguments((args, words(args)), &code, DEPLOY_METHOD)?;
        let value = 0;
        Operation::Deploy { code, input, value }
    } else {
        resolved.deploy_and_find(args, code)?
    };
    let (contracts, profilers): (Vec<_>, Vec<_>) =
        engines::contracts(args.engine, None, &ContractRules::latest())?
            .into_iter()
            .map(profiled)
            .unzip();
    let request = resolved.request(operation, Some(args.gas));
    let engines = resolved.engines();
    let chain = resolved.chain.on(contracts);
    let receipt = chain.execute(&request, Keep::Nothing)?.receipt;
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
        engines,
    })
}

/// The words of the function or method.
fn words(args: &GasArgs) -> Words<'_> {
    Words {
        plain: &args.args,
        given: &args.given,
        by: None,
    }
}

/// Whether the deployment itself is profiled.
fn is_deployment(args: &GasArgs) -> bool {
    args.invoke.as_deref() == Some(DEPLOY_METHOD)
}

fn resolve(args: &GasArgs, folder: &Path) -> Result<Resolved, Failure> {
    let chain = FolderChain::open(folder)?;
    let keys = KeyFolderArgs::default();
    let sender = Signer::find(&args.from, &keys, &PasswordArgs::default(), &chain.state()?)?;
    let contracts = engines::contracts(args.engine, None, &ContractRules::latest())?;
    Ok(Resolved {
        sender,
        fee_payer: None,
        gas_price: None,
        keystore: Keystore::new(keys.keys),
        interfaces: Interfaces::new(Reading::On, Some(folder.join(INTERFACES))),
        chain: chain.on(contracts).into(),
    })
}

/// Adds a profiler.
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

/// The result that all engines agree on.
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
    /// Deploys the contract, and returns the call of the requested method.
    fn deploy_and_find(&self, args: &GasArgs, code: Vec<u8>) -> Result<Operation, Failure> {
        let first = Words {
            plain: &args.deploy_args,
            given: &Given::default(),
            by: Some("--deploy-args"),
        };
        let input = self.arguments((args, first), &code, DEPLOY_METHOD)?;
        let value = 0;
        let request = self.request(Operation::Deploy { code, input, value }, Some(DEPLOY_GAS));
        let deployed = self.chain.execute(&request, Keep::Always)?.receipt;
        let Some(address) = deployed.deployed else {
            let reason = receipt::reason(&deployed).unwrap_or_else(|| deployed.status.to_string());
            let error = anyhow::anyhow!("the deployment failed: {reason}");
            return Err(Failure::new(Exit::Unsuccessful, error)
                .next("pass the arguments of `deploy` with --deploy-args"));
        };
        let method = self.method(args, address)?;
        let to = self.callee(&address.to_string(), &method)?;
        let interface = self.interface(to)?;
        Ok(Operation::Call {
            to,
            value: 0,
            input: self.encode(words(args), interface.as_deref(), &method)?,
            method,
        })
    }

    /// The input that arguments of a method of a program are.
    fn arguments(
        &self,
        (args, words): (&GasArgs, Words<'_>),
        code: &[u8],
        method: &str,
    ) -> Result<Vec<u8>, Failure> {
        let interface = self.interfaces.of_file(&args.file, code);
        self.encode(words, interface.as_deref(), method)
    }

    /// The requested method, or the only one.
    fn method(&self, args: &GasArgs, address: Address) -> Result<String, Failure> {
        if let Some(method) = &args.invoke {
            return Ok(method.clone());
        }
        let methods = self.chain.methods(address)?;
        let methods = methods.unwrap_or_default();
        let listed = names::list(methods.iter().map(String::as_str));
        match <[String; 1]>::try_from(methods) {
            Ok([only]) => Ok(only),
            Err(_) => Err(Failure::usage("no method given").next(format!(
                "choose one with --invoke: the methods are {listed}"
            ))),
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
