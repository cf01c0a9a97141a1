//! `query`: calls a method of a contract read-only.

use fusee::chain::{Query, Status};
use fusee::sandbox::Trap;
use serde::Serialize;

use super::transaction::{self, Resolved};
use crate::{
    args::QueryArgs,
    decoded::Decoded,
    failure::{Exit, Failure},
    interfaces::Warning,
    output::Output,
    receipt::{self, LogJson, ReceiptJson, line},
    table::table,
    trace::TraceJson,
};

#[derive(Serialize)]
struct QueryJson<'a> {
    engines: Vec<String>,
    #[serde(flatten)]
    receipt: ReceiptJson,
    #[serde(skip_serializing_if = "Decoded::is_empty")]
    decoded: Decoded,
    log: Vec<LogJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<TraceJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

pub(crate) fn run(args: &QueryArgs, output: &mut Output) -> Result<Exit, Failure> {
    let resolved = Resolved::new(&args.common)?.traced(&args.trace)?;
    if args.arguments.given.asks_for_help() {
        let method = Some(args.method.as_str()).filter(|method| !method.is_empty());
        return resolved.help_on_contract(&args.address, method, output);
    }
    if args.method.is_empty() {
        return Err(Failure::usage("a query needs a method")
            .next("`fusee query CONTRACT -- --help` lists those of a contract"));
    }
    let to = resolved.callee(&args.address, &args.method)?;
    let interface = resolved.interface(to)?;
    let query = Query {
        from: resolved.sender.address(),
        to,
        method: args.method.clone(),
        input: resolved.input(&args.arguments, interface.as_deref(), &args.method)?,
        gas: args
            .common
            .gas
            .unwrap_or_else(|| resolved.chain.query_gas()),
    };
    let executed = resolved.query(&query, args.height)?;
    let (receipt, log) = (&executed.receipt, &executed.log);

    let engines = resolved.engines();
    let answer = QueryJson {
        engines: engines.clone(),
        receipt: ReceiptJson::new(receipt),
        decoded: Decoded::new(
            (&resolved.interfaces, &resolved.chain.state()?),
            (query.to, &query.method),
            receipt,
        ),
        log: log.iter().map(LogJson::new).collect(),
        trace: executed
            .trace
            .as_ref()
            .map(|trace| TraceJson::new(trace, &executed.frames)),
        warnings: resolved.interfaces.warnings(),
    };
    output.answer(&answer, || {
        let mut lines = receipt::lines(receipt);
        lines.extend(answer.decoded.lines());
        lines.extend(log.iter().map(receipt::log_line));
        if receipt.status == Status::Trapped(Trap::SyscallRefused) {
            lines.push(line(
                "next",
                "queries are read-only: use `fusee call`, with --dry-run to commit nothing",
            ));
        }
        lines.push(line("engine", transaction::ran_on(&engines)));
        transaction::with_trace(table(0, &lines), &executed)
    })?;
    Ok(receipt::exit(receipt))
}
