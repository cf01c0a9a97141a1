//! What is the verb's, and what is the method's.

use clap::CommandFactory;

use super::{Given, split};
use crate::args::Cli;

/// The words that are left for the verb, and the flags of the method.
fn parts(line: &str) -> (String, Vec<String>, Given) {
    let words = line.split_whitespace().map(Into::into).collect();
    let (kept, given) = split(words, Cli::command());
    let kept: Vec<_> = kept.iter().map(|word| word.to_str().unwrap()).collect();
    let flags = given.flags.iter();
    let flags = flags.map(|flag| match &flag.value {
        Some(value) => format!("{}={value}", flag.name),
        None => flag.name.clone(),
    });
    (kept.join(" "), flags.collect(), given)
}

#[test]
fn a_flag_that_the_verb_does_not_know_is_of_the_method() {
    let (kept, flags, _) = parts(
        "fusee --json call token transfer --to bob --from alice --amount=-5 --dry-run --exact",
    );
    let verb = "fusee --json call token transfer --from alice --dry-run";
    assert_eq!(kept, verb);
    assert_eq!(flags, ["to=bob", "amount=-5", "exact"]);

    // A negative number is a value, a flag is none.
    let (kept, flags, _) = parts("fusee query T f --a -5 --b --c x --json");
    assert_eq!(kept, "fusee query T f --json");
    assert_eq!(flags, ["a=-5", "b", "c=x"]);
}

#[test]
fn what_stands_behind_two_dashes_is_of_the_method() {
    let (kept, flags, given) = parts("fusee call T f --from alice -- --from bob -7 --to=x");
    assert_eq!(kept, "fusee call T f --from alice");
    assert!(flags.is_empty());
    let (flags, words) = given.behind();
    let flags: Vec<_> = flags.iter().map(|flag| flag.name.as_str()).collect();
    assert_eq!((flags, words), (vec!["from", "to"], vec!["-7".to_owned()]));
    assert!(!given.asks_for_help());
    assert!(parts("fusee call T f -- --help").2.asks_for_help());
    assert!(parts("fusee call T f --help").2.is_empty());
}

#[test]
fn other_verbs_are_as_they_were() {
    for line in [
        "fusee storage T --to bob",
        "fusee run a.wasm -- -5",
        "fusee --version",
        "fusee",
        "fusee nothing --to bob",
    ] {
        let (kept, flags, given) = parts(line);
        assert_eq!(kept, line);
        assert!(flags.is_empty() && given.is_empty());
    }
    // Values of flags that take several stay where they are.
    let line = "fusee deploy a.wasm --args 1 -2 --value 3 --gas 4";
    assert_eq!(parts(line).0, line);
}
