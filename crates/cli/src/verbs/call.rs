//! `call`: calls a method of a contract or transfers value, and commits the changes.

use fusee::chain::{Action, Transaction};
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
    let transaction = Transaction {
        from: resolved.from,
        action: action(
            &resolved,
            &flags.common,
            &args.address,
            args.method.as_deref(),
        )?,
        value: flags.value,
        gas: flags.common.gas,
    };
    let keep = transaction::keep(flags.dry_run);
    let executed = resolved.execute(&transaction, keep)?;

    let engines = resolved.engines();
    let decoded = match &transaction.action {
        Action::Call { to, method, .. } => {
            let snapshot = resolved.chain.snapshot()?;
            Decoded::new(
                (&resolved.interfaces, &snapshot),
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
pub(super) fn action(
    resolved: &Resolved,
    args: &CommonArgs,
    address: &str,
    method: Option<&str>,
) -> Result<Action, Failure> {
    let method = method.unwrap_or_default();
    let to = resolved.callee(address, method)?;
    let interface = resolved.interface(to)?;
    Ok(Action::Call {
        to,
        method: method.to_owned(),
        input: resolved.input(args, interface.as_deref(), method)?,
    })
}
