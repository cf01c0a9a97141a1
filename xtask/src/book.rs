//! The book of the pages that users read: `docs/book`.
//!
//! mdbook renders it. What is ours are the links, which no renderer checks, and the commands in it.

pub(crate) mod commands;
mod links;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context;

/// The folder of the pages, from the root, with a slash.
const PAGES: &str = "docs/book/src/";

/// Where `docs/book/book.toml` has the rendered book written to, from the root.
const RENDERED: &str = "target/book";

/// Renders the book, checks its links, and has those that leave it lead to the work tree, or to the
/// URL of one.
pub(crate) fn build(root: &Path, work_tree: Option<&str>) -> anyhow::Result<ExitCode> {
    let status = Command::new("mdbook")
        .args(["build", "docs/book"])
        .current_dir(root)
        .status()
        .context("cannot start mdbook: `cargo install mdbook --locked` installs it")?;
    anyhow::ensure!(status.success(), "mdbook has failed");
    let findings = links::check(root, work_tree)?;
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "book: {RENDERED}/index.html, {} findings in its links",
        findings.len()
    );
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
