//! `build`: a program and its parts, or why there is none.

use std::fs;

use fusee_build::Toolchain;

use super::{bare, is_ready, without_rust};
use crate::support::Folder;

#[test]
fn a_built_contract_is_described_and_runs() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    folder.json("new adds", 0);
    let text = folder.text("build adds --functions 2 --out adds.wasm", 0);
    assert!(text.contains("adds.wasm: built\n"), "{text}");
    assert!(text.contains("bytes: add, count\n"), "{text}");
    assert!(text.contains("  add\n"), "{text}");

    let built = folder.json("build adds --out adds.wasm", 0);
    let program = fs::read(folder.path().join("adds.wasm")).unwrap();
    assert_eq!(built["size"], program.len());
    let checked = folder.json("check adds.wasm", 0);
    for field in [
        "code_hash",
        "size",
        "metered_size",
        "instance_gas",
        "format",
    ] {
        assert_eq!(built[field], checked[field], "{field}");
    }
    let functions = built["functions"].as_array().unwrap();
    let sizes: Vec<_> = functions
        .iter()
        .map(|it| it["size"].as_u64().unwrap())
        .collect();
    assert!(sizes.is_sorted_by(|one, other| one >= other), "{sizes:?}");
    let layout = fusee_build::layout(&program).unwrap();
    assert_eq!(sizes.len(), layout.functions.len());
    let sections: Vec<_> = layout.sections.iter().map(|it| it.name.as_str()).collect();
    let custom = ["fusee.interface", "producers"];
    assert!(
        custom.iter().all(|name| sections.contains(name)),
        "{sections:?}"
    );
    assert!(!sections.contains(&"name"), "{sections:?}");

    let named = folder.json("build adds --names --out named.wasm", 0);
    assert!(named["size"].as_u64() > built["size"].as_u64());
    let named = fs::read(folder.path().join("named.wasm")).unwrap();
    let sections = fusee_build::layout(&named).unwrap().sections;
    assert!(sections.iter().any(|it| it.name == "name"), "{sections:?}");
    let profile = folder.json("gas named.wasm --invoke add 2", 0);
    assert_eq!(profile["functions"][0]["name"], "add", "{profile}");

    let address = folder.deploy("adds.wasm");
    folder.text(&format!("call {address} add 2"), 0);
    let count = folder.text(&format!("query {address} count"), 0);
    assert!(count.contains('2'), "{count}");
}

/// What formats the messages of panics takes kilobytes, and nobody reads them. It is left out if
/// the crates are optimised as a whole.
#[test]
fn a_contract_with_lists_and_texts_has_no_code_that_formats() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    folder.json("new works --template nft", 0);
    let built = folder.json("build works --out works.wasm", 0);
    let functions = built["functions"].to_string();
    assert!(functions.contains("alloc::raw_vec"), "{functions}");
    assert!(!functions.contains("core::fmt"), "{functions}");
}

#[test]
fn a_program_for_polkavm_has_its_interface_beside_it() {
    if !is_ready(Toolchain::has_polkavm) || !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    folder.json("new adds", 0);
    let built = folder.json("build adds --polkavm --out adds.polkavm", 0);
    assert_eq!(built["format"], "polkavm");
    assert!(built["interface_size"].is_u64(), "{built}");
    let address = folder.deploy("adds.polkavm");
    let called = folder.text(&format!("call {address} add number=2"), 0);
    assert!(called.contains("success"), "{called}");
}

#[test]
fn what_the_rules_refuse_is_not_written_and_is_told_what_to_do() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    let code = "#[unsafe(no_mangle)] pub extern \"C\" fn half() { unsafe { HALF *= 0.5 } }\n\
                static mut HALF: f64 = 1.0;";
    bare(&folder, "halves", code);
    let admitted = folder.json("build halves --out halves.wasm", 0);
    assert_eq!(admitted["interface_size"], serde_json::Value::Null);
    fs::remove_file(folder.path().join("halves.wasm")).unwrap();
    let refused = folder.json("build halves --out halves.wasm --floats refused", 1);
    assert_eq!(refused["refusal"]["rule"], "floats");
    assert_eq!(refused["refusal"]["function"]["name"], "half");
    let next = refused["refusal"]["next"].as_str().unwrap();
    assert!(next.starts_with("use integers"), "{next}");
    assert!(!folder.path().join("halves.wasm").exists());
}

#[test]
fn an_interface_that_is_cut_is_told() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    let code = "#[unsafe(link_section = \"fusee.interface\")] #[used] \
                pub static INTERFACE: [u8; 3] = [1, 0, 0];";
    bare(&folder, "cuts", code);
    let refused = folder.json("build cuts --out cuts.wasm", 1);
    let message = refused["error"]["message"].as_str().unwrap();
    assert_eq!(message, "the interface of `cuts` cannot be read");
    assert!(
        refused["error"]["next"]
            .as_str()
            .unwrap()
            .contains("fusee interface")
    );
    assert!(!folder.path().join("cuts.wasm").exists());
}

#[test]
fn a_folder_without_a_contract_and_a_machine_without_rust_are_told() {
    let folder = Folder::new();
    for words in [
        "build",
        "build missing",
        "test",
        "verify build token.wasm --source .",
    ] {
        let refused = folder.json(words, 2);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains("no Cargo.toml"), "{words}: {message}");
        assert!(
            refused["error"]["next"]
                .as_str()
                .unwrap()
                .contains("fusee new")
        );
    }
    bare(&folder, "plain", "");
    for words in [
        "build plain",
        "test plain",
        "verify build token.wasm --source plain",
    ] {
        let answer = without_rust(&folder, words);
        assert_eq!(answer.code, 4, "{answer:?}");
        assert!(
            answer.stderr.contains("`cargo`, which is not on the PATH"),
            "{answer:?}"
        );
        assert!(answer.stderr.contains("https://rustup.rs"), "{answer:?}");
    }
}

#[test]
fn a_contract_that_does_not_compile_is_told_by_the_compiler() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    bare(&folder, "broken", "pub fn f() -> u8 { 256 }");
    let refused = folder.json("build broken --locked", 2);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("Cargo.lock"), "{message}");
    let refused = folder.json("build broken", 1);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("literal out of range for `u8`"),
        "{message}"
    );
}
