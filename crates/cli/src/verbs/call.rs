//! `call`: calls a method of a contract or transfers value, and commits the changes.

use fusee::chain::{Action, Transaction};

use super::transaction::{self, Resolved, TransactionJson};
use crate::{
    args::CallArgs,
    failure::{Exit, Failure},
    output::Output,
    receipt,
    table::table,
};

pub(crate) fn run(args: &CallArgs, output: &mut Output) -> Result<Exit, Failure> {
    let flags = &args.transaction;
    let method = args.method.clone().unwrap_or_default();
    let resolved = Resolved::new(&flags.common)?;
    let to = resolved.callee(&args.address, &method)?;
    let transaction = Transaction {
        from: resolved.from,
        action: Action::Call {
            to,
            method,
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
    let answer = TransactionJson::new(engines.clone(), &executed);
    output.answer(&answer, || {
        table(0, &transaction::lines(&engines, &executed))
    })?;
    Ok(receipt::exit(&executed.receipt))
}
