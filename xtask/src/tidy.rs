//! The rules that no compiler checks, one file each, and the report of what breaks them.
//!
//! A rule is a function from texts to findings: it touches no file, so its test is a few lines of
//! text. Only [`run`] reads the work tree.

mod dependencies;
mod edges;
mod facade;
mod layers;
mod links;
mod openings;
mod snippets;
mod unsafety;
mod wrapping;

use std::path::Path;
use std::process::ExitCode;

use crate::finding::Finding;
use crate::{schedule, syscall_pages, workspace};

/// Applies every rule to the work tree and prints what it finds.
pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let members = workspace::members(root)?;
    let sources = workspace::sources(root)?;
    let pages = workspace::pages(root)?;
    let map = page(root, edges::PAGE)?;
    let table = page(root, dependencies::PAGE)?;

    let mut findings = Vec::new();
    findings.extend(edges::check(&members, &map));
    findings.extend(dependencies::check(&members, &table));
    findings.extend(sources.iter().flat_map(facade::check_source));
    for path in facade::MANIFESTS {
        let manifest = workspace::Page {
            path: (*path).to_owned(),
            text: page(root, path)?,
        };
        findings.extend(facade::check_manifest(&manifest));
    }
    findings.extend(sources.iter().flat_map(openings::check));
    findings.extend(sources.iter().flat_map(layers::check));
    findings.extend(sources.iter().flat_map(unsafety::check));
    findings.extend(sources.iter().flat_map(wrapping::check_source));
    findings.extend(pages.iter().flat_map(wrapping::check_page));
    findings.extend(
        pages
            .iter()
            .flat_map(|page| links::check(page, |path| root.join(path).exists())),
    );
    findings.extend(snippets::check(&pages, &sources));
    for generated in schedule::PAGES.into_iter().chain(syscall_pages()) {
        findings.extend(generated.stale(&page(root, generated.path)?));
    }
    findings.sort();

    for finding in &findings {
        println!("{finding}");
    }
    let (crates, files, count) = (members.len(), sources.len(), findings.len());
    println!("tidy: {crates} crates, {files} sources, {count} findings");
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A page's text; a page that is not there reads as empty, and the rule that needs it says so.
fn page(root: &Path, path: &str) -> anyhow::Result<String> {
    let place = root.join(path);
    if place.exists() {
        workspace::read(&place)
    } else {
        Ok(String::new())
    }
}

/// What a rule found, as the report prints it.
#[cfg(test)]
fn printed(findings: impl IntoIterator<Item = Finding>) -> Vec<String> {
    findings
        .into_iter()
        .map(|finding| finding.to_string())
        .collect()
}
