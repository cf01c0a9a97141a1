//! `test`: the tests of a contract, and the lines that they ran.

use std::{fs, path::Path};

use fusee_build::{Toolchain, llvm_tool};

use super::bare;
use crate::support::Folder;

/// A library with tests, one of which asks for the environment.
const CODE: &str = "
pub fn halved(number: u64) -> u64 {
    if number == 3 {
        return 1;
    }
    number / 2
}
#[cfg(test)]
#[test]
fn it_halves() {
    assert_eq!(halved(4), 2);
}
#[cfg(test)]
#[test]
fn golden_files_are_written_if_asked() {
    assert_eq!(std::env::var(\"UPDATE_EXPECT\").ok().as_deref(), option_env!(\"WANTED\"));
}
";

#[test]
fn tests_that_pass_and_tests_that_fail_are_told_apart() {
    let folder = Folder::new();
    bare(&folder, "halves", CODE);
    let passed = folder.json("test halves", 0);
    assert_eq!(
        (&passed["package"], &passed["passed"]),
        (&"halves".into(), &true.into())
    );
    let text = folder.text("test halves it_halves", 0);
    assert!(text.contains("it_halves ... ok"), "{text}");
    assert!(
        !text.contains("golden_files"),
        "only those of the filter: {text}"
    );
    assert!(text.ends_with("halves: the tests pass\n"), "{text}");
    let failed = folder.json("test halves --update-gas", 1);
    assert_eq!(failed["passed"], false);
}

#[test]
fn lines_that_no_test_ran_are_told() {
    let folder = Folder::new();
    bare(&folder, "halves", CODE);
    let toolchain = Toolchain::find(Path::new(".")).unwrap();
    if llvm_tool(&toolchain, "llvm-cov").is_err() {
        let refused = folder.json("test halves --coverage", 4);
        let next = refused["error"]["next"].as_str().unwrap();
        assert_eq!(next, "rustup component add llvm-tools");
        eprintln!("SKIPPED: coverage needs {next}");
        return;
    }
    let tested = folder.json("test halves --coverage --lcov lines.lcov", 0);
    let coverage = &tested["coverage"];
    assert_eq!(coverage["files"][0]["file"], "src/lib.rs");
    // The empty method `deploy`, which is a line of its own, and the line for 3.
    let uncovered = coverage["files"][0]["uncovered"].as_array().unwrap();
    let returned = CODE
        .lines()
        .position(|line| line.contains("return 1"))
        .unwrap()
        + 4;
    assert!(
        uncovered.contains(&returned.into()),
        "{returned}: {coverage}"
    );
    assert!(!uncovered.contains(&(returned + 2).into()), "{coverage}");
    let (lines, covered) = (coverage["lines"].as_u64(), coverage["covered"].as_u64());
    assert!(covered < lines, "{coverage}");
    let lcov = fs::read_to_string(folder.path().join("lines.lcov")).unwrap();
    assert!(lcov.contains(&format!("DA:{returned},0\n")), "{lcov}");
    assert!(lcov.contains(&format!("DA:{},1\n", returned + 2)), "{lcov}");
    let text = folder.text("test halves --coverage", 0);
    assert!(text.contains("src/lib.rs"), "{text}");
}
