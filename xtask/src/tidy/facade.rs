//! The command line and the benchmarks use the facade, `fusee`, and no other crate of this project.
//!
//! They are written as an embedder's code is, so whatever they need is exported. The tools for
//! authors of contracts, `fusee-build`, run cargo and are no part of what is embedded: the command
//! line names them beside the facade. Its tests name the SDK, whose clients programs outside use.

use super::Finding;
use crate::rust_text;
use crate::workspace::{Page, Source};

const RULE: &str = "facade";

/// Folders whose crates depend on the facade only.
const FOLDERS: &[&str] = &["bench/", "crates/cli/"];

/// Crates in these folders, which may name themselves.
const OWN: &[&str] = &["fusee_bench", "fusee_cli"];

/// Crates that the command line may name beside the facade.
const BESIDE: &[&str] = &["fusee_build", "fusee-build", "fusee_sdk", "fusee-sdk"];

/// The folder of the command line.
const COMMAND_LINE: &str = "crates/cli/";

/// The manifests of these folders.
pub(super) const MANIFESTS: &[&str] = &["bench/Cargo.toml", "crates/cli/Cargo.toml"];

/// Checks the code of a source: comments and literals may name any crate.
pub(super) fn check_source(source: &Source) -> Vec<Finding> {
    if !FOLDERS.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    let code = rust_text::code(&source.text);
    (1..)
        .zip(code.lines())
        .flat_map(|(line, text)| crates(text, '_').map(move |name| (line, name)))
        .filter(|(_, name)| !OWN.contains(name) && !is_beside(&source.path, name))
        .map(|(line, name)| finding(&source.path, line, name))
        .collect()
}

/// Checks the dependencies that a manifest names.
pub(super) fn check_manifest(manifest: &Page) -> Vec<Finding> {
    (1..)
        .zip(manifest.text.lines())
        .filter(|(_, text)| !text.starts_with("name = "))
        .filter_map(|(line, text)| Some((line, text.split('#').next()?)))
        .flat_map(|(line, text)| crates(text, '-').map(move |name| (line, name)))
        .filter(|(_, name)| !is_beside(&manifest.path, name))
        .map(|(line, name)| finding(&manifest.path, line, name))
        .collect()
}

/// The names of crates of this project in a line, but for the facade.
fn crates(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let ends = move |character: char| !(character.is_alphanumeric() || character == separator);
    let is_crate = move |name: &&str| {
        name.strip_prefix("fusee")
            .is_some_and(|rest| rest.starts_with(separator))
    };
    text.split(ends).filter(is_crate)
}

fn is_beside(path: &str, name: &str) -> bool {
    path.starts_with(COMMAND_LINE) && BESIDE.contains(&name)
}

fn finding(path: &str, line: usize, name: &str) -> Finding {
    let message = format!("names `{name}`: use what `fusee` exports");
    Finding::new(path, line, RULE, message)
}

#[cfg(test)]
mod tests;
