//! Pages that are written from tables in code, and what is said of one that is not fresh.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::finding::Finding;
use crate::workspace;

const RULE: &str = "generated";

/// A page that nobody writes by hand.
pub(crate) struct Page {
    /// Its path from the root.
    pub(crate) path: &'static str,
    /// The command of ours that writes it.
    pub(crate) command: &'static str,
    /// What it has to say.
    pub(crate) text: fn() -> String,
}

impl Page {
    /// Writes the page.
    pub(crate) fn write(&self, root: &Path) -> anyhow::Result<ExitCode> {
        let place = root.join(self.path);
        fs::write(&place, (self.text)()).with_context(|| place.display().to_string())?;
        println!("wrote {}", self.path);
        Ok(ExitCode::SUCCESS)
    }

    /// Says whether the page is what [`write`](Self::write) would write.
    pub(crate) fn check(&self, root: &Path) -> anyhow::Result<ExitCode> {
        let found = workspace::read(&root.join(self.path))?;
        Ok(match self.stale(&found) {
            Some(finding) => {
                println!("{finding}");
                ExitCode::FAILURE
            }
            None => ExitCode::SUCCESS,
        })
    }

    /// A finding at the first line in which the page differs from its table.
    pub(crate) fn stale(&self, found: &str) -> Option<Finding> {
        let line = first_difference(found, &(self.text)())?;
        let remedy = format!(
            "is not what the table says: run `cargo xtask {}`",
            self.command
        );
        Some(Finding::new(self.path, line, RULE, remedy))
    }
}

fn first_difference(found: &str, expected: &str) -> Option<usize> {
    if found == expected {
        return None;
    }
    let same = found
        .lines()
        .zip(expected.lines())
        .take_while(|(left, right)| left == right)
        .count();
    Some(same.saturating_add(1))
}

/// Adds a line to a page.
pub(crate) fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    use std::fmt::Write as _;
    writeln!(text, "{content}").expect("writing into a string cannot fail");
}

#[cfg(test)]
mod tests;
