//! The command line: verbs, flags and help texts. Verbs resolve the flags.

mod authors;
mod chains;
mod contracts;
mod keys;
mod names;
mod net;
mod node;
mod programs;
mod reads;
mod shell;
mod words;

use std::{path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, Parser, Subcommand, builder::FalseyValueParser};

use crate::{
    failure::{EXIT_CODES, Exit, Failure},
    output::{Format, Output},
    values,
};

pub(crate) use self::{
    authors::*, chains::*, contracts::*, keys::*, names::*, net::*, node::*, programs::*, reads::*,
    shell::*, words::*,
};

/// Default gas limit.
const DEFAULT_GAS: &str = "1000000000";

/// Seconds to wait by default for a data folder that another process uses.
const FOLDER_WAIT: u64 = 10;

/// Seconds to wait by default for a node.
const NODE_WAIT: u64 = 60;

/// Run untrusted WebAssembly and PolkaVM programs deterministically
///
/// Every engine computes the same result, the same gas and the same state.
///
/// Start with `fusee demo`.
#[derive(Debug, Parser)]
#[command(name = "fusee", version = env!("FUSEE_VERSION"), max_term_width = 100, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,

    /// Print plain text without styles, even to a terminal
    #[arg(
        long,
        global = true,
        help_heading = "Output",
        env = "NO_COLOR",
        hide_env_values = true
    )]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) no_color: bool,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a token contract on every engine and compare the results
    Demo(DemoArgs),
    /// Write a new contract in Rust, with its tests
    New(NewArgs),
    /// Build a contract, check it, and tell how large its parts are
    Build(BuildArgs),
    /// Run the tests of a contract, and show the lines that they ran
    Test(TestArgs),
    /// Run an exported function of a program on every engine
    Run(RunArgs),
    /// Validate a program as a contract
    Check(CheckArgs),
    /// List the contents of a program and the effect of metering
    Inspect(InspectArgs),
    /// Profile the gas of a run by function and by syscall
    Gas(GasArgs),
    /// Deploy a program as a contract
    Deploy(DeployArgs),
    /// Show what a contract tells of itself, or write it into a program
    Interface(InterfaceArgs),
    /// Make a client in TypeScript from what a contract tells of itself
    Bindings(BindingsArgs),
    /// Store a program, of which contracts can be made
    Upload(UploadArgs),
    /// Make a contract of uploaded code
    Create(CreateArgs),
    /// Replace the code of a contract
    Upgrade(UpgradeArgs),
    /// Hand over a contract, or give it up for ever
    Admin(AdminArgs),
    /// Remove uploaded code that no contract has
    RemoveCode(RemoveCodeArgs),
    /// Call a method of a contract and commit its changes
    Call(CallArgs),
    /// Call a method of a contract read-only
    Query(QueryArgs),
    /// Show the calls, syscalls, storage and gas of a call, and commit nothing
    Trace(TraceCallArgs),
    /// Run a recorded transaction or the whole chain again, and compare
    Replay(ReplayArgs),
    /// Make, list and show keys, and sign by them
    Keys(KeysArgs),
    /// Give names to addresses, and list them
    Name(NameArgs),
    /// List accounts and contracts
    Accounts(AccountsArgs),
    /// List the last blocks
    Blocks(BlocksArgs),
    /// Show a block with its transactions and results
    Block(BlockArgs),
    /// Say what became of a transaction
    Transaction(TransactionIdArgs),
    /// List what contracts announced
    Events(EventsArgs),
    /// List the storage of a contract
    Storage(StorageArgs),
    /// Say what a chain is, and how the node is
    Status(StatusArgs),
    /// Prove what an account or a contract has, to people who trust no more than the state root
    Prove(ProveArgs),
    /// Verify proofs of a state, or that a program is made of its sources
    Verify(VerifyArgs),
    /// Print a genesis file, to begin a chain with
    Genesis(GenesisArgs),
    /// Make the data folder of a new chain
    Init(InitArgs),
    /// Check all of a data folder, and change nothing
    Doctor(DoctorArgs),
    /// Remove the last blocks
    Rollback(RollbackArgs),
    /// Copy a data folder
    Backup(BackupArgs),
    /// Write or read the state in chunks, to begin another node with
    Snapshot(SnapshotArgs),
    /// Run a node: a development chain, a chain of one machine, or one that CometBFT replicates
    Node(Box<NodeArgs>),
    /// Set up a network of nodes
    Net(NetArgs),
    /// Print what a shell completes commands with
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

impl Verb {
    /// Where a verb that calls a method has what is for the method.
    fn given(&mut self) -> Option<&mut Given> {
        match self {
            Self::Call(args) => Some(&mut args.arguments.given),
            Self::Create(args) => Some(&mut args.arguments.given),
            Self::Deploy(args) => Some(&mut args.arguments.given),
            Self::Upgrade(args) => Some(&mut args.arguments.given),
            Self::Query(args) => Some(&mut args.arguments.given),
            Self::Trace(args) => Some(&mut args.arguments.given),
            Self::Gas(args) => Some(&mut args.given),
            _ => None,
        }
    }
}

fn parse_digest(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err("it has 64 hexadecimal digits".to_owned()),
    }
}

/// The flag of the data folder.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// Data folder of the chain
    #[arg(long, value_name = "DIR", env = "FUSEE_DATA", default_value = ".fusee")]
    pub(crate) data: PathBuf,
}

/// The flags of a chain: in a data folder, or behind a node.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChainArgs {
    /// Data folder of the chain [env: FUSEE_DATA] [default: .fusee]
    #[arg(long, value_name = "DIR", conflicts_with = "node")]
    data: Option<PathBuf>,

    /// Node to talk to, instead of a data folder, such as http://127.0.0.1:8645 [env: FUSEE_NODE]
    #[arg(long, value_name = "URL")]
    node: Option<String>,

    /// Refuse a node of a chain that has another name than this
    #[arg(long, value_name = "NAME")]
    pub(crate) chain_id: Option<String>,

    /// Seconds to wait while another process uses the data folder, or until a node has answered
    /// and a block has the transaction [default: 10; with a node 60]
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
}

/// Where a chain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Folder(PathBuf),
    /// Behind a node, by its URL.
    Node(String),
}

impl ChainArgs {
    /// Where the chain is: flags come before the environment, and a node before a folder.
    pub(crate) fn place(&self) -> Place {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let node = || variable("FUSEE_NODE").map(|url| url.to_string_lossy().into_owned());
        match (&self.data, &self.node) {
            (Some(data), _) => Place::Folder(data.clone()),
            (None, Some(url)) => Place::Node(url.clone()),
            (None, None) => node().map_or_else(
                || Place::Folder(variable("FUSEE_DATA").map_or(".fusee".into(), PathBuf::from)),
                Place::Node,
            ),
        }
    }

    /// How long to wait.
    pub(crate) fn wait(&self) -> Duration {
        let default = match self.place() {
            Place::Folder(_) => FOLDER_WAIT,
            Place::Node(_) => NODE_WAIT,
        };
        Duration::from_secs(self.wait.unwrap_or(default))
    }
}

/// Bytes given in hexadecimal.
#[derive(Clone, Debug)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

/// Parses the command line. Prints help, version and usage errors itself, and then returns the
/// exit.
pub(crate) fn parse() -> Result<Cli, Exit> {
    let (words, given) = words::split(std::env::args_os().collect(), Cli::command());
    let parsed = Cli::try_parse_from(words).map(|mut cli| {
        if let Some(place) = cli.verb.given() {
            *place = given;
        }
        cli
    });
    parsed.map_err(|error| {
        // A closed output is not an error.
        let _ = error.print();
        if !error.use_stderr() {
            return Exit::Success;
        }
        if std::env::args_os().any(|arg| arg == "--json") {
            let failure = Failure::usage(error.to_string().trim_end()).next("see `fusee --help`");
            let _ = Output::new(Format::Json, true).json(&failure.json());
        }
        Exit::Usage
    })
}

impl Hex {
    fn parse(text: &str) -> Result<Self, String> {
        values::parse_hex(text).map(Self)
    }
}
