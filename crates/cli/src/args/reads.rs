//! Flags of the verbs that read a chain in detail.

use clap::Args;
use fusee::ledger::TransactionId;

use super::{ChainArgs, KeyFolderArgs, parse_digest};

#[derive(Debug, Args)]
#[command(after_help = "\
Prints the last events, or with --from the first ones from a height on, oldest first; by the
interface of their contract, if it has one. With --follow, waits for more until it is interrupted:
that needs a node. JSON is one document then for each event.

Examples; 3f9c20 is the start of a contract's address:
  fusee events
  fusee events 3f9c20 --topic transfer --from 100 --json
  fusee events 3f9c20 --follow --node http://127.0.0.1:8645")]
pub(crate) struct EventsArgs {
    /// Address of the contract, its name, or at least its first six digits [default: all contracts]
    pub(crate) contract: Option<String>,

    /// First topic, by which most events have their name: text, or digits after 0x
    #[arg(long, value_name = "TOPIC")]
    pub(crate) topic: Option<String>,

    /// First height
    #[arg(long, value_name = "N")]
    pub(crate) from: Option<u64>,

    /// Number of events to list
    #[arg(long, value_name = "N", default_value = "100")]
    pub(crate) limit: usize,

    /// Wait for more events
    #[arg(long, conflicts_with = "limit")]
    pub(crate) follow: bool,

    /// Ignore the interfaces of contracts
    #[arg(long)]
    pub(crate) no_interface: bool,

    #[command(flatten)]
    pub(crate) keys: KeyFolderArgs,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints the entries by ascending keys. Those that the interface of the contract tells have their field,
key and value, as in balances[@bob]; contracts of the SDK tell all. Of others, text has keys as text if
they are some, and values with a possible meaning. `fusee prove --storage KEY` proves entries.

Examples; 3f9c20 is the start of a contract's address:
  fusee storage 3f9c20
  fusee storage 3f9c20 --prefix balance --limit 20 --json")]
pub(crate) struct StorageArgs {
    /// Address of the contract, its name, or at least its first six digits
    pub(crate) contract: String,

    /// List the keys that begin so: text, or digits after 0x
    #[arg(
        long,
        value_name = "KEY",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) prefix: String,

    /// List what comes after this key, which is the `next` of the entries before
    #[arg(long, value_name = "KEY")]
    pub(crate) after: Option<String>,

    /// Number of entries to list
    #[arg(long, value_name = "N", default_value = "100")]
    pub(crate) limit: usize,

    /// Ignore the interface of the contract
    #[arg(long)]
    pub(crate) no_interface: bool,

    /// The state after this block, one of the last ones [default: the last]
    #[arg(long, value_name = "N")]
    pub(crate) height: Option<u64>,

    #[command(flatten)]
    pub(crate) keys: KeyFolderArgs,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints what the chain is, its last block and the rules of the next one; and of a node its version,
its engine, who makes the blocks, and what waits. Exit code 4 means that the node cannot serve.

Examples:
  fusee status
  fusee status --node http://127.0.0.1:8645 --json")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Says whether a block has the transaction, or it waits for one; and what it came to. Exit code 1 means
that no block that is kept has it, and that it does not wait.

Examples; ID is what `fusee call` printed:
  fusee transaction ID
  fusee transaction ID --node http://127.0.0.1:8645 --json")]
pub(crate) struct TransactionIdArgs {
    /// Id of the transaction
    #[arg(value_name = "ID", value_parser = parse_id)]
    pub(crate) id: TransactionId,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

fn parse_id(text: &str) -> Result<TransactionId, String> {
    parse_digest(text.strip_prefix("0x").unwrap_or(text)).map(TransactionId::from_bytes)
}
