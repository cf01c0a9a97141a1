//! A node that CometBFT drives: the chain of a genesis file, in a folder, on an engine.
//!
//! ```sh
//! cargo run --example application -- genesis.json data unix://abci.sock wasmi 100
//! ```
//!
//! The arguments are the genesis file, the folder, the address, the lane of `conformance` that runs
//! contracts (default: wasmi), and how many blocks lie between two snapshots (default: none).

use std::error::Error;
use std::num::NonZeroU64;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use fusee_abci::{App, AppOptions, Server, SnapshotOptions};
use fusee_chain::DataFolder;
use fusee_conformance::lanes;
use fusee_contract::{ContractRules, Contracts};
use fusee_ledger::{Genesis, Ledger, LedgerRules, Rulebook};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "a program tells why it ends")]
            {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [file, folder, address, rest @ ..] = arguments else {
        return Err("usage: node GENESIS FOLDER ADDRESS [LANE [SNAPSHOT_INTERVAL]]".into());
    };
    let lane = rest.first().map_or("wasmi", String::as_str);
    let genesis = Genesis::parse(&std::fs::read_to_string(file)?)?;
    let mut options = AppOptions::new(&genesis);
    let every = rest.get(1).map(|number| number.parse::<NonZeroU64>());
    options.snapshots = every.transpose()?.map(SnapshotOptions::every);
    let folder = DataFolder::create(Path::new(folder), genesis)?;
    let app = App::open(folder, ledger(lane)?, options)?;
    Ok(Server::bind(address)?.serve(&app)?)
}

fn ledger(name: &str) -> Result<Ledger, Box<dyn Error>> {
    let lane = lanes().into_iter().find(|lane| lane.name == name);
    let lane = lane.ok_or_else(|| format!("there is no lane `{name}`"))?;
    let executor = Arc::new(lane.executor);
    let mut rulebook = Rulebook::new().with_ledger(LedgerRules::v1());
    for rules in [ContractRules::v1(), ContractRules::v2()] {
        let contracts = Contracts::without_fallback(Arc::clone(&executor), rules);
        rulebook = rulebook.with_contracts(contracts.suspension(lane.suspension));
    }
    Ok(Ledger::new(rulebook))
}
