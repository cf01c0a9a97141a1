//! `completions` and `man`: the table of commands, for shells and for the manual.

use std::fs;

use clap::CommandFactory;
use serde::Serialize;

use crate::{
    args::{Cli, CompletionsArgs, ManArgs},
    failure::{Exit, Failure},
    output::Output,
};

#[derive(Serialize)]
struct CompletionsJson {
    shell: String,
    script: String,
}

#[derive(Serialize)]
struct ManJson {
    folder: String,
    pages: usize,
}

pub(crate) fn completions(args: &CompletionsArgs, output: &mut Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "fusee", &mut script);
    let shown = CompletionsJson {
        shell: args.shell.to_string(),
        script: String::from_utf8_lossy(&script).into_owned(),
    };
    output.answer(&shown, || shown.script.clone())?;
    Ok(Exit::Success)
}

pub(crate) fn man(args: &ManArgs, output: &mut Output) -> Result<Exit, Failure> {
    let failed = |error| {
        let message = format!("cannot write the pages to `{}`", args.folder.display());
        Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
            .next("choose a folder that you may write to")
    };
    fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &args.folder).map_err(failed)?;
    let pages = fs::read_dir(&args.folder).map_err(failed)?;
    let shown = ManJson {
        folder: args.folder.display().to_string(),
        pages: pages.count(),
    };
    output.answer(&shown, || {
        format!("{} pages in {}\n", shown.pages, shown.folder)
    })?;
    Ok(Exit::Success)
}
