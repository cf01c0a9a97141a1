//! Measures Fusee side by side with its peers.
//!
//! A group is one file and one line in [`GROUPS`]: it builds comparisons, has them measured, and
//! returns rows. What the rows mean stands in `README.md`. A command, in [`COMMANDS`], does
//! something else with what is measured.

mod calibrate;
mod compat;
mod contest;
mod contract;
mod count;
mod executor;
mod kernels;
mod ledger;
mod machine;
mod measure;
mod meter;
mod node;
mod ours;
mod page;
mod peers;
mod plot;
mod report;
mod system;
mod virtualization;

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{CommandFactory, Parser};

use crate::{page::Page, report::Findings};

/// The allocator of the command line, for every side. Not by default: when it asks the system for
/// memory depends on time, and `count` counts system calls.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Fusee side by side with its peers, in one run, and prints a row for each comparison.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true, after_help = groups())]
struct Arguments {
    /// What to measure, or to do
    group: String,
    #[command(flatten)]
    options: Options,
}

/// What all groups are told.
#[derive(Debug, clap::Args)]
struct Options {
    /// Print a JSON array instead of a table
    #[arg(long)]
    json: bool,
    /// How often each side of each comparison is measured
    #[arg(long, value_name = "N", default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure only the rows with NAME in their names, in the group `executor` also those of such a
    /// peer
    #[arg(long, value_name = "NAME", default_value = "")]
    filter: String,
    /// The accounts of the group `ledger`: 5000000 have ten million keys
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2..))]
    accounts: u32,
    /// The program of the peer of the group `node`: `npm install @foundry-rs/anvil` has it
    #[arg(long, value_name = "PATH", default_value = "anvil")]
    anvil: String,
    /// CometBFT v0.38, for the networks of the group `node`
    #[arg(long, value_name = "PATH", default_value = "cometbft")]
    cometbft: String,
    /// `abci-cli` of CometBFT v0.38, whose `kvstore` is a peer of the group `node`
    #[arg(long, value_name = "PATH", default_value = "abci-cli")]
    abci_cli: String,
    /// Write what was found into this repository, rather than only comparing with what is there
    #[arg(long)]
    write: bool,
}

impl Options {
    /// Whether the row of this name was asked for.
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.filter)
    }
}

/// Something else to do than to print rows.
struct Command {
    name: &'static str,
    /// Empty if it is not for people.
    about: &'static str,
    run: fn(&Options) -> Result<()>,
}

/// Comparisons that are measured together.
struct Group {
    name: &'static str,
    about: &'static str,
    measure: fn(&Options) -> Result<Findings>,
    /// Where what it finds is written, if it has a page.
    page: Option<Page>,
}

const GROUPS: &[Group] = &[
    Group {
        name: "meter",
        about: "what gas and stack metering cost, over the bare engines and over their own fuel",
        measure: meter::measure,
        page: None,
    },
    Group {
        name: "executor",
        about: "what a call takes, from the program's bytes on, over the bare engines and over other VMs",
        measure: executor::measure,
        page: Some(executor::page::PAGE),
    },
    Group {
        name: "contract",
        about: "what a transaction takes, over cosmwasm-vm and soroban-env-host, and its calls, searches and trace",
        measure: contract::measure,
        page: Some(contract::page::PAGE),
    },
    Group {
        name: "system",
        about: "what a call of a system program takes, and how long a guest runs on that was interrupted",
        measure: system::measure,
        page: Some(system::page::PAGE),
    },
    Group {
        name: "virtualization",
        about: "what it takes to make, run and answer a child, over PolkaVM and the bare engines",
        measure: virtualization::measure,
        page: Some(virtualization::page::PAGE),
    },
    Group {
        name: "compat",
        about: "what the calls of a node take, over Substrate's own backend and over Wasmtime as Freenet uses it",
        measure: compat::measure,
        page: Some(compat::page::PAGE),
    },
    Group {
        name: "ledger",
        about: "what signed transactions take, from their bytes to the disk, over redb and jmt and over the limits",
        measure: ledger::measure,
        page: Some(ledger::page::PAGE),
    },
    Group {
        name: "node",
        about: "what a node answers over JSON-RPC, over Anvil, and four of them with CometBFT, over its own application",
        measure: node::measure,
        page: Some(node::page::PAGE),
    },
];

const COMMANDS: &[Command] = &[
    Command {
        name: "count",
        about: "what metering costs in instructions, held against a golden file; needs valgrind",
        run: count::count,
    },
    Command {
        name: "calibrate",
        about: "what each priced thing takes on each engine, and what it should cost",
        run: calibrate::calibrate,
    },
    Command {
        name: "count-on-wasmtime",
        about: "",
        run: count::run_on_wasmtime,
    },
    Command {
        name: "count-on-wasmi",
        about: "",
        run: count::run_on_wasmi,
    },
    Command {
        name: "count-paths",
        about: "",
        run: count::run_paths,
    },
    Command {
        name: executor::suspended::COMMAND,
        about: "",
        run: executor::suspended::hold,
    },
    Command {
        name: virtualization::apart::COMMAND,
        about: "",
        run: virtualization::apart::tell,
    },
];

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let named = |command: &&Command| command.name == arguments.group;
    if let Some(command) = COMMANDS.iter().find(named) {
        (command.run)(&arguments.options)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(group) = GROUPS.iter().find(|group| group.name == arguments.group) else {
        eprintln!("error: there is no group `{}`\n", arguments.group);
        eprintln!("{}", Arguments::command().render_help());
        return Ok(ExitCode::from(2));
    };
    let options = &arguments.options;
    if options.write {
        ensure!(
            group.page.is_some(),
            "the group `{}` has no page",
            group.name
        );
        ensure!(
            options.filter.is_empty(),
            "a page has all rows of its group"
        );
    }
    let found = (group.measure)(options)?;
    if options.json {
        report::json(&found)?;
    } else {
        report::table(&found)?;
    }
    if let (true, Some(page)) = (options.write, &group.page) {
        page.write(&found)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn groups() -> String {
    let mut text = String::from("Groups:");
    for group in GROUPS {
        text.push_str(&format!("\n  {:<14} {}", group.name, group.about));
    }
    text.push_str("\n\nCommands:");
    for command in COMMANDS.iter().filter(|command| !command.about.is_empty()) {
        text.push_str(&format!("\n  {:<14} {}", command.name, command.about));
    }
    text
}
