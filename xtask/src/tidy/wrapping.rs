//! Comments and pages wrap at 100 columns.
//!
//! Exempt are code blocks, tables, headings, link definitions, generated pages, and lines that
//! cannot be broken because they are a single word or code span.

use super::Finding;
use crate::rust_text;
use crate::workspace::{Page, Source};

const RULE: &str = "wrapping";
const COLUMNS: usize = 100;

/// Pages that a program writes.
const GENERATED: &[&str] = &[
    "docs/calibration.md",
    "docs/compat-performance.md",
    "docs/contract-performance.md",
    "docs/ledger-performance.md",
    "docs/node-performance.md",
    "docs/performance.md",
    "docs/schedule-v1.md",
    "docs/schedule-v2.md",
    "docs/book/src/syscalls.md",
    "docs/system-performance.md",
    "docs/virtualization-performance.md",
];

/// Checks the line comments of a Rust source.
pub(super) fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut text = Text::default();
    let mut previous = 0_usize;
    for comment in rust_text::line_comments(&source.text) {
        if comment.line != previous.saturating_add(1) {
            text = Text::default();
        }
        previous = comment.line;
        let content = comment.text.trim_start_matches(['/', '!']);
        let content = content.strip_prefix(' ').unwrap_or(content);
        if text.must_wrap(content) && columns(comment.whole_line) > COLUMNS {
            findings.push(finding(&source.path, comment.line, comment.whole_line));
        }
    }
    findings
}

/// Checks a Markdown page.
pub(super) fn check_page(page: &Page) -> Vec<Finding> {
    if GENERATED.contains(&page.path.as_str()) {
        return Vec::new();
    }
    let mut text = Text::default();
    (1..)
        .zip(page.text.lines())
        .filter(|(_, line)| text.must_wrap(line) && columns(line) > COLUMNS)
        .map(|(number, line)| finding(&page.path, number, line))
        .collect()
}

fn finding(path: &str, line: usize, text: &str) -> Finding {
    let message = format!("{} columns, wrap at {COLUMNS}", columns(text));
    Finding::new(path, line, RULE, message)
}

fn columns(line: &str) -> usize {
    line.chars().count()
}

/// Follows Markdown line by line.
#[derive(Default)]
struct Text {
    is_fenced: bool,
}

impl Text {
    /// Whether the line is text that can be wrapped.
    fn must_wrap(&mut self, line: &str) -> bool {
        let bare = line.trim_start();
        if bare.starts_with("```") {
            self.is_fenced = !self.is_fenced;
            return false;
        }
        let is_link_definition = bare.starts_with('[') && bare.contains("]: ");
        !self.is_fenced
            && !line.starts_with("    ")
            && !bare.starts_with(['|', '#', '<'])
            && !is_link_definition
            && can_break(bare)
    }
}

/// Whether the text has a space outside of code spans, list markers aside.
fn can_break(text: &str) -> bool {
    let text = ["- ", "* "]
        .iter()
        .find_map(|marker| text.strip_prefix(marker))
        .unwrap_or(text);
    let mut is_code = false;
    text.trim_end().chars().any(|character| {
        is_code ^= character == '`';
        character == ' ' && !is_code
    })
}

#[cfg(test)]
mod tests;
