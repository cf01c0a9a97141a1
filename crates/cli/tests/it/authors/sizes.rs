//! The page of sizes and costs has what the examples are: the size of each program as it is built
//! here, and the gas of its methods from the gas snapshots of its tests.
//!
//! Compilers differ, so a number may differ by two per cent. `UPDATE_EXPECT` writes the table.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use fusee_build::Toolchain;
use serde_json::Value;

use super::is_ready;
use crate::support::{Answer, Folder};

/// Where the table begins and ends.
const BEGIN: &str =
    "<!-- Written by: UPDATE_EXPECT=1 cargo test -p fusee-cli --test it -- sizes -->\n";
const END: &str = "<!-- The end of what is written. -->\n";

/// How far a number on the page may be from the one of this compiler.
const PER_MILLE: u64 = 20;

#[test]
fn the_page_has_the_sizes_and_gas_of_the_examples() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let page = root().join("docs/book/src/sizes-and-costs.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text
        .split_once(BEGIN)
        .expect("the page says where it begins");
    let (shown, after) = rest.split_once(END).expect("the page says where it ends");
    let now = table();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&page, [before, BEGIN, &now, END, after].concat()).unwrap();
        return;
    }
    if let Err(difference) = near(shown, &now) {
        panic!("{difference}\nwrite the page again: {BEGIN}");
    }
}

#[test]
fn numbers_may_differ_a_little_and_words_not_at_all() {
    assert_eq!(near("`a` 1,000; `c` 7", "`a` 1,020; `c` 7"), Ok(()));
    for (now, wrong) in [
        ("`a` 1,021; `c` 7", "another number"),
        ("`a` 979; `c` 7", "another number"),
        ("`b` 1,000; `c` 7", "another method"),
        ("`a` 1,000", "a method less"),
        ("`a` 1,000; `c` 7; `d` 7", "a method more"),
    ] {
        assert!(near("`a` 1,000; `c` 7", now).is_err(), "{wrong}");
    }
}

/// The table: a line for each example.
fn table() -> String {
    let mut table = "\n| example | bytes | of them the interface | metered | gas |\n\
                     |---|---|---|---|---|\n"
        .to_owned();
    let folder = Folder::new();
    for example in examples() {
        let name = example.file_name().unwrap().to_str().unwrap();
        let mut build = folder.command("build --locked --out built.wasm --json");
        let built = Answer::of(build.arg(&example).output().unwrap());
        assert_eq!(built.code, 0, "{name}: {built:?}");
        let built: Value = serde_json::from_str(&built.stdout).unwrap();
        let number = |field: &str| grouped(built[field].as_u64().unwrap());
        let gas = fs::read_to_string(example.join("tests/gas.txt")).unwrap();
        let gas = gas.lines().map(|line| {
            let (gas, method) = line.trim().split_once(' ').unwrap();
            format!("`{method}` {}", grouped(gas.parse().unwrap()))
        });
        let gas: Vec<_> = gas.collect();
        writeln!(
            table,
            "| [{name}](../../../examples/contracts/{name}) | {} | {} | {} | {} |",
            number("size"),
            number("interface_size"),
            number("metered_size"),
            gas.join("; ")
        )
        .unwrap();
    }
    table.push('\n');
    table
}

/// The folders of the examples, in order.
fn examples() -> Vec<PathBuf> {
    let folders = fs::read_dir(root().join("examples/contracts")).unwrap();
    let folders = folders.map(|folder| folder.unwrap().path());
    let mut examples: Vec<_> = folders
        .filter(|folder| folder.join("Cargo.toml").exists())
        .collect();
    examples.sort();
    assert!(examples.len() > 5, "{examples:?}");
    examples
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// Whether two texts have the same words, and numbers that differ by no more than they may.
fn near(one: &str, other: &str) -> Result<(), String> {
    let is_number = |letter: char| letter.is_ascii_digit() || letter == ',';
    if one.replace(is_number, "") != other.replace(is_number, "") {
        return Err(format!("the page has{one}and now it is{other}"));
    }
    let numbers = |text: &str| -> Vec<u64> {
        let numbers = text.split(|letter| !is_number(letter));
        let numbers = numbers.filter_map(|number| number.replace(',', "").parse().ok());
        numbers.collect()
    };
    let (ones, others) = (numbers(one), numbers(other));
    assert_eq!(ones.len(), others.len(), "each word has its numbers");
    let mut pairs = ones.into_iter().zip(others);
    let differs =
        |(one, other): &(u64, u64)| one.abs_diff(*other) * 1_000 > PER_MILLE * one.min(other);
    match pairs.find(differs) {
        Some((one, other)) => Err(format!("the page has {one}, and now it is {other}")),
        None => Ok(()),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
