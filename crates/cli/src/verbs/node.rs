//! `node`: serves the chain of a data folder to a consensus engine.

use std::{io, thread};

use fusee::abci::{App, AppError, AppOptions, ServeError, Server, SnapshotOptions, Stopper};
use fusee::chain::store::Retention;
use fusee::ledger::{Ledger, Parameters, Rulebook};
use serde::Serialize;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    args::NodeArgs,
    chain::{all_contract_rules, deposit_rules, rulebook},
    engines::{self, EngineChoice},
    failure::{Exit, Failure},
    output::Output,
    receipt::line,
    table::table,
};

/// The folder of compiled programs in the data folder.
const ARTIFACTS: &str = "compiled";

#[derive(Serialize)]
struct ListeningJson {
    chain_id: String,
    abci: String,
    engine: &'static str,
}

pub(crate) fn run(args: &NodeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let folder = super::folder::existing(&args.folder)?;
    let (engine, ledger) = ledger(args, &folder.genesis().parameters)?;
    let mut options = AppOptions::new(folder.genesis());
    options.snapshots = args.snapshots.map(SnapshotOptions::every);
    if let Some(blocks) = args.keep_blocks {
        options.store.retention = Retention::Last(blocks);
    }
    let chain_id = folder.genesis().parameters.chain_id.clone();
    let app = App::open(folder, ledger.threads(args.threads), options)?;
    let server = Server::bind(&args.abci)?;
    stop_by_signal(server.stopper())?;
    let listening = ListeningJson {
        chain_id,
        abci: server.address().to_string(),
        engine,
    };
    output.answer(&listening, || {
        table(
            0,
            &[
                line("chain", &listening.chain_id),
                line("abci", &listening.abci),
                line("engine", engine),
            ],
        )
    })?;
    server.serve(&app)?;
    Ok(Exit::Success)
}

/// A ledger that has all rules that this program knows. Those with a deposit are too many: it has
/// those of the chain's genesis.
fn ledger(args: &NodeArgs, parameters: &Parameters) -> Result<(&'static str, Ledger), Failure> {
    if args.engine == EngineChoice::All {
        return Err(Failure::usage("a node runs on one engine").next("choose one with --engine"));
    }
    let artifacts = args.folder.data.join(ARTIFACTS);
    let executors = engines::interpreting(args.engine, Some(&artifacts))?;
    let mut book: Option<Rulebook> = None;
    let mut engine = "";
    for on in &executors {
        engine = on.engine;
        for rules in all_contract_rules().chain(deposit_rules(parameters)) {
            let contracts = engines::on_rules(on.engine, &on.it, rules)?.it;
            book = Some(match book {
                Some(book) => book.with_contracts(contracts),
                None => rulebook(contracts),
            });
        }
    }
    Ok((engine, Ledger::new(book.unwrap_or_default())))
}

/// Stops the server by SIGTERM or Ctrl-C.
fn stop_by_signal(stopper: Stopper) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        let error = anyhow::Error::new(error).context("cannot wait for signals");
        Failure::new(Exit::Host, error).next("run the command again")
    };
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let waiting = thread::Builder::new().name("signals".to_owned());
    let waiting = waiting.spawn(move || {
        if signals.forever().next().is_some() {
            stopper.stop();
        }
    });
    waiting.map_err(failed)?;
    Ok(())
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Chain(error) => error.into(),
            error => Self::new(Exit::Host, error).next("see `fusee doctor`"),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Address(_) => {
                Self::new(Exit::Usage, error).next("give --abci unix://PATH or tcp://HOST:PORT")
            }
            ServeError::Bind { .. } => Self::new(Exit::Host, error)
                .next("end what uses the address, or choose another one with --abci"),
            error => Self::new(Exit::Host, error).next(
                "what was committed is durable: mend the cause, and start node and engine again",
            ),
        }
    }
}
