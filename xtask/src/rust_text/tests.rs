//! Words and blanks, on single lines.

use super::{code, line_comments, says, uses};

fn check_says(line: &str, expected: bool) {
    assert_eq!(says(line, "account"), expected, "{line}");
}

#[test]
fn words_are_found_in_identifiers() {
    check_says("an account", true);
    check_says("two Accounts.", true);
    check_says("ACCOUNT_BYTES", true);
    check_says("from_account", true);
    check_says("struct AccountKey", true);
    check_says("struct UserAccounts", true);
    check_says("accounted", false);
    check_says("subaccount", false);
    check_says("Kümmel accounting, then account", true);
    check_says("", false);
}

#[test]
fn prose_becomes_blank() {
    assert_eq!(code("a // b\nc"), "a     \nc");
    assert_eq!(code("a /* b /* c */\nd */ e"), "a             \n     e");
    assert_eq!(code(r#"f("x \" y", 'z')"#), "f(        ,    )");
    assert_eq!(code("g(r#\"a \" b\"#, c)"), "g(          , c)");
    assert_eq!(code("'\\'' h"), "     h");
    assert_eq!(code("/* open"), "       ");
    assert_eq!(code("\"open"), "     ");
}

#[test]
fn code_stays() {
    check_stays("fn f<'a>(x: &'a str) -> &'a str { x }");
    check_stays("let number = 1; bar#");
    check_stays("'outer: loop { break 'outer }");
}

fn check_stays(line: &str) {
    assert_eq!(code(line), line);
}

#[test]
fn identifiers_are_whole() {
    assert!(uses("x = unsafe { y }", "unsafe"));
    assert!(!uses("#![forbid(unsafe_code)]", "unsafe"));
}

#[test]
fn line_comments_stand_alone_on_their_lines() {
    let source = "//! a\nlet b = \"\n// c\n\"; // d\n    /// e\n/* \n// f\n*/\n// g";
    let found: Vec<(usize, &str)> = line_comments(source)
        .iter()
        .map(|comment| (comment.line, comment.whole_line))
        .collect();
    assert_eq!(found, [(1, "//! a"), (5, "    /// e"), (9, "// g")]);
}
