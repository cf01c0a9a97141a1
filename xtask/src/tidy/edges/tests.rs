//! A workspace of two crates against maps that are right and wrong.

use super::check;
use crate::tidy::printed;
use crate::workspace::{Dependency, Member, Origin, Purpose};

const RIGHT: &[&str] = &[
    "| `executor` | `engine` | `testkit` |",
    "| `engine` | - | - |",
];

fn local(name: &str, purpose: Purpose) -> Dependency {
    Dependency {
        package: format!("fusee-{name}"),
        origin: Origin::Local,
        purpose,
    }
}

fn member(name: &str, dependencies: Vec<Dependency>) -> Member {
    Member {
        name: name.to_owned(),
        manifest: format!("crates/{name}/Cargo.toml"),
        manifest_text: "[package]\n\n[dependencies]\nfusee-engine.workspace = true\n".to_owned(),
        dependencies,
    }
}

fn check_rows(rows: &[&str], expected: &[&str]) {
    let executor = vec![
        local("engine", Purpose::Build),
        local("testkit", Purpose::Test),
    ];
    let members = [member("engine", vec![]), member("executor", executor)];
    let page = format!(
        "<!-- edges:begin -->\n{}\n<!-- edges:end -->\n",
        rows.join("\n")
    );
    assert_eq!(printed(check(&members, &page)), expected);
}

#[test]
fn the_right_map_has_no_finding() {
    check_rows(RIGHT, &[]);
}

#[test]
fn an_edge_that_the_map_lacks() {
    check_rows(
        &["| `executor` | - | `testkit` |", "| `engine` | - | - |"],
        &[
            "crates/executor/Cargo.toml:4: edges: `executor` may not depend on `engine`: ARCHITECTURE.md has no such edge",
        ],
    );
}

#[test]
fn an_edge_that_nobody_uses() {
    check_rows(
        &[
            "| `executor` | `engine`, `state` | `testkit` |",
            "| `engine` | - | - |",
        ],
        &[
            "ARCHITECTURE.md:2: edges: `executor` does not depend on `state`: remove it from the table",
        ],
    );
}

#[test]
fn an_edge_in_the_wrong_column() {
    check_rows(
        &[
            "| `executor` | - | `engine`, `testkit` |",
            "| `engine` | - | - |",
        ],
        &[
            "crates/executor/Cargo.toml:4: edges: `executor` may not depend on `engine`: ARCHITECTURE.md has no such edge",
            "ARCHITECTURE.md:2: edges: `executor` does not dev-depend on `engine`: remove it from the table",
        ],
    );
}

#[test]
fn a_crate_without_a_row() {
    check_rows(
        &["| `executor` | `engine` | `testkit` |"],
        &["ARCHITECTURE.md:1: edges: no row for the crate `engine`"],
    );
}

#[test]
fn a_row_without_a_crate() {
    check_rows(
        &[RIGHT, &["| `ghost` | - | - |"]].concat(),
        &["ARCHITECTURE.md:4: edges: there is no crate `ghost`"],
    );
}

#[test]
fn rows_that_cannot_be_read() {
    check_rows(
        &[
            RIGHT,
            &["| `engine` | - | - |", "| `x` | y | - |", "| `x` | - |"],
        ]
        .concat(),
        &[
            "ARCHITECTURE.md:4: edges: a second row for `engine`",
            "ARCHITECTURE.md:5: edges: not a row of three cells of names",
            "ARCHITECTURE.md:6: edges: not a row of three cells of names",
        ],
    );
}

#[test]
fn a_page_without_the_table() {
    assert_eq!(
        printed(check(&[], "# Architecture\n")),
        [
            "ARCHITECTURE.md:1: edges: no table between `<!-- edges:begin -->` and `<!-- edges:end -->`"
        ],
    );
}
