//! Words in the wrong half, and the same words where they belong.

use super::check;
use crate::workspace::Source;

fn check_words(path: &str, text: &str, expected: &[&str]) {
    let source = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let findings = check(&source);
    let found: Vec<String> = findings
        .iter()
        .map(|found| {
            format!(
                "{}: {}",
                found.line,
                found.message.split(':').next().unwrap()
            )
        })
        .collect();
    assert_eq!(found, expected, "{path}");
}

#[test]
fn the_chain_names_no_engine() {
    let text = "//! Runs.\nuse fusee_engine_wasmi::WasmiEngine;\n// Or Wasmtime, or PolkaVM.\n";
    let expected = &["2: says `wasmi`", "3: says `polkavm`", "3: says `wasmtime`"];
    check_words("crates/contract/src/frame.rs", text, expected);
    check_words("crates/abi/src/lib.rs", text, expected);
}

#[test]
fn the_sandbox_names_no_chain() {
    let text = "struct ContractCall;\nconst ACCOUNTS: u32 = 1;\n/// A receipt on a blockchain.\n";
    let expected = &[
        "1: says `contract`",
        "2: says `account`",
        "3: says `blockchain`",
        "3: says `receipt`",
    ];
    check_words("crates/executor/src/run.rs", text, expected);
    check_words("crates/engine/src/lib.rs", text, expected);
    check_words("crates/engine-wasmtime/src/store.rs", text, expected);
    check_words("crates/instrument/src/gas/table.rs", text, expected);
}

#[test]
fn each_half_has_its_own_words() {
    check_words(
        "crates/contract/src/frame.rs",
        "struct ContractAccount;",
        &[],
    );
    check_words(
        "crates/engine-wasmi/src/lib.rs",
        "use wasmi::Engine; // in the address space",
        &[],
    );
}

#[test]
fn binaries_and_tests_see_both() {
    check_words("crates/cli/src/main.rs", "wasmtime runs a contract", &[]);
    check_words(
        "crates/contract/tests/it/main.rs",
        "use fusee_engine_wasmi::WasmiEngine;",
        &[],
    );
    check_words("bench/src/main.rs", "wasmtime runs a contract", &[]);
}
