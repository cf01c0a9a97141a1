//! The project's own checks and generators: `cargo xtask <command>`.
//!
//! Everything here reads the work tree and nothing else: no clock, no environment, no network. The
//! same tree therefore gives the same findings everywhere. Three commands start other programs:
//! `calibrate` starts `bench/`, which measures, `book` starts mdbook, and `book-commands` the
//! commands of the book.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool answers on its standard streams"
)]

mod book;
mod finding;
mod headers;
mod markdown;
mod page;
mod rust_text;
mod schedule;
mod syscalls;
mod tidy;
mod workspace;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context;

const USAGE: &str = "\
Usage: cargo xtask <command>

Commands:
  tidy                Check the rules that no compiler checks; print each offence as path:line: rule: message
  schedule            Write docs/schedule-*.md from the table in crates/instrument
  schedule --check    Only say whether docs/schedule-*.md are what would be written
  syscalls            Write docs/book/src/syscalls.md from the table in crates/abi, and the declarations for C,
                      AssemblyScript and Zig in guests
  syscalls --check    Only say whether these files are what would be written
  book [URL]          Render docs/book by mdbook, and check its links; those that leave it lead to the work
                      tree, or to URL, which ends with a slash
  book-commands [--fusee FILE] [PAGE...]
                      Run the commands in the pages of docs/book, each page in a folder of its own
  calibrate           Measure what everything that has a price takes, and print the prices that follow
  calibrate --write   The same, and write docs/calibration.md and the prices in crates/instrument
";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask lies in no folder")?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["tidy"] => tidy::run(root),
        ["schedule"] => all(&schedule::PAGES, |page| page.write(root)),
        ["schedule", "--check"] => all(&schedule::PAGES, |page| page.check(root)),
        ["syscalls"] => all(&syscall_pages(), |page| page.write(root)),
        ["syscalls", "--check"] => all(&syscall_pages(), |page| page.check(root)),
        ["book"] => book::build(root, None),
        ["book", url] => book::build(root, Some(url)),
        ["book-commands", arguments @ ..] => book::commands::run(root, arguments),
        ["calibrate", options @ ..] => calibrate(root, options),
        [] | ["help" | "-h" | "--help"] => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => {
            eprint!("xtask: unknown command `{}`\n\n{USAGE}", unknown.join(" "));
            Ok(ExitCode::from(2))
        }
    }
}

/// Runs the benchmarks' command of this name: what measures has engines, which nothing here may
/// have.
fn calibrate(root: &Path, options: &[&str]) -> anyhow::Result<ExitCode> {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--release", "--locked", "--manifest-path"])
        .arg(root.join("bench/Cargo.toml"))
        .args(["--", "calibrate"])
        .args(options)
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Everything that is written from the table of syscalls.
fn syscall_pages() -> Vec<page::Page> {
    [syscalls::PAGE].into_iter().chain(headers::PAGES).collect()
}

/// Does the same with all pages, and fails if one of them does.
fn all(
    pages: &[page::Page],
    act: impl Fn(&page::Page) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for page in pages {
        if act(page)? != ExitCode::SUCCESS {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
