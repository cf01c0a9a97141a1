//! The format of lcov, as far as it has lines.

use std::{collections::BTreeMap, fmt::Write};

/// The lines of a file, and how often each was run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) lines: BTreeMap<u64, u64>,
}

impl File {
    /// The lines that were not run.
    pub(super) fn uncovered(&self) -> impl Iterator<Item = u64> {
        let never = self.lines.iter().filter(|(_, count)| **count == 0);
        never.map(|(line, _)| *line)
    }
}

/// The files of a text, in order. Lines of it that are not known are passed over.
pub(super) fn parse(text: &str) -> Vec<File> {
    let mut files: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    let mut file = "";
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            file = path;
        } else if let Some((line, count)) = line.strip_prefix("DA:").and_then(numbers) {
            let lines = files.entry(file).or_default();
            let sum = lines.entry(line).or_default();
            *sum = sum.saturating_add(count);
        }
    }
    let files = files.into_iter();
    files
        .map(|(path, lines)| File {
            path: path.to_owned(),
            lines,
        })
        .collect()
}

/// A line and its count. A checksum may follow.
fn numbers(text: &str) -> Option<(u64, u64)> {
    let (line, rest) = text.split_once(',')?;
    let count = rest.split(',').next()?;
    Some((line.parse().ok()?, count.parse().ok()?))
}

/// The text of files.
pub(super) fn write(files: &[File]) -> String {
    let mut text = String::new();
    for file in files {
        let run = file.lines.len().saturating_sub(file.uncovered().count());
        // Writing to a string does not fail.
        let _ = writeln!(text, "SF:{}", file.path);
        for (line, count) in &file.lines {
            let _ = writeln!(text, "DA:{line},{count}");
        }
        let _ = writeln!(text, "LF:{}\nLH:{run}\nend_of_record", file.lines.len());
    }
    text
}

#[cfg(test)]
mod tests;
