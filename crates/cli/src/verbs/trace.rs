//! `trace`: calls a method of a contract, commits nothing, and shows what happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use fusee::chain::{Receipt, StateReader, Trace, keys};
use fusee::sandbox::CodeHash;

use super::{
    call::{self, Callee},
    transaction::{self, Resolved, TransactionJson},
};
use crate::{
    args::{TraceArgs, TraceCallArgs},
    chain::{Executed, Keep, Request, Tracing, next_contract_rules},
    failure::{Exit, Failure},
    flame,
    output::Output,
    profile::{self, Names, Stacks},
    receipt::{self, line},
    trace,
};

pub(crate) fn run(args: &TraceCallArgs, output: &mut Output) -> Result<Exit, Failure> {
    let mut resolved = Resolved::new(&args.common)?.traced(&TraceArgs { trace: true })?;
    if args.arguments.given.asks_for_help() {
        let method = args.method.as_deref();
        return resolved.help_on_contract(&args.address, method, output);
    }
    let callee = Callee {
        address: &args.address,
        method: args.method.as_deref().unwrap_or_default(),
        arguments: &args.arguments,
    };
    let operation = call::operation(&resolved, &callee, args.value)?;
    let request = resolved.request(operation, args.common.gas);
    let executed = resolved.execute(&request, Keep::Nothing)?;
    let mut lines = Vec::new();
    if let Some(path) = &args.svg {
        let method = args.method.as_deref().unwrap_or_default();
        let title = profile::clean(&format!("{} {method}", args.address));
        let stacks;
        (resolved, stacks) = profiled(resolved, &request, &executed.receipt)?;
        draw(path, &flame::svg(&title, &stacks))?;
        lines.push(line("image", path.display().to_string()));
    }
    let engines = resolved.engines();
    let answer = TransactionJson::new(&resolved, &executed);
    output.answer(&answer, || transaction::text(lines, &engines, &executed))?;
    Ok(receipt::exit(&executed.receipt))
}

/// Executes the transaction again with its functions told apart, which has to come to the same
/// receipt. Returns the gas by stacks, which has to add up to the gas of that receipt.
fn profiled(
    resolved: Resolved,
    request: &Request,
    expected: &Receipt,
) -> Result<(Resolved, Stacks), Failure> {
    let resolved = Resolved {
        chain: resolved.chain.tracing(Tracing::ByFunction)?,
        ..resolved
    };
    let Executed { receipt, trace, .. } = resolved.execute(request, Keep::Nothing)?;
    let trace = trace.unwrap_or_default();
    let stacks = trace::stacks(&trace, &function_names(&resolved, &trace)?);
    let sum = stacks.values().copied().fold(0, u64::saturating_add);
    if receipt != *expected || sum != expected.gas_used.units() {
        let error = anyhow::anyhow!(
            "the run by function came to another result: {}, {} gas used, {} gas in functions, \
             but the run without came to {}, {} gas used",
            receipt.status,
            receipt.gas_used,
            sum,
            expected.status,
            expected.gas_used,
        );
        return Err(Failure::new(Exit::Disagreement, error)
            .next("this is a bug in Fusee: report it with the data folder"));
    }
    Ok((resolved, stacks))
}

/// The names of the functions of all code that ran.
fn function_names(
    resolved: &Resolved,
    trace: &Trace,
) -> Result<BTreeMap<CodeHash, Names>, Failure> {
    let state = resolved.chain.state()?;
    let rules = next_contract_rules(&state)?.program;
    let codes: BTreeSet<CodeHash> = trace.frames.iter().filter_map(|frame| frame.code).collect();
    let names = codes.into_iter().filter_map(|code| {
        let program = state.read(&keys::code(code)).ok()??;
        let found = fusee::sandbox::inspect(&program, &rules).ok()?;
        Some((code, Names::of(&found).with_syscalls_of_traces()))
    });
    Ok(names.collect())
}

/// Writes the flame graph.
fn draw(path: &Path, svg: &str) -> Result<(), Failure> {
    fs::write(path, svg).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot write `{}`", path.display()));
        Failure::new(Exit::Usage, error).next("choose a file in an existing folder")
    })
}
