//! A link in a page leads to a file or folder of the work tree.
//!
//! Links to other sites are not checked. `cargo xtask book` checks headings, in the book.

use std::path::{Component, Path, PathBuf};

use super::Finding;
use crate::workspace::Page;

const RULE: &str = "links";

/// Links of a page to what `exists` does not have, which takes paths from the root.
pub(super) fn check(page: &Page, exists: impl Fn(&Path) -> bool) -> Vec<Finding> {
    let folder = Path::new(&page.path).parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    let mut is_fenced = false;
    for (number, line) in (1..).zip(page.text.lines()) {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        }
        if is_fenced {
            continue;
        }
        for link in links(line) {
            let path = link.split('#').next().unwrap_or(link);
            if path.is_empty() || link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            if !normal(&folder.join(path)).is_some_and(|path| exists(&path)) {
                let message = format!("`{path}` is neither a file nor a folder");
                findings.push(Finding::new(&page.path, number, RULE, message));
            }
        }
    }
    findings
}

/// The targets of the links of a line, outside of code.
fn links(line: &str) -> impl Iterator<Item = &str> {
    // What is between two backticks has an odd index.
    let texts = line.split('`').step_by(2);
    texts.flat_map(|text| {
        let targets = text.split("](").skip(1);
        targets.filter_map(|rest| rest.split(')').next())
    })
}

/// A path without steps up, or `None` if it leaves the root.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests;
