//! Flags of the verbs that show, check, copy and replay chains.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Subcommand};
use fusee::{chain::Address, sandbox::Gas};

use super::{ChainArgs, FolderArgs, KeyFolderArgs, parse_digest};
use crate::{
    engines::ReplayChoice,
    numbers::{parse_amount, parse_gas},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee demo
  fusee demo --keep demo-state && fusee accounts --data demo-state/wasmtime
  fusee demo --json")]
pub(crate) struct DemoArgs {
    /// Create this folder and keep the data folders in it [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A capsule holds one transaction with all that it read: rules, code, state, block, oracle answers; and
the outcome that it had. `--capsule FILE` of `call`, `deploy`, `upload`, `create`, `upgrade`, `admin`
and `remove-code` writes one, also if the transaction fails.

Needs no data folder then, and changes none. Prints the outcome, and whether it is the same on every
engine and the same as recorded. If not, prints the first call or syscall that differs, with the gas
of both sides. Exit code 0 means that everything is equal, whatever the transaction came to, and
exit code 3 that something differs.

Examples; 3f9c20 is the start of the address that `fusee deploy` printed:
  fusee call 3f9c20 transfer @bob 250 --dry-run --capsule transfer.capsule
  fusee replay transfer.capsule
  fusee replay transfer.capsule --engine wasmi --json
  fusee call 3f9c20 total_supply --capsule small.capsule --capsule-without-code
  fusee replay small.capsule --code guests/wasm/token.wasm")]
pub(crate) struct ReplayArgs {
    /// Capsule, as `--capsule` wrote it [default: the chain in the data folder]
    pub(crate) file: Option<PathBuf>,

    /// Engine to run on
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) engine: ReplayChoice,

    /// Program files, for code that the capsule only names
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "file")]
    pub(crate) code: Vec<PathBuf>,

    /// Rehearse other rules, by name: report every result that would differ if they had held
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "file")]
    pub(crate) rules: Vec<String>,

    /// Begin with the state in this data folder, such as that of a snapshot [default: genesis]
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    pub(crate) from: Option<PathBuf>,

    /// Threads that execute the transactions of a block
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "file")]
    pub(crate) threads: NonZeroUsize,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee accounts
  fusee accounts alice
  fusee accounts --data demo-state/wasmtime
  fusee accounts --height 3 --json")]
pub(crate) struct AccountsArgs {
    /// Only this one: a development account, the name of a key, an address, or the first digits of
    /// a contract [default: all]
    pub(crate) address: Option<String>,

    #[command(flatten)]
    pub(crate) keys: KeyFolderArgs,

    /// List them after this block, one of the last ones [default: the last]
    #[arg(long, value_name = "N")]
    pub(crate) height: Option<u64>,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee prove alice
  fusee prove 3c9b8513a90e --storage supply --storage 0x6f776e6572
  fusee prove alice --json > alice.json
  fusee verify proof alice.json --root STATE_ROOT

A proof takes some hundred bytes. It also shows that a key is absent.")]
pub(crate) struct ProveArgs {
    /// A development account such as alice, an address, or the first digits of a contract
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// Prove this key of the contract's storage, as text or as digits after 0x; repeat it for more
    /// [default: balance, nonce and code hash]
    #[arg(long, value_name = "KEY")]
    pub(crate) storage: Vec<String>,

    #[command(flatten)]
    pub(crate) keys: KeyFolderArgs,

    /// Prove the state after this block, one of the last ones [default: the last]
    #[arg(long, value_name = "N")]
    pub(crate) height: Option<u64>,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fusee blocks
  fusee blocks --last 100 --json")]
pub(crate) struct BlocksArgs {
    /// Number of blocks to list
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) last: u64,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The hash is that of the header, on which nodes agree. It covers the transactions, their results, the
state after them, and the rules.

Examples:
  fusee block 1
  fusee block 1 --json")]
pub(crate) struct BlockArgs {
    /// Height of the block
    pub(crate) height: u64,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints a file for `fusee init --genesis`. docs/book/src/ledger.md documents what else it can have.
Without --account, it is that of a development chain, whose accounts everybody can sign for.

Examples:
  fusee genesis > genesis.json
  fusee genesis --chain-id acme-1 --account ADDRESS=1000000000000 --minimum-price 1 > genesis.json
  fusee init --genesis genesis.json --data acme")]
pub(crate) struct GenesisArgs {
    /// Name of the chain: visible characters without spaces [default: fusee-dev]
    #[arg(long, value_name = "NAME")]
    pub(crate) chain_id: Option<String>,

    /// Account with its balance; repeat it for more. `fusee keys show` tells the address of a key
    #[arg(long, value_name = "ADDRESS=N", value_parser = parse_funds)]
    pub(crate) account: Vec<(Address, u128)>,

    /// Contract rules, by name, such as `contract-2-wasi-large` [default: the newest]
    #[arg(long, value_name = "NAME")]
    pub(crate) rules: Option<String>,

    /// Least price of a unit of gas
    #[arg(long, value_name = "N", default_value = "0", value_parser = parse_amount)]
    pub(crate) minimum_price: u128,

    /// Gas limit of a block [default: 1500000000, about a second of the interpreter; 10^12 for a
    /// development chain]
    #[arg(long, value_name = "N", value_parser = parse_gas)]
    pub(crate) block_gas: Option<Gas>,

    /// Time of genesis in milliseconds since the Unix epoch
    #[arg(long, value_name = "MS", default_value = "0")]
    pub(crate) time: u64,
}

pub(super) fn parse_funds(text: &str) -> Result<(Address, u128), String> {
    let parts = text.split_once('=');
    let (address, amount) = parts.ok_or("expected ADDRESS=AMOUNT")?;
    let address = address.parse().map_err(|error| format!("{error}"))?;
    Ok((address, parse_amount(amount)?))
}

#[derive(Debug, Args)]
#[command(after_help = "\
Other verbs make a development chain in a folder that is missing. A folder keeps its genesis.

Examples:
  fusee init --data acme --genesis genesis.json
  fusee init --data dev")]
pub(crate) struct InitArgs {
    /// Genesis file, see `fusee genesis` [default: that of a development chain]
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Reads every block and every entry of the state, and computes every root that it can. Says for each
fault what can be done. Exit code 4 means that something is wrong.

Examples:
  fusee doctor
  fusee doctor --data acme --json")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Blocks that are removed are gone: make a backup first. A node that takes part in consensus needs the
same rollback of its engine.

Examples:
  fusee rollback 3
  fusee rollback 3 --data acme")]
pub(crate) struct RollbackArgs {
    /// Height of the block that is to be the last one; 0: genesis
    pub(crate) height: u64,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The copy is a data folder: restoring it is using it, or a copy of it. A folder that a node has open
is copied by the node, on its machine, and blocks go on.

Examples:
  fusee backup monday
  fusee backup monday --node http://127.0.0.1:8646
  fusee backup /mnt/backups/monday --data acme
  fusee accounts --data /mnt/backups/monday")]
pub(crate) struct BackupArgs {
    /// Folder to be made
    #[arg(value_name = "DIR")]
    pub(crate) target: PathBuf,

    /// Node that has the folder open, by the address of its admin listener, such as
    /// http://127.0.0.1:8646
    #[arg(long, value_name = "URL")]
    pub(crate) node: Option<String>,

    /// Seconds to wait for the node; it completes the backup also afterwards
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3_600,
        requires = "node"
    )]
    pub(crate) wait: u64,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
A snapshot is a folder with the header of a block and the state after it in chunks, each of which
is verified by itself. Every node writes the same bytes. An import needs the hash of the header from
a source that is trusted (`fusee block HEIGHT` on a node of one's own), trusts nothing else, and
goes on after it was interrupted.

Examples:
  fusee snapshot export snapshot-100 --height 100
  fusee snapshot import snapshot-100 --header HASH --genesis genesis.json --data second"
)]
pub(crate) struct SnapshotArgs {
    #[command(subcommand)]
    pub(crate) verb: SnapshotVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotVerb {
    /// Write the state after a block
    Export(ExportArgs),
    /// Make a data folder of a snapshot
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Folder to be made
    #[arg(value_name = "DIR")]
    pub(crate) target: PathBuf,

    /// Height of the block, one of the last 64 [default: the last]
    #[arg(long, value_name = "N")]
    pub(crate) height: Option<u64>,

    /// About how many bytes a chunk has
    #[arg(long, value_name = "N", default_value = "8388608")]
    pub(crate) chunk_bytes: u64,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Folder of the snapshot
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,

    /// Hash of the header that is trusted
    #[arg(long, value_name = "HASH", value_parser = parse_digest)]
    pub(crate) header: [u8; 32],

    /// Genesis file of the chain [default: that of a development chain]
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}
