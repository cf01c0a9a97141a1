//! The command-line interface: run and check programs, deploy, call and query contracts.
//!
//! [`args`] parses the flags; the verb resolves each flag once and does its work. [`engines`]
//! chooses the engines. Results go to standard output, as text or as one JSON document. Errors go
//! to standard error, and with `--json` to standard output as well. [`failure::EXIT_CODES`] lists
//! the exit codes.
#![forbid(unsafe_code)]

mod addresses;
mod args;
mod arguments;
mod bindings;
mod book;
mod chain;
mod decoded;
mod engines;
mod failure;
mod flame;
mod instance;
mod interfaces;
mod log;
mod memory;
mod names;
mod node;
mod numbers;
mod output;
mod password;
mod profile;
mod program;
mod progress;
mod receipt;
mod signer;
mod symbols;
mod table;
mod trace;
mod values;
mod verbs;

use std::process::ExitCode;

use mimalloc::MiMalloc;

use crate::{
    args::{Cli, Verb, VerifyArgs, VerifyVerb},
    failure::{Exit, Failure},
    output::{Format, Output},
};

/// Threads that execute, verify and commit hand each other what they have allocated. With the
/// allocator of glibc, they then wait for its locks for longer than a second thread wins.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    if let Some(exit) = verbs::test::compile_if_asked() {
        return exit;
    }
    engines::compile_if_asked();
    let Cli {
        json,
        no_color,
        verb,
    } = match args::parse() {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    if !matches!(verb, Verb::Node(_)) {
        log::start();
    }
    let format = if json { Format::Json } else { Format::Text };
    let mut output = Output::new(format, no_color);
    let exit = match dispatch(verb, &mut output) {
        Ok(exit) => exit,
        Err(failure) => {
            output::complain(&failure.text());
            if format == Format::Json {
                // If this fails too, standard error has the message.
                let _ = output.json(&failure.json());
            }
            failure.exit()
        }
    };
    exit.into()
}

fn dispatch(verb: Verb, output: &mut Output) -> Result<Exit, Failure> {
    match verb {
        Verb::Demo(args) => verbs::demo::run(&args, output),
        Verb::New(args) => verbs::new::run(&args, output),
        Verb::Build(args) => verbs::build::run(&args, output),
        Verb::Test(args) => verbs::test::run(&args, output),
        Verb::Run(args) => verbs::run::run(&args, output),
        Verb::Check(args) => verbs::check::run(&args, output),
        Verb::Inspect(args) => verbs::inspect::run(&args, output),
        Verb::Gas(args) => verbs::gas::run(&args, output),
        Verb::Deploy(args) => verbs::deploy::run(&args, output),
        Verb::Interface(args) => verbs::interface::run(&args, output),
        Verb::Bindings(args) => verbs::bindings::run(&args, output),
        Verb::Upload(args) => verbs::code::upload(&args, output),
        Verb::Create(args) => verbs::code::create(&args, output),
        Verb::Upgrade(args) => verbs::code::upgrade(&args, output),
        Verb::Admin(args) => verbs::code::admin(&args, output),
        Verb::RemoveCode(args) => verbs::code::remove(&args, output),
        Verb::Call(args) => verbs::call::run(&args, output),
        Verb::Trace(args) => verbs::trace::run(&args, output),
        Verb::Query(args) => verbs::query::run(&args, output),
        Verb::Replay(args) => match &args.file {
            Some(file) => verbs::replay::run(file, &args, output),
            None => verbs::replay_chain::run(&args, output),
        },
        Verb::Keys(args) => verbs::keys::run(&args, output),
        Verb::Name(args) => verbs::name::run(&args, output),
        Verb::Accounts(args) => verbs::accounts::run(&args, output),
        Verb::Blocks(args) => verbs::blocks::list(&args, output),
        Verb::Block(args) => verbs::blocks::show(&args, output),
        Verb::Transaction(args) => verbs::lookup::run(&args, output),
        Verb::Events(args) => verbs::events::run(&args, output),
        Verb::Storage(args) => verbs::storage::run(&args, output),
        Verb::Status(args) => verbs::status::run(&args, output),
        Verb::Prove(args) => verbs::proof::prove(&args, output),
        Verb::Verify(VerifyArgs { verb }) => match verb {
            VerifyVerb::Proof(args) => verbs::proof::verify(&args, output),
            VerifyVerb::Build(args) => verbs::verify::run(&args, output),
        },
        Verb::Genesis(args) => verbs::genesis::run(&args, output),
        Verb::Init(args) => verbs::folder::init(&args, output),
        Verb::Doctor(args) => verbs::folder::doctor(&args.folder, output),
        Verb::Rollback(args) => verbs::folder::rollback(&args, output),
        Verb::Backup(args) => verbs::folder::backup(&args, output),
        Verb::Snapshot(args) => verbs::snapshot::run(&args, output),
        Verb::Node(args) => node::run(&args, output),
        Verb::Net(args) => verbs::net::run(&args, output),
        Verb::Completions(args) => verbs::shell::completions(&args, output),
        Verb::Man(args) => verbs::shell::man(&args, output),
    }
}
