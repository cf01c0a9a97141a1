//! `upload`, `create`, `upgrade`, `admin` and `remove-code`: code, and the contracts made of it.

use fusee::abi::{DEPLOY_METHOD, MIGRATE_METHOD};
use fusee::ledger::Operation;
use fusee::sandbox::CodeHash;
use serde::Serialize;

use super::transaction::{self, Resolved, TransactionJson};
use crate::{
    addresses,
    args::{
        AdminArgs, CreateArgs, MethodArgs, RemoveCodeArgs, TransactionArgs, UpgradeArgs, UploadArgs,
    },
    failure::{Exit, Failure},
    names,
    output::Output,
    program,
    receipt::{self, line},
};

#[derive(Serialize)]
struct CodeJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_hash: Option<String>,
    #[serde(flatten)]
    transaction: TransactionJson<'a>,
}

pub(crate) fn upload(args: &UploadArgs, output: &mut Output) -> Result<Exit, Failure> {
    let code = program::read(&args.file)?;
    program::check_contract(&args.file, &code)?;
    let hash = CodeHash::of(&code);
    let resolved = Resolved::sending(&args.transaction)?;
    resolved.interfaces.check_file(&args.file, &code);
    let operation = Operation::Upload { code };
    let exit = send(
        &resolved,
        &args.transaction,
        Sent::of(operation, Some(hash)),
        output,
    )?;
    if exit == Exit::Success && !args.transaction.dry_run {
        resolved.interfaces.keep(&args.file, hash)?;
    }
    Ok(exit)
}

pub(crate) fn create(args: &CreateArgs, output: &mut Output) -> Result<Exit, Failure> {
    let resolved = Resolved::sending(&args.transaction)?.traced(&args.trace)?;
    if args.arguments.given.asks_for_help() {
        return resolved.help_on_code(args.code, DEPLOY_METHOD, output);
    }
    let salt = args.salt.as_ref().map(|salt| {
        let salt: Result<[u8; 32], _> = salt.0.as_slice().try_into();
        salt.map_err(|_| {
            let bytes = salt_bytes(args);
            Failure::usage(format!("the salt has {bytes} bytes, and needs 32"))
                .next("give 64 hexadecimal digits")
        })
    });
    let admin = args.admin.as_deref().map(|text| address(&resolved, text));
    resolved.check_name(args.name.as_deref())?;
    let operation = Operation::Create {
        code: *args.code.as_bytes(),
        salt: salt.transpose()?,
        admin: admin.transpose()?,
        input: input(&resolved, &args.arguments, args.code, DEPLOY_METHOD)?,
        value: args.transaction.value,
    };
    let sent = Sent {
        operation,
        code: None,
        name: args.name.as_deref(),
    };
    send(&resolved, &args.transaction, sent, output)
}

fn salt_bytes(args: &CreateArgs) -> usize {
    args.salt.as_ref().map_or(0, |salt| salt.0.len())
}

pub(crate) fn upgrade(args: &UpgradeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let resolved = Resolved::sending(&args.transaction)?.traced(&args.trace)?;
    if args.arguments.given.asks_for_help() {
        return resolved.help_on_code(args.code, MIGRATE_METHOD, output);
    }
    let operation = Operation::Upgrade {
        contract: address(&resolved, &args.contract)?,
        code: *args.code.as_bytes(),
        input: input(&resolved, &args.arguments, args.code, MIGRATE_METHOD)?,
        value: args.transaction.value,
    };
    send(
        &resolved,
        &args.transaction,
        Sent::of(operation, None),
        output,
    )
}

pub(crate) fn admin(args: &AdminArgs, output: &mut Output) -> Result<Exit, Failure> {
    let resolved = Resolved::sending(&args.transaction)?;
    let admin = args.to.as_deref().map(|text| address(&resolved, text));
    let operation = Operation::SetAdmin {
        contract: address(&resolved, &args.contract)?,
        admin: admin.transpose()?,
    };
    send(
        &resolved,
        &args.transaction,
        Sent::of(operation, None),
        output,
    )
}

pub(crate) fn remove(args: &RemoveCodeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let resolved = Resolved::sending(&args.transaction)?;
    let operation = Operation::RemoveCode {
        code: *args.code.as_bytes(),
    };
    send(
        &resolved,
        &args.transaction,
        Sent::of(operation, None),
        output,
    )
}

/// The input of a method of uploaded code.
fn input(
    resolved: &Resolved,
    arguments: &MethodArgs,
    code: CodeHash,
    method: &str,
) -> Result<Vec<u8>, Failure> {
    let state = resolved.chain.state()?;
    resolved.interfaces.check_code(&state, code);
    let interface = resolved.interfaces.of_code(&state, code);
    resolved.input(arguments, interface.as_deref(), method)
}

fn address(resolved: &Resolved, text: &str) -> Result<fusee::chain::Address, Failure> {
    addresses::resolve(text, &resolved.chain.state()?, Some(&resolved.keystore))
}

/// An operation, with what is told of it.
struct Sent<'a> {
    operation: Operation,
    code: Option<CodeHash>,
    /// The name of the contract that it makes.
    name: Option<&'a str>,
}

impl Sent<'_> {
    const fn of(operation: Operation, code: Option<CodeHash>) -> Self {
        Self {
            operation,
            code,
            name: None,
        }
    }
}

fn send(
    resolved: &Resolved,
    flags: &TransactionArgs,
    sent: Sent<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let Sent {
        operation,
        code,
        name,
    } = sent;
    if flags.value != operation.value() {
        return Err(Failure::usage("this operation takes no value").next("leave --value out"));
    }
    let request = resolved.request(operation, flags.common.gas);
    let keep = transaction::keep(flags);
    let executed = resolved.execute(&request, keep)?;
    resolved.give_name(name, &executed)?;
    let engines = resolved.engines();
    let address = executed.receipt.deployed.map(|address| address.to_string());
    let answer = CodeJson {
        name: address.as_ref().and(name),
        address,
        code_hash: code.map(|hash| hash.to_string()),
        transaction: TransactionJson::new(resolved, &executed),
    };
    output.answer(&answer, || {
        let mut lines = Vec::new();
        lines.extend(
            executed
                .receipt
                .deployed
                .map(|it| line("address", names::full(it))),
        );
        lines.extend(code.map(|hash| line("code hash", hash.to_string())));
        transaction::text(lines, &engines, &executed)
    })?;
    Ok(receipt::exit(&executed.receipt))
}
