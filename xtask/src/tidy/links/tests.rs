//! Links that lead somewhere, and links that do not.

use std::path::Path;

use super::check;
use crate::tidy::printed;
use crate::workspace::Page;

fn found(text: &str) -> Vec<String> {
    let page = Page {
        path: "docs/book/src/gas.md".to_owned(),
        text: text.to_owned(),
    };
    let exists = |path: &Path| {
        ["docs/book/src/limits.md", "docs/calibration.md", "guests"]
            .iter()
            .any(|known| path == Path::new(known))
    };
    printed(check(&page, exists))
}

#[test]
fn a_link_leads_to_what_exists() {
    let text = "[a](limits.md#work), [b](../../calibration.md), [c](../../../guests), [d](#here)\n\
                and [e](https://example.org/no.md)\n";
    assert!(found(text).is_empty());
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    assert_eq!(
        found("Text, and\nmore ([limits](docs/limits.md#work)).\n"),
        ["docs/book/src/gas.md:2: links: `docs/limits.md` is neither a file nor a folder"]
    );
    assert_eq!(found("[a](../../../../etc/passwd)").len(), 1);
    assert_eq!(
        found("[`a`](no.md) [b](limits.md) [`c`](limits.txt)").len(),
        2
    );
}

#[test]
fn code_has_no_links() {
    assert!(found("`[a](no.md)`\n\n```text\n[a](no.md)\n```\n").is_empty());
}
