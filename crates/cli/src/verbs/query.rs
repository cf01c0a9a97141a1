//! `query`: calls a method of a contract read-only.

use fusee::chain::{Query, Status};
use fusee::sandbox::Trap;
use serde::Serialize;

use super::transaction::{self, Resolved};
use crate::{
    args::QueryArgs,
    failure::{Exit, Failure},
    output::Output,
    receipt::{self, ReceiptJson, line},
    table::table,
};

#[derive(Serialize)]
struct QueryJson {
    engines: Vec<&'static str>,
    #[serde(flatten)]
    receipt: ReceiptJson,
}

pub(crate) fn run(args: &QueryArgs, output: &mut Output) -> Result<Exit, Failure> {
    let resolved = Resolved::new(&args.common)?;
    if args.method.is_empty() {
        return Err(Failure::usage("a query needs a method").next("see `fusee query --help`"));
    }
    let query = Query {
        from: resolved.from,
        to: resolved.callee(&args.address, &args.method)?,
        method: args.method.clone(),
        input: resolved.input.clone(),
        gas: args.common.gas,
    };
    let receipt = resolved.chain.query(&resolved.contracts, &query)?;

    let engines = resolved.engines();
    let answer = QueryJson {
        engines: engines.clone(),
        receipt: ReceiptJson::new(&receipt),
    };
    output.answer(&answer, || {
        let mut lines = receipt::lines(&receipt);
        if receipt.status == Status::Trapped(Trap::SyscallRefused) {
            lines.push(line(
                "next",
                "queries are read-only: use `fusee call`, with --dry-run to commit nothing",
            ));
        }
        lines.push(line("engine", transaction::ran_on(&engines)));
        table(0, &lines)
    })?;
    Ok(receipt::exit(&receipt))
}
