//! Flags of names of addresses.

use clap::{Args, Subcommand};

use super::{ChainArgs, KeyFolderArgs};

#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
A name stands for an address wherever a command takes one, and is shown beside it. Names are in the
data folder; with --node, in the file that FUSEE_NAMES names (default: .fusee-names.json), by the
chain id of the node. Nobody else sees them.

Examples; 3f9c20 is the start of the address that `fusee deploy` printed:
  fusee deploy token.wasm 1000000 --name token
  fusee name set token 3f9c20
  fusee call token transfer @bob 250
  fusee name list --json
  fusee name remove token"
)]
pub(crate) struct NameArgs {
    #[command(subcommand)]
    pub(crate) verb: NameVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NameVerb {
    /// Give a name to an address
    Set(SetNameArgs),
    /// List the names with their addresses
    List(ListNamesArgs),
    /// Remove a name
    Remove(RemoveNameArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SetNameArgs {
    /// Name: 1 to 32 of a-z, 0-9, `-` and `_`, of which the first is a letter
    pub(crate) name: String,

    /// Address: 64 digits, the first digits of a contract, an account, or another name
    pub(crate) address: String,

    #[command(flatten)]
    pub(crate) keys: KeyFolderArgs,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListNamesArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveNameArgs {
    /// Name
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}
