//! `call`: calls a method of a contract or transfers value, and commits the changes.

use fusee::ledger::Operation;
use serde::Serialize;

use super::transaction::{self, Resolved, TransactionJson};
use crate::{
    args::{CallArgs, MethodArgs},
    arguments,
    decoded::Decoded,
    failure::{Exit, Failure},
    output::{self, Output},
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
    let resolved = Resolved::sending(flags)?.traced(&args.trace)?;
    if args.arguments.given.asks_for_help() {
        let method = args.method.as_deref();
        return resolved.help_on_contract(&args.address, method, output);
    }
    let callee = Callee {
        address: &args.address,
        method: args.method.as_deref().unwrap_or_default(),
        arguments: &args.arguments,
    };
    let operation = operation(&resolved, &callee, flags.value)?;
    let request = resolved.request(operation, flags.common.gas);
    let keep = transaction::keep(flags);
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
        transaction: TransactionJson::new(&resolved, &executed),
        decoded,
    };
    output.answer(&answer, || {
        transaction::text(answer.decoded.lines(), &engines, &executed)
    })?;
    if executed.committed.is_some()
        && let Operation::Call { to, method, .. } = &request.operation
        && let Some(interface) = resolved.interface(*to)?
        && interface.method(method).is_some_and(|it| it.read_only)
    {
        let address = &args.address;
        output::complain(&format!(
            "note: `{method}` only reads: `fusee query {address} {method}` needs no transaction\n"
        ));
    }
    Ok(receipt::exit(&executed.receipt))
}

/// What is called, and how.
pub(super) struct Callee<'a> {
    pub(super) address: &'a str,
    /// Empty for a transfer.
    pub(super) method: &'a str,
    pub(super) arguments: &'a MethodArgs,
}

/// The call of a method, or a transfer without one.
pub(super) fn operation(
    resolved: &Resolved,
    callee: &Callee<'_>,
    value: u128,
) -> Result<Operation, Failure> {
    let Callee {
        address,
        method,
        arguments,
    } = *callee;
    let to = resolved.callee(address, method)?;
    if method.is_empty() {
        let words = arguments.words()?;
        let words = arguments::without_names(words, "without a method there are no arguments")?;
        return match words.is_empty() && arguments.input.is_none() {
            true => Ok(Operation::Transfer { to, value }),
            false => Err(Failure::usage("a transfer has no arguments")
                .next("name the method before --args or --input")),
        };
    }
    let interface = resolved.interface(to)?;
    Ok(Operation::Call {
        to,
        method: method.to_owned(),
        input: resolved.input(arguments, interface.as_deref(), method)?,
        value,
    })
}
