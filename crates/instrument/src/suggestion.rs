//! The syscall that an unknown import may be a misspelling of.
//!
//! A program chooses its names, so the work is bounded: only short names are compared, and only the
//! first of a program's unknown imports.

use crate::syscalls::SyscallRule;

/// The most bytes of a name that is compared.
const COMPARED_BYTES: usize = 64;

/// The unknown imports of a program that get a suggestion.
const SUGGESTIONS: usize = 8;

/// From this likeness on, from 0 to 1, a syscall is suggested.
const ALIKE: f64 = 0.9;

/// An import that no syscall answers.
pub(crate) struct Unknown {
    /// Its module and name, as the refusal shows them.
    pub(crate) shown: String,
    /// Its name.
    pub(crate) name: String,
}

/// Unknown imports in one text, with suggestions.
pub(crate) fn list(unknown: &[Unknown], syscalls: &[SyscallRule]) -> String {
    let texts = unknown.iter().enumerate().map(|(index, unknown)| {
        let likely = (index < SUGGESTIONS).then(|| nearest(&unknown.name, syscalls));
        match likely.flatten() {
            Some(known) => format!(
                "`{}` (did you mean `{}.{}`?)",
                unknown.shown, known.module, known.name
            ),
            None => format!("`{}`", unknown.shown),
        }
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// The syscall with the most similar name, the first one of these, if it is similar enough.
fn nearest<'a>(name: &str, syscalls: &'a [SyscallRule]) -> Option<&'a SyscallRule> {
    if name.len() > COMPARED_BYTES {
        return None;
    }
    let mut best = None;
    let mut likeness = ALIKE;
    for known in syscalls {
        let alike = strsim::jaro_winkler(name, &known.name);
        if alike > likeness {
            (best, likeness) = (Some(known), alike);
        }
    }
    best
}
