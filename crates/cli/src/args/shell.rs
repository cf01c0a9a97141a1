//! Flags of what shells and manuals need.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  fusee completions bash > ~/.local/share/bash-completion/completions/fusee
  fusee completions zsh > ~/.zfunc/_fusee
  fusee completions fish > ~/.config/fish/completions/fusee.fish"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Example:
  fusee man ~/.local/share/man/man1 && man fusee-call"
)]
pub(crate) struct ManArgs {
    /// Folder to write a page of each command to; created if it does not exist
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}
