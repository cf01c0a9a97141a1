//! Pages that are fresh and stale.

use super::{Page, first_difference};

const PAGE: Page = Page {
    path: "docs/page.md",
    command: "pages",
    text: || "one\ntwo\n".to_owned(),
};

#[test]
fn a_fresh_page_has_no_finding() {
    assert_eq!(PAGE.stale("one\ntwo\n"), None);
}

#[test]
fn a_stale_page_is_found_where_it_differs() {
    assert_eq!(
        PAGE.stale("one\n2\n").unwrap().to_string(),
        "docs/page.md:2: generated: is not what the table says: run `cargo xtask pages`"
    );
    assert_eq!(first_difference("", "a\n"), Some(1));
    assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
    assert_eq!(first_difference("a\n", "a\nc\n"), Some(2));
}
