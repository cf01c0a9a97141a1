//! `bindings`: a client in TypeScript for a contract.

use std::fs;

use serde::Serialize;

use super::interface;
use crate::{
    args::BindingsArgs,
    bindings,
    failure::{Exit, Failure},
    output::Output,
    receipt::line,
    table::table,
};

#[derive(Serialize)]
struct Bindings {
    contract: String,
    /// The file that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    bytes: usize,
    /// The client, if it was not written to a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    typescript: Option<String>,
}

pub(crate) fn run(args: &BindingsArgs, output: &mut Output) -> Result<Exit, Failure> {
    let interface = interface::of(&args.contract, &args.chain)?;
    let client = bindings::typescript(&interface);
    let mut answer = Bindings {
        contract: interface.name,
        file: None,
        bytes: client.len(),
        typescript: None,
    };
    let Some(file) = &args.out else {
        answer.typescript = Some(client.clone());
        output.answer(&answer, || client)?;
        return Ok(Exit::Success);
    };
    let shown = file.display().to_string();
    fs::write(file, client).map_err(|error| {
        let message = format!("cannot write `{shown}`");
        Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
            .next("choose another file with --out")
    })?;
    answer.file = Some(shown.clone());
    output.answer(&answer, || {
        let size = format!("{} bytes", answer.bytes);
        table(0, &[line("written", shown), line("size", size)])
    })?;
    Ok(Exit::Success)
}
