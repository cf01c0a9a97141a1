//! Which builds are warned of.

use super::*;

#[test]
fn builds_of_this_workspace_are_not_warned_of() {
    assert_eq!(unoptimised(), None);
}

#[test]
fn a_build_without_optimisation_or_with_assertions_is_warned_of() {
    for (level, has_assertions, is_warned) in [
        ("0", true, true),
        ("0", false, true),
        ("1", true, true),
        ("2", true, true),
        ("2", false, false),
        ("3", true, true),
        ("3", false, false),
        ("s", false, false),
    ] {
        let reason = explain(level.as_bytes(), has_assertions);
        assert_eq!(reason.is_some(), is_warned, "{level}, {has_assertions}");
    }
}
