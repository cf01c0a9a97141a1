//! Every source opens with `//!`: what it is, before how it does it.

use super::Finding;
use crate::workspace::Source;

const RULE: &str = "openings";

pub(super) fn check(source: &Source) -> Option<Finding> {
    let mut lines = (1..).zip(source.text.lines());
    let (line, text) = lines
        .find(|(_, text)| !text.trim().is_empty())
        .unwrap_or((1, ""));
    let prose = text.strip_prefix("//!").map(str::trim);
    match prose {
        Some(prose) if !prose.is_empty() => None,
        _ => Some(Finding::new(
            &source.path,
            line,
            RULE,
            "does not open with a line of `//!` docs",
        )),
    }
}

#[cfg(test)]
mod tests;
