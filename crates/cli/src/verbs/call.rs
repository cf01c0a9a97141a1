//! `call`: calls a method of a contract or transfers value, and commits the changes.

use fusee::ledger::Operation;
use serde::Serialize;

use super::transaction::{self, Resolved, TransactionJson};
use crate::{
    args::{CallArgs, CommonArgs},
    decoded::Decoded,
    failure::{Exit, Failure},
    output::Output,
    receipt,
};

#[derive(Serialize)]
struct CallJson<'a> {
    #[serde(flatten)]
    transaction: TransactionJson<'a>,
    #[serde(skip_serializing_if = "Decoded::is_empty")]
    decoded: Decoded,
}

pub(crate) fn run(args: &CallArgs, output: &mut Output) -> Result<Exit, Failure> {
    let flags = &args.transaction;
    let resolved = Resolved::sending(flags)?.traced(&args.trace);
    let target = (args.address.as_str(), args.method.as_deref());
    let operation = operation(&resolved, &flags.common, target, flags.value)?;
    let request = resolved.request(operation, flags.common.gas);
    let keep = transaction::keep(flags.dry_run);
    let executed = resolved.execute(&request, keep)?;

    let engines = resolved.engines();
    let decoded = match &request.operation {
        Operation::Call { to, method, .. } => {
            let state = resolved.chain.state()?;
            Decoded::new(
                (&resolved.interfaces, &state),
                (*to, method),
                &executed.receipt,
            )
        }
        _ => Decoded::default(),
    };
    let answer = CallJson {
        transaction: TransactionJson::new(engines.clone(), &executed),
        decoded,
    };
    output.answer(&answer, || {
        transaction::text(answer.decoded.lines(), &engines, &executed)
    })?;
    Ok(receipt::exit(&executed.receipt))
}

/// The call of a method, or a transfer without one.
pub(super) fn operation(
    resolved: &Resolved,
    args: &CommonArgs,
    (address, method): (&str, Option<&str>),
    value: u128,
) -> Result<Operation, Failure> {
    let method = method.unwrap_or_default();
    let to = resolved.callee(address, method)?;
    if method.is_empty() {
        return match args.args.is_empty() && args.input.is_none() {
            true => Ok(Operation::Transfer { to, value }),
            false => Err(Failure::usage("a transfer has no arguments")
                .next("name the method before --args or --input")),
        };
    }
    let interface = resolved.interface(to)?;
    Ok(Operation::Call {
        to,
        method: method.to_owned(),
        input: resolved.input(args, interface.as_deref(), method)?,
        value,
    })
}
