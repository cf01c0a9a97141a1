//! `deploy`: deploys a program as a contract.

use fusee::abi::DEPLOY_METHOD;
use fusee::ledger::Operation;
use fusee::sandbox::CodeHash;
use serde::Serialize;

use super::transaction::{self, Resolved, TransactionJson};
use crate::{
    args::DeployArgs,
    failure::{Exit, Failure},
    names,
    output::Output,
    program,
    receipt::{self, line},
};

#[derive(Serialize)]
struct DeployJson<'a> {
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    code_hash: String,
    #[serde(flatten)]
    transaction: TransactionJson<'a>,
}

pub(crate) fn run(args: &DeployArgs, output: &mut Output) -> Result<Exit, Failure> {
    let code = program::read(&args.file)?;
    let flags = &args.transaction;
    program::check_contract(&args.file, &code)?;
    let resolved = Resolved::sending(flags)?.traced(&args.trace)?;
    if args.arguments.given.asks_for_help() {
        return resolved.help_on_file((&args.file, &code), DEPLOY_METHOD, output);
    }
    resolved.check_name(args.name.as_deref())?;
    let code_hash = CodeHash::of(&code);
    resolved.interfaces.check_file(&args.file, &code);
    let interface = resolved.interfaces.of_file(&args.file, &code);
    let input = resolved.input(&args.arguments, interface.as_deref(), DEPLOY_METHOD)?;
    let value = flags.value;
    let operation = Operation::Deploy { code, input, value };
    let request = resolved.request(operation, flags.common.gas);
    let keep = transaction::keep(flags);
    let executed = resolved.execute(&request, keep)?;

    if executed.receipt.deployed.is_some() && executed.committed.is_some() {
        resolved.interfaces.keep(&args.file, code_hash)?;
    }
    resolved.give_name(args.name.as_deref(), &executed)?;
    let engines = resolved.engines();
    let address = executed.receipt.deployed.map(|address| address.to_string());
    let answer = DeployJson {
        name: address.as_ref().and(args.name.as_deref()),
        address,
        code_hash: code_hash.to_string(),
        transaction: TransactionJson::new(&resolved, &executed),
    };
    output.answer(&answer, || {
        let mut lines = Vec::new();
        lines.extend(
            executed
                .receipt
                .deployed
                .map(|it| line("address", names::full(it))),
        );
        lines.push(line("code hash", code_hash.to_string()));
        transaction::text(lines, &engines, &executed)
    })?;
    Ok(receipt::exit(&executed.receipt))
}
