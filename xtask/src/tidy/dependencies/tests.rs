//! Two crates that use one package, against pages that are right and wrong.

use super::check;
use crate::tidy::printed;
use crate::workspace::{Dependency, Member, Origin, Purpose};

fn member(name: &str) -> Member {
    let sha2 = Dependency {
        package: "sha2".to_owned(),
        origin: Origin::External,
        purpose: Purpose::Test,
    };
    let local = Dependency {
        package: "fusee-abi".to_owned(),
        origin: Origin::Local,
        purpose: Purpose::Build,
    };
    Member {
        name: name.to_owned(),
        manifest: format!("crates/{name}/Cargo.toml"),
        manifest_text: "[dev-dependencies]\nsha2-asm = \"1\"\nsha2 = \"1\"\n".to_owned(),
        dependencies: vec![sha2, local],
    }
}

fn check_page(page: &str, expected: &[&str]) {
    assert_eq!(
        printed(check(&[member("state"), member("store")], page)),
        expected
    );
}

#[test]
fn the_right_page_has_no_finding() {
    check_page(
        "| crate | used by | what for | why |\n|---|---|---|---|\n| `sha2` | `store`, `state` | hashes | small |\n",
        &[],
    );
}

#[test]
fn a_package_without_a_row() {
    check_page(
        "",
        &[
            "crates/state/Cargo.toml:3: dependencies: `sha2` has no row in docs/dependencies.md",
            "crates/store/Cargo.toml:3: dependencies: `sha2` has no row in docs/dependencies.md",
        ],
    );
}

#[test]
fn a_row_without_a_package() {
    check_page(
        "| `sha2` | `state`, `store` | hashes | small |\n| `md5` | `state` | hashes | old |\n",
        &["docs/dependencies.md:2: dependencies: no crate depends on `md5`: remove the row"],
    );
}

#[test]
fn users_that_are_not_the_users() {
    let expected = &["docs/dependencies.md:1: dependencies: `sha2` is used by `state`, `store`"];
    check_page("| `sha2` | `state` | hashes | small |\n", expected);
    check_page("| `sha2` | state and store | hashes | small |\n", expected);
}

#[test]
fn rows_that_cannot_be_read() {
    let row = "| `sha2` | `state`, `store` | hashes | small |\n";
    check_page(
        &format!("{row}{row}"),
        &["docs/dependencies.md:2: dependencies: a second row for `sha2`"],
    );
    check_page(
        &format!("{row}| `md5` | - |\n"),
        &["docs/dependencies.md:2: dependencies: not a row of four cells"],
    );
}
