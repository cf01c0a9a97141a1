//! `call`: calls a method of a contract or transfers value, and commits the changes.

use fusee::ledger::Operation;
use serde::Serialize;

use super::transaction::{self, Resolved, TransactionJson};
use crate::{
    args::{CallArgs, CommonArgs},
    arguments::{self, Words},
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
    let resolved = Resolved::sending(flags)?.traced(&args.trace)?;
    if flags.common.given.asks_for_help() {
        let method = args.method.as_deref();
        return resolved.help_on_contract(&args.address, method, output);
    }
    let callee = Callee {
        address: &args.address,
        method: args.method.as_deref().unwrap_or_default(),
        words: &args.words,
    };
    let operation = operation(&resolved, &flags.common, &callee, flags.value)?;
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
    Ok(receipt::exit(&executed.receipt))
}

/// What is called, by what words.
pub(super) struct Callee<'a> {
    pub(super) address: &'a str,
    /// Empty for a transfer.
    pub(super) method: &'a str,
    /// The arguments behind the method.
    pub(super) words: &'a [String],
}

/// The call of a method, or a transfer without one.
pub(super) fn operation(
    resolved: &Resolved,
    args: &CommonArgs,
    callee: &Callee<'_>,
    value: u128,
) -> Result<Operation, Failure> {
    let Callee {
        address,
        method,
        words,
    } = *callee;
    let to = resolved.callee(address, method)?;
    if method.is_empty() {
        let words = Words {
            plain: words,
            given: &args.given,
            by: None,
        };
        let words = arguments::without_names(words, "without a method there are no arguments")?;
        return match words.is_empty() && args.args.is_empty() && args.input.is_none() {
            true => Ok(Operation::Transfer { to, value }),
            false => Err(Failure::usage("a transfer has no arguments")
                .next("name the method before --args or --input")),
        };
    }
    let interface = resolved.interface(to)?;
    Ok(Operation::Call {
        to,
        method: method.to_owned(),
        input: resolved.input((args, words), interface.as_deref(), method)?,
        value,
    })
}
