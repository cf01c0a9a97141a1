//! The links of the rendered book: each leads to a page, and to a heading of it if it names one.
//!
//! A link that leaves the book leads to a file of the work tree. mdbook takes `.md` for the ending
//! of a page of the book, and writes `.html`: such links are written again. Where the text of a
//! link is the name of a page's file, readers of the book get its title.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::{PAGES, RENDERED};
use crate::finding::Finding;

const RULE: &str = "links";

/// From the rendered book to the root.
const TO_ROOT: &str = "../../";

/// Pages that mdbook makes itself.
const MADE: &[&str] = &["404.html", "index.html", "toc.html"];

/// Checks the rendered pages, and writes those again that have links out of the book.
pub(super) fn check(root: &Path, work_tree: Option<&str>) -> anyhow::Result<Vec<Finding>> {
    let folder = root.join(RENDERED);
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".html") && !MADE.contains(&name.as_str()) {
            let text = fs::read_to_string(folder.join(&name))?;
            pages.insert(name, text);
        }
    }
    let headings: BTreeMap<&str, BTreeSet<&str>> = pages
        .iter()
        .map(|(name, text)| (name.as_str(), values(text, &[" id=\""]).collect()))
        .collect();

    let mut findings = Vec::new();
    for (name, text) in &pages {
        let mut outside = BTreeMap::new();
        for link in values(text, &[" href=\"", " src=\""]) {
            match lead(root, &headings, name, link) {
                Ok(Lead::Inside) => {}
                Ok(Lead::Outside(path)) => {
                    outside.insert(link, path);
                }
                Err(message) => {
                    let source = format!("{PAGES}{}", name.replace(".html", ".md"));
                    findings.push(Finding::new(&source, 1, RULE, message));
                }
            }
        }
        let mut written = text.clone();
        for (link, path) in outside {
            let begin = work_tree.unwrap_or(TO_ROOT);
            let to = format!(" href=\"{begin}{path}\"");
            written = written.replace(&format!(" href=\"{link}\""), &to);
        }
        written = with_titles(&written, &pages);
        if written != *text {
            fs::write(folder.join(name), written)?;
        }
    }
    findings.dedup();
    Ok(findings)
}

/// The page with the titles of pages where a link has the name of a file, as in `(gas.md)`.
fn with_titles(text: &str, pages: &BTreeMap<String, String>) -> String {
    let mut written = text.to_owned();
    for (name, page) in pages {
        if let (Some(stem), Some(title)) = (name.strip_suffix(".html"), title(page)) {
            written = written.replace(&format!(">{stem}.md</a>"), &format!(">{title}</a>"));
        }
    }
    written
}

/// What stands in the first heading of a rendered page.
fn title(page: &str) -> Option<&str> {
    let (_, heading) = page.split_once("<h1 id=\"")?;
    let (_, title) = heading.split_once("\">")?.1.split_once("\">")?;
    title.split("</a>").next()
}

/// Where a link leads to.
#[derive(Debug, PartialEq, Eq)]
enum Lead {
    Inside,
    /// A path in the work tree, with a fragment if the link has one.
    Outside(String),
}

fn lead(
    root: &Path,
    headings: &BTreeMap<&str, BTreeSet<&str>>,
    page: &str,
    link: &str,
) -> Result<Lead, String> {
    let has_scheme = link
        .split_once(':')
        .is_some_and(|(scheme, _)| scheme.chars().all(|sign| sign.is_ascii_alphanumeric()));
    if has_scheme || link.is_empty() {
        return Ok(Lead::Inside);
    }
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    if let Some(path) = path.strip_prefix("../") {
        return outside(root, path, fragment).ok_or_else(|| format!("`{link}` is no file"));
    }
    let target = if path.is_empty() { page } else { path };
    match headings.get(target) {
        Some(ids) if fragment.is_empty() || ids.contains(fragment) => Ok(Lead::Inside),
        Some(_) => Err(format!("`{target}` has no heading `{fragment}`")),
        None if root.join(RENDERED).join(target).exists() => Ok(Lead::Inside),
        None => Err(format!("`{link}` is no page of the book")),
    }
}

/// A link out of the folder of the pages, without its first step up.
fn outside(root: &Path, path: &str, fragment: &str) -> Option<Lead> {
    let mut folder: Vec<&str> = PAGES.trim_end_matches('/').split('/').collect();
    folder.pop();
    let mut path = path;
    while let Some(rest) = path.strip_prefix("../") {
        folder.pop()?;
        path = rest;
    }
    let path = if path == ".." {
        folder.pop()?;
        folder.join("/")
    } else {
        folder.push(path);
        folder.join("/")
    };
    let page = path
        .strip_suffix(".html")
        .map(|stem| format!("{stem}.md"))
        .filter(|page| root.join(page).exists());
    let path = match page {
        Some(page) => page,
        None => root.join(&path).exists().then_some(path)?,
    };
    let hash = if fragment.is_empty() { "" } else { "#" };
    Some(Lead::Outside(format!("{path}{hash}{fragment}")))
}

/// The values of attributes, which begin with one of these texts.
fn values<'a>(text: &'a str, attributes: &[&str]) -> impl Iterator<Item = &'a str> {
    let mut found: Vec<&str> = Vec::new();
    for attribute in attributes {
        let rests = text.split(attribute).skip(1);
        found.extend(rests.filter_map(|rest| rest.split('"').next()));
    }
    found.into_iter()
}

#[cfg(test)]
mod tests;
