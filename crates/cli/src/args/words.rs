//! Flags of a contract's method among those of a verb.
//!
//! A flag that the verb does not know belongs to the method, and so does everything behind `--`.
//! Which arguments a method has is known later, by its interface: here they are only told apart.

use std::ffi::OsString;

use clap::{Arg, Command};

/// The verbs that pass arguments to a method.
const VERBS: [&str; 7] = [
    "call", "create", "deploy", "gas", "query", "trace", "upgrade",
];

/// What stands on a command line for a method, besides the words that the verb takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// Flags that the verb does not know, in order.
    pub(crate) flags: Vec<Flag>,
    /// What stands behind `--`.
    pub(crate) behind: Vec<String>,
    /// The flags that the verb has, without dashes, for suggestions.
    pub(crate) of_verb: Vec<String>,
}

/// A flag, whose value may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}

impl Given {
    /// Whether there is nothing for a method.
    pub(crate) const fn is_empty(&self) -> bool {
        self.flags.is_empty() && self.behind.is_empty()
    }

    /// Whether help on the method is asked for.
    pub(crate) fn asks_for_help(&self) -> bool {
        let mut words = self.behind.iter();
        words.any(|word| word == "--help" || word == "-h")
    }

    /// The flags and the words behind `--`.
    pub(crate) fn behind(&self) -> (Vec<Flag>, Vec<String>) {
        let (mut flags, mut words) = (Vec::new(), Vec::new());
        let mut rest = self.behind.iter().peekable();
        while let Some(word) = rest.next() {
            match flag(word) {
                Some(mut flag) => {
                    if flag.value.is_none() {
                        flag.value = rest.next_if(|next| !next.starts_with("--")).cloned();
                    }
                    flags.push(flag);
                }
                None => words.push(word.clone()),
            }
        }
        (flags, words)
    }
}

/// A word as a flag: `--name` or `--name=value`.
fn flag(word: &str) -> Option<Flag> {
    let text = word.strip_prefix("--")?;
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    is_name.then(|| Flag {
        name: name.to_owned(),
        value,
    })
}

/// Takes what is for a method out of a command line, and leaves what is for the verb.
pub(super) fn split(words: Vec<OsString>, mut program: Command) -> (Vec<OsString>, Given) {
    program.build();
    let place = words.iter().skip(1).position(|word| {
        let word = word.to_string_lossy();
        !word.starts_with('-')
    });
    let verb = place.and_then(|place| {
        let name = words.get(place.checked_add(1)?)?.to_str()?;
        let verb = program.find_subcommand(name)?;
        VERBS.contains(&name).then_some((place, verb))
    });
    let Some((place, verb)) = verb else {
        return (words, Given::default());
    };
    let mut given = Given {
        of_verb: verb.get_arguments().flat_map(longs).collect(),
        ..Given::default()
    };
    let mut kept = Vec::new();
    let mut rest = words.into_iter().peekable();
    kept.extend(rest.by_ref().take(place.saturating_add(2)));
    while let Some(word) = rest.next() {
        if word == "--" {
            let behind = rest.by_ref();
            given.behind = behind
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            break;
        }
        let found = word.to_str().and_then(flag);
        let value = |next: &OsString| !next.to_string_lossy().starts_with("--");
        let Some(mut found) = found else {
            kept.push(word);
            continue;
        };
        let known = verb
            .get_arguments()
            .find(|arg| longs(arg).contains(&found.name));
        match known {
            Some(arg) => {
                kept.push(word);
                if found.value.is_none() && arg.get_action().takes_values() {
                    kept.extend(rest.next_if(value));
                }
            }
            None => {
                if found.value.is_none() {
                    let value = rest.next_if(value);
                    found.value = value.map(|value| value.to_string_lossy().into_owned());
                }
                given.flags.push(found);
            }
        }
    }
    (kept, given)
}

/// The long names of a flag, without dashes.
fn longs(arg: &Arg) -> Vec<String> {
    let longs = arg.get_long_and_visible_aliases().unwrap_or_default();
    longs.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
