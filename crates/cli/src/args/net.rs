//! Flags of `net`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fusee::{chain::Address, sandbox::Gas};

use super::chains::parse_funds;
use crate::numbers::{parse_amount, parse_gas};

/// That of [`BlockLimits::INTERPRETED_SECOND`](fusee::ledger::BlockLimits::INTERPRETED_SECOND),
/// which a test compares.
const BLOCK_GAS: &str = "1500000000";

#[derive(Debug, Args)]
pub(crate) struct NetArgs {
    #[command(subcommand)]
    pub(crate) verb: NetVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NetVerb {
    /// Write the folder of a network: keys, genesis, configuration, start scripts
    Init(NetInitArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Writes a folder for each validator, with its keys, the configuration of CometBFT v0.38, and the
configuration and data folder of its application; and what starts them all. The README.md in it says
what each file is for.
The secret keys are not encrypted: they are for the machine of their node alone.

Examples:
  fusee net init --out net --development && net/start.sh
  fusee net init --out net --chain-id acme-1 --account ADDRESS=1000000000000 --authority ADDRESS
  fusee net init --out net --addresses 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4 --account ADDRESS=9000")]
pub(crate) struct NetInitArgs {
    /// Folder to be made
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Number of validators [default: 4, or one for each address]
    #[arg(long, value_name = "N")]
    pub(crate) validators: Option<usize>,

    /// Name of the chain: visible characters without spaces
    #[arg(long, value_name = "NAME", default_value = "fusee-net")]
    pub(crate) chain_id: String,

    /// Fund development accounts, which everybody can sign for
    #[arg(long, conflicts_with = "account")]
    pub(crate) development: bool,

    /// Account with its balance; repeat it for more. `fusee keys show` tells the address of a key
    #[arg(long, value_name = "ADDRESS=N", value_parser = parse_funds)]
    pub(crate) account: Vec<(Address, u128)>,

    /// Account or contract that adds and removes validators, by a contract of the genesis. With
    /// --development, also a development account [default: the validators stay as they are]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) authority: Option<String>,

    /// Least price of a unit of gas
    #[arg(long, value_name = "N", default_value = "0", value_parser = parse_amount)]
    pub(crate) minimum_price: u128,

    /// Gas limit of a block. The default takes the interpreter about a second
    #[arg(long, value_name = "N", default_value = BLOCK_GAS, value_parser = parse_gas)]
    pub(crate) block_gas: Gas,

    /// Port of the first node for other nodes. The next ones are those of the engine's RPC, of
    /// JSON-RPC with the explorer, and of operators. Nodes on one machine are 10 apart
    #[arg(long, value_name = "PORT", default_value = "26656")]
    pub(crate) base_port: u16,

    /// Host names or addresses of the machines, one for each validator [default: all on this one]
    #[arg(long, value_name = "HOST,...", value_delimiter = ',')]
    pub(crate) addresses: Vec<String>,

    /// Time of genesis in milliseconds since the Unix epoch [default: now]
    #[arg(long, value_name = "MS")]
    pub(crate) time: Option<u64>,
}
