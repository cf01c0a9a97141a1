//! The Rust code of a page of the book is compiled: some crate includes the page as documentation.

use super::Finding;
use crate::workspace::{Page, Source};

const RULE: &str = "snippets";

/// The folder of the pages, from the root, with a slash.
const PAGES: &str = "docs/book/src/";

/// Pages with Rust code that no source includes.
pub(super) fn check(pages: &[Page], sources: &[Source]) -> Vec<Finding> {
    pages
        .iter()
        .filter(|page| page.path.starts_with(PAGES))
        .filter_map(|page| {
            let (line, _) = (1..)
                .zip(page.text.lines())
                .find(|(_, line)| is_compiled(line))?;
            let included = format!("/{}\")]", page.path);
            let is_included = sources.iter().any(|source| source.text.contains(&included));
            (!is_included).then(|| {
                let message = "no crate includes this page, so nothing compiles its code: include it in \
                               crates/fusee/src/lib.rs or crates/testkit/src/lib.rs, or mark it `rust,ignore`";
                Finding::new(&page.path, line, RULE, message)
            })
        })
        .collect()
}

/// Whether a line begins Rust code that rustdoc compiles.
fn is_compiled(line: &str) -> bool {
    let Some(language) = line.trim_start().strip_prefix("```rust") else {
        return false;
    };
    !language.split(',').any(|word| word.trim() == "ignore")
}

#[cfg(test)]
mod tests;
