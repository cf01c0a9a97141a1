//! `deploy`: deploys a program as a contract.

use fusee::abi::DEPLOY_METHOD;
use fusee::ledger::Operation;
use fusee::sandbox::CodeHash;
use serde::Serialize;

use super::transaction::{self, Resolved, TransactionJson};
use crate::{
    args::DeployArgs,
    failure::{Exit, Failure},
    output::Output,
    program,
    receipt::{self, line},
};

#[derive(Serialize)]
struct DeployJson<'a> {
    address: Option<String>,
    code_hash: String,
    #[serde(flatten)]
    transaction: TransactionJson<'a>,
}

pub(crate) fn run(args: &DeployArgs, output: &mut Output) -> Result<Exit, Failure> {
    let code = program::read(&args.file)?;
    let flags = &args.transaction;
    program::check_contract(&args.file, &code)?;
    let resolved = Resolved::sending(flags)?.traced(&args.trace)?;
    let code_hash = CodeHash::of(&code);
    let interface = resolved.interfaces.of_file(&args.file, &code);
    let input = resolved.input((&flags.common, &[]), interface.as_deref(), DEPLOY_METHOD)?;
    let value = flags.value;
    let operation = Operation::Deploy { code, input, value };
    let request = resolved.request(operation, flags.common.gas);
    let keep = transaction::keep(flags.dry_run);
    let executed = resolved.execute(&request, keep)?;

    if executed.receipt.deployed.is_some() && executed.committed.is_some() {
        resolved.interfaces.keep(&args.file, code_hash)?;
    }
    let engines = resolved.engines();
    let address = executed.receipt.deployed.map(|address| address.to_string());
    let answer = DeployJson {
        address: address.clone(),
        code_hash: code_hash.to_string(),
        transaction: TransactionJson::new(engines.clone(), &executed),
    };
    output.answer(&answer, || {
        let mut lines = Vec::new();
        lines.extend(address.map(|address| line("address", address)));
        lines.push(line("code hash", code_hash.to_string()));
        transaction::text(lines, &engines, &executed)
    })?;
    Ok(receipt::exit(&executed.receipt))
}
