//! First lines that are docs, and first lines that are not.

use super::check;
use crate::tidy::printed;
use crate::workspace::Source;

fn check_text(text: &str, expected: &[&str]) {
    let source = Source {
        path: "crates/a/src/b.rs".to_owned(),
        text: text.to_owned(),
    };
    assert_eq!(printed(check(&source)), expected);
}

#[test]
fn docs_come_first() {
    check_text("//! The journal.\n\nuse a::b;\n", &[]);
    check_text("\n//! The journal.\n", &[]);
}

#[test]
fn anything_else_comes_later() {
    let at_line = |line| {
        format!("crates/a/src/b.rs:{line}: openings: does not open with a line of `//!` docs")
    };
    check_text("use a::b;\n//! The journal.\n", &[&at_line(1)]);
    check_text("\n#![no_std]\n//! The journal.\n", &[&at_line(2)]);
    check_text("//!\n//! The journal.\n", &[&at_line(1)]);
    check_text("", &[&at_line(1)]);
}
