//! `verify build`: whether a program is made of its sources.

use std::fs;

use fusee_build::Toolchain;

use super::{bare, is_ready};
use crate::support::Folder;

#[test]
fn a_contract_is_made_of_its_sources_wherever_they_are() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    folder.json("new adds", 0);
    folder.json("build adds --out adds.wasm", 0);
    folder.json("build adds --names --out named.wasm", 0);
    let address = folder.deploy("adds.wasm");
    let hash = folder.json("check adds.wasm", 0)["code_hash"]
        .as_str()
        .unwrap()
        .to_owned();

    let elsewhere = Folder::new();
    elsewhere.json("new adds", 0);
    let source = elsewhere.path().join("adds").display().to_string();
    for program in [
        address.as_str(),
        &address[..12],
        &hash,
        "adds.wasm",
        "named.wasm",
    ] {
        let verified = folder.json(&format!("verify build {program} --source {source}"), 0);
        assert_eq!(verified["equal"], true, "{verified}");
        assert_eq!(
            verified["given"]["size"], verified["built"]["size"],
            "{program}"
        );
    }
    let text = folder.text(&format!("verify build {hash} --source {source}"), 0);
    assert!(text.contains(": equal\n"), "{text}");
    assert!(text.contains("rustc "), "{text}");

    let contract = elsewhere.path().join("adds/src/lib.rs");
    let code = fs::read_to_string(&contract).unwrap();
    let other = code.replace(".checked_add(number)", ".checked_add(number | 1)");
    assert_ne!(code, other);
    fs::write(&contract, other).unwrap();
    let verified = folder.json(&format!("verify build {hash} --source {source}"), 1);
    assert_eq!(verified["equal"], false);
    let functions = verified["differences"]["functions"].to_string();
    assert!(functions.contains("add"), "{verified}");
    let text = folder.text(&format!("verify build adds.wasm --source {source}"), 1);
    assert!(text.contains("DIFFERENT"), "{text}");
    assert!(text.contains("function add differs"), "{text}");
}

#[test]
fn another_program_or_none_is_told_what_differs() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    bare(&folder, "plain", "");
    let refused = folder.json("verify build counter.wasm --source plain", 2);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("Cargo.lock"), "{message}");

    let verified = folder.json("verify build counter.wasm --source plain --unlocked", 1);
    let sections = verified["differences"]["sections"].as_array().unwrap();
    let code = sections
        .iter()
        .find(|section| section["name"] == "code")
        .unwrap();
    assert!(
        code["given"].as_u64() > code["built"].as_u64(),
        "{verified}"
    );

    // Cut in the code: what can be read is compared, and the rest is different.
    let program = fs::read(folder.path().join("counter.wasm")).unwrap();
    folder.write("cut.wasm", &program[..program.len() / 2]);
    let verified = folder.json("verify build cut.wasm --source plain", 1);
    assert_eq!(verified["equal"], false);

    // A section that no chain reads.
    folder.json("build plain --out plain.wasm", 0);
    folder.json("verify build plain.wasm --source plain", 0);
    let mut with_section = fs::read(folder.path().join("plain.wasm")).unwrap();
    with_section.extend([0, 5, 4, b'm', b'i', b'n', b'e']);
    folder.write("more.wasm", with_section);
    let text = folder.text("verify build more.wasm --source plain", 1);
    assert!(text.contains("mine"), "{text}");
    assert!(text.contains("only custom sections differ"), "{text}");

    for program in ["missing.wasm", "012345678901"] {
        let refused = folder.json(&format!("verify build {program} --source plain"), 2);
        assert!(refused["error"]["next"].is_string(), "{refused}");
    }
}
