//! Long lines that are text, and long lines that are not.

use super::{check_page, check_source};
use crate::tidy::printed;
use crate::workspace::{Page, Source};

const LONG: &str = "word word word word word word word word word word word word word word word word \
                    word word word word word";

fn check_text(text: &str, lines: &[usize]) {
    let path = "crates/state/src/a.rs".to_owned();
    let text = text.to_owned();
    expect(check_source(&Source { path, text }), lines);
}

fn check_markdown(text: &str, lines: &[usize]) {
    let path = "docs/page.md".to_owned();
    let text = text.to_owned();
    expect(check_page(&Page { path, text }), lines);
}

fn expect(findings: Vec<crate::finding::Finding>, lines: &[usize]) {
    let found: Vec<usize> = printed(findings)
        .iter()
        .map(|finding| finding.split(':').nth(1).unwrap().parse().unwrap())
        .collect();
    assert_eq!(found, lines);
}

#[test]
fn long_comments_are_found() {
    check_text(&format!("//! {LONG}\n"), &[1]);
    check_text(&format!("fn f() {{\n    // {LONG}\n}}\n"), &[2]);
    check_text(&format!("/// {}\n", &LONG[..96]), &[]);
    check_text(&format!("/// {}\n", &LONG[..97]), &[1]);
}

#[test]
fn code_and_strings_are_not_comments() {
    check_text(&format!("const A: &str = \"{LONG}\";\n"), &[]);
    check_text(&format!("const A: &str = \"\n// {LONG}\n\";\n"), &[]);
    check_text(
        &format!("//! ```text\n//! {LONG}\n//! ```\n//! {LONG}\n"),
        &[4],
    );
}

#[test]
fn a_fence_ends_with_its_comment() {
    check_text(&format!("// ```\nfn f() {{}}\n// {LONG}\n"), &[3]);
}

#[test]
fn long_paragraphs_of_a_page_are_found() {
    check_markdown(&format!("{LONG}\n\n- {LONG}\n"), &[1, 3]);
    check_markdown(
        &format!("# {LONG}\n| {LONG} |\n\n    {LONG}\n```\n{LONG}\n```\n[a]: {LONG}\n"),
        &[],
    );
}

#[test]
fn what_cannot_be_broken_may_be_long() {
    let url = format!("https://example.org/{}", "a".repeat(100));
    check_markdown(&format!("{url}\n- {url}\n- `{LONG}`\nSee {url}\n"), &[4]);
}

#[test]
fn generated_pages_are_exempt() {
    let page = Page {
        path: "docs/book/src/syscalls.md".to_owned(),
        text: LONG.to_owned(),
    };
    expect(check_page(&page), &[]);
}
