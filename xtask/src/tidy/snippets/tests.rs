//! Pages that are included, and pages that are not.

use super::check;
use crate::tidy::printed;
use crate::workspace::{Page, Source};

fn found(path: &str, text: &str) -> Vec<String> {
    let pages = [Page {
        path: path.to_owned(),
        text: text.to_owned(),
    }];
    let sources = [Source {
        path: "crates/fusee/src/lib.rs".to_owned(),
        text: "#[doc = include_str!(\"../../../docs/book/src/embed.md\")]\nstruct _Embed;\n"
            .to_owned(),
    }];
    printed(check(&pages, &sources))
        .into_iter()
        .map(|finding| finding.split(": ").take(2).collect::<Vec<_>>().join(": "))
        .collect()
}

#[test]
fn code_of_a_page_that_no_crate_includes_is_found() {
    let code = "# Page\n\n```rust,no_run\nlet a = 1;\n```\n";
    assert_eq!(
        found("docs/book/src/new.md", code),
        ["docs/book/src/new.md:3: snippets"]
    );
    assert!(found("docs/book/src/embed.md", code).is_empty());
    // Pages of maintainers are no part of the book.
    assert!(found("docs/new.md", code).is_empty());
}

#[test]
fn code_that_is_ignored_needs_no_crate() {
    let text = "```rust,ignore\nfn f();\n```\n\n```text\nrust\n```\n";
    assert!(found("docs/book/src/new.md", text).is_empty());
}
