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

/// A library whose test does what a gas snapshot of the test kit does. The comparison is the text
/// that a test of the test kit expects.
const GAUGE: &str = "
#[cfg(test)]
#[test]
fn it_compares() {
    let Some(folder) = std::env::var_os(\"FUSEE_GAS_DIFF\") else {
        return assert!(std::env::var_os(\"FUSEE_GAS_CHECK\").is_some());
    };
    let file = std::env::current_dir().unwrap().join(\"tests/gas.txt\").display().to_string();
    let before = \"{\\\"approve\\\":500,\\\"gone\\\":7,\\\"transfer\\\":1000}\";
    let now = \"{\\\"approve\\\":500,\\\"mint\\\":3,\\\"transfer\\\":1094}\";
    for (name, file, before) in [(\"0.json\", file, before), (\"1.json\", \"/other\".into(), \"null\")] {
        let text = format!(
            \"{{\\\"file\\\":\\\"{file}\\\",\\\"before\\\":{before},\\\"now\\\":{now}}}\"
        );
        std::fs::write(std::path::Path::new(&folder).join(name), text).unwrap();
    }
}
";

#[test]
fn gas_is_checked_or_compared() {
    let folder = Folder::new();
    bare(&folder, "gauge", GAUGE);
    folder.text("test gauge", 1);
    folder.text("test gauge --check", 0);
    folder.text("test gauge --check --diff", 2);
    let text = folder.text("test gauge --diff", 0);
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let rows: Vec<_> = text.lines().map(words).collect();
    for row in [
        &["gas,", "tests/gas.txt", "before", "now", "change"][..],
        &["gone", "7", "-", "gone"],
        &["mint", "-", "3", "new"],
        &["transfer", "1,000", "1,094", "+94", "(+9.4%)"],
        &["1", "calls", "as", "before"],
    ] {
        assert!(
            rows.iter().any(|found| found[..] == *row),
            "{row:?}: {text}"
        );
    }
    assert!(text.contains("there is no /other"), "{text}");
    let gas = folder.json("test gauge --diff", 0)["gas"].clone();
    assert_eq!(gas[1]["file"], "tests/gas.txt");
    assert_eq!(gas[1]["now"]["transfer"], 1094);
    assert!(gas[0]["before"].is_null(), "{gas}");
}
