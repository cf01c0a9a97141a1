//! The two halves do not know each other's words.
//!
//! Whoever reads the sandbox meets no chain, and whoever reads the chain meets no engine by name.
//! The rule covers what a crate ships, its `src` folder, comments included. The crate's own `tests`
//! folder is free: a test of the chain has to choose an engine.

use super::Finding;
use crate::rust_text;
use crate::workspace::Source;

const RULE: &str = "layers";

/// Crates of one half and the words that they do not say. A final `*` stands for any rest.
struct Half {
    crates: &'static [&'static str],
    words: &'static [&'static str],
    reason: &'static str,
}

const HALVES: &[Half] = &[
    Half {
        crates: &["abi", "contract", "state", "store"],
        words: &["polkavm", "wasmi", "wasmtime"],
        reason: "a chain must get the same result from every engine, so it cannot know which one it has",
    },
    Half {
        crates: &["engine*", "executor", "instrument"],
        words: &["account", "blockchain", "contract", "receipt"],
        reason: "the sandbox takes bytes and gas and returns outcomes; what they mean is decided above it",
    },
];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for half in HALVES.iter().filter(|half| half.ships(&source.path)) {
        for (line, text) in (1..).zip(source.text.lines()) {
            for word in half.words.iter().filter(|word| rust_text::says(text, word)) {
                let message = format!("says `{word}`: {}", half.reason);
                findings.push(Finding::new(&source.path, line, RULE, message));
            }
        }
    }
    findings
}

impl Half {
    fn ships(&self, path: &str) -> bool {
        let Some((name, rest)) = path
            .strip_prefix("crates/")
            .and_then(|rest| rest.split_once('/'))
        else {
            return false;
        };
        let is_named = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == *pattern,
        };
        rest.starts_with("src/") && self.crates.iter().any(is_named)
    }
}

#[cfg(test)]
mod tests;
