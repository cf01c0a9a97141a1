//! Flags of the node. Its settings are a table ([`SETTINGS`]), from which their flags are made.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, Subcommand};

use crate::node::settings::SETTINGS;

#[derive(Debug, Args)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "\
Settings come from flags, then from environment variables, then from a file (default: `node.toml` in
the data folder), then from defaults. `fusee node config show` prints each with where it comes from.

SIGTERM and Ctrl-C end the node after the block that is being committed; what waits is kept for the
next start. Whatever ends it, nothing that was committed is lost. docs/book/src/operations.md says
how a node is run.

Examples:
  fusee node --dev                                   a development chain, in a temporary folder
  fusee node --dev --data dev --block-time 2s        one that stays, with a block every 2 seconds
  fusee node --data acme                             the chain of one operator
  fusee node --data acme --abci unix://abci.sock --rpc 127.0.0.1:8645      beside CometBFT
  fusee node config show --data acme"
)]
pub(crate) struct NodeArgs {
    #[command(subcommand)]
    pub(crate) verb: Option<NodeVerb>,

    #[command(flatten)]
    pub(crate) place: NodePlaceArgs,

    #[command(flatten)]
    pub(crate) development: DevelopmentArgs,

    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodeVerb {
    /// Show or write the configuration
    Config(ConfigArgs),
}

#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) verb: ConfigVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Print each setting, its value, and where it comes from
    Show,
    /// Write a file with every setting and its default, commented out
    Init,
}

/// Where the node is.
#[derive(Clone, Debug, Args)]
pub(crate) struct NodePlaceArgs {
    /// Data folder of the chain [default: .fusee; with --dev: a temporary folder]
    #[arg(long, value_name = "DIR", env = "FUSEE_DATA", global = true)]
    pub(crate) data: Option<PathBuf>,

    /// Configuration file [default: node.toml in the data folder, if it is there]
    #[arg(
        long,
        value_name = "FILE",
        env = "FUSEE_NODE_CONFIG",
        hide_env_values = true,
        global = true
    )]
    pub(crate) config: Option<PathBuf>,
}

/// Flags of development chains.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Development")]
pub(crate) struct DevelopmentArgs {
    /// Run a development chain, and make it if the folder is empty: funded accounts that everybody
    /// can sign for, and a block for each transaction
    #[arg(long, global = true)]
    pub(crate) dev: bool,

    /// Begin with this saved state instead of the one in the data folder
    #[arg(long, value_name = "NAME", requires = "dev", conflicts_with = "reset")]
    pub(crate) load: Option<String>,

    /// Save the state under this name when the node ends, in the place of an earlier one
    #[arg(long, value_name = "NAME", requires = "dev")]
    pub(crate) save: Option<String>,

    /// Begin the chain anew: what is in the data folder is lost
    #[arg(long, requires = "dev")]
    pub(crate) reset: bool,

    /// Folder of the saved states
    #[arg(
        long,
        value_name = "DIR",
        requires = "dev",
        default_value = ".fusee-saved"
    )]
    pub(crate) saved: PathBuf,
}

/// The flags of the settings that were given, by the names of the settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingArgs(pub(crate) BTreeMap<&'static str, String>);

impl Args for SettingArgs {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| {
            let default = match (setting.default, setting.development) {
                (Some(it), Some(dev)) => format!(" [default: {it}; with --dev: {dev}]"),
                (Some(it), None) => format!(" [default: {it}]"),
                (None, _) => String::new(),
            };
            let arg = Arg::new(setting.name)
                .long(setting.flag)
                .value_name(setting.value)
                .help(format!("{}{default}", setting.about))
                .help_heading(setting.heading())
                .action(ArgAction::Append)
                .global(true);
            command.arg(arg)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut given = BTreeMap::new();
        for setting in SETTINGS {
            let Some(values) = matches.get_many::<String>(setting.name) else {
                continue;
            };
            let values: Vec<_> = values.map(String::as_str).collect();
            if values.len() > 1 && !setting.is_list {
                let message = format!("--{} is given more than once\n", setting.flag);
                return Err(Error::raw(clap::error::ErrorKind::TooManyValues, message));
            }
            given.insert(setting.name, values.join(","));
        }
        Ok(Self(given))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
