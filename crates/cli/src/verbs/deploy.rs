//! `deploy`: deploys a program as a contract.

use fusee::chain::{Action, Transaction};
use fusee::sandbox::CodeHash;
use serde::Serialize;

use super::transaction::{self, Resolved, TransactionJson};
use crate::{
    args::DeployArgs,
    failure::{Exit, Failure},
    output::Output,
    program,
    receipt::{self, line},
    table::table,
};

#[derive(Serialize)]
struct DeployJson {
    address: Option<String>,
    code_hash: String,
    #[serde(flatten)]
    transaction: TransactionJson,
}

pub(crate) fn run(args: &DeployArgs, output: &mut Output) -> Result<Exit, Failure> {
    let code = program::read(&args.file)?;
    let flags = &args.transaction;
    let rules = fusee::chain::ContractRules::latest();
    program::prepare(&args.file, &code, &rules.program)?;
    let resolved = Resolved::new(&flags.common)?;
    let code_hash = CodeHash::of(&code);
    let transaction = Transaction {
        from: resolved.from,
        action: Action::Deploy {
            code,
            input: resolved.input.clone(),
        },
        value: flags.value,
        gas: flags.common.gas,
    };
    let keep = transaction::keep(flags.dry_run);
    let executed = resolved
        .chain
        .execute(&resolved.contracts, &transaction, keep)?;

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
        lines.extend(transaction::lines(&engines, &executed));
        table(0, &lines)
    })?;
    Ok(receipt::exit(&executed.receipt))
}
