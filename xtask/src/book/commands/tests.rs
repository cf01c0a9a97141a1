//! Scripts of pages, and pages that fail.

use std::fs;

use super::{Block, block, execute, script};
use crate::workspace::Page;

fn page(text: &str) -> Page {
    Page {
        path: "docs/book/src/page.md".to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn commands_keep_their_lines() {
    let script = script(&page(
        "# Page\n\n```sh\n# a comment\necho a \\\n    b\n```\n\n```sh,ignore\nfalse\n```\n\n```text\nfalse\n```\n",
    ))
    .unwrap();
    assert_eq!(script.commands, 1);
    assert_eq!(
        script.text,
        "\n\n\n# a comment\necho a \\\n    b\n\n\n\n\n\n\n\n\n\n"
    );
}

#[test]
fn fences_say_what_runs() {
    assert_eq!(block("sh"), Ok(Block::Runs));
    assert_eq!(block("sh,ignore"), Ok(Block::Skipped));
    assert_eq!(block("sh,serves-8645"), Ok(Block::Serves(8645)));
    assert_eq!(block("rust,no_run"), Ok(Block::Skipped));
    assert_eq!(block(""), Ok(Block::Skipped));
    assert!(block("sh,ignored").is_err());
    assert!(block("sh,serves-99999").is_err());
    assert!(block("console").is_err());
}

/// What the report says of a page of this name and text.
fn check(name: &str, text: &str) -> Option<String> {
    let root = std::env::temp_dir().join(format!("fusee-book-{}-{name}", std::process::id()));
    fs::create_dir_all(&root).unwrap();
    let binary = root.join("fusee");
    fs::write(&binary, "").unwrap();
    let page = page(text);
    let found = execute(&root, &binary, &page, &script(&page).unwrap()).unwrap();
    fs::remove_dir_all(&root).unwrap();
    found.map(|finding| finding.to_string())
}

#[test]
fn what_succeeds_has_no_finding() {
    let text = "```sh\nword=a\n```\n\n```sh\n[ $word = a ]\ncd / && [ \"$(pwd)\" = / ]\n```\n";
    assert_eq!(check("succeeds", text), None);
}

#[test]
fn a_failure_has_its_line_and_command() {
    let text = "Text.\n\n```sh\ntrue\nls no-such-file\ntrue\n```\n";
    let found = check("fails", text).unwrap();
    assert!(
        found.starts_with("docs/book/src/page.md:5: commands: `ls no-such-file` failed"),
        "{found}"
    );
}

#[test]
fn a_failure_in_a_pipe_is_one() {
    let found = check("pipe", "```sh\nfalse | cat\n```\n").unwrap();
    assert!(found.starts_with("docs/book/src/page.md:2:"), "{found}");
}

#[test]
fn a_service_that_ends_is_a_failure() {
    let found = check("ends", "\n```sh,serves-9\ntrue\n```\n").unwrap();
    assert!(
        found.starts_with(
            "docs/book/src/page.md:4: commands: `a service at port 9, which has ended` failed"
        ),
        "{found}"
    );
}
