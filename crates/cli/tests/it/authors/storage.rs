//! `storage` of contracts of the SDK: the compiler writes the fields into their interface.

use std::path::Path;

use fusee_build::Toolchain;
use serde_json::{Value, json};

use super::is_ready;
use crate::support::Folder;

/// Builds an example, deploys it, and returns its address.
fn deployed(folder: &Folder, example: &str, flags: &str) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/contracts")
        .join(example);
    let built = format!("build {} --out {example}.built.wasm", source.display());
    folder.text(&built, 0);
    folder.deploy(&format!("{example}.built.wasm {flags}"))
}

fn entries(folder: &Folder, contract: &str) -> Vec<Value> {
    let answer = folder.json(&format!("storage {contract}"), 0);
    let entries = answer["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["decoded"].clone())
        .collect()
}

#[test]
fn the_storage_of_a_token_has_names_and_keys() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    let token = deployed(&folder, "token", "--args 1000");
    folder.text(&format!("call {token} transfer @bob 250"), 0);
    folder.text(&format!("call {token} approve @bob 7"), 0);
    let told = entries(&folder, &token);
    assert_eq!(told[0], json!({"field": "supply", "value": 1000}));
    let values = |field: &str| -> Vec<u64> {
        let of_field = told.iter().filter(|entry| entry["field"] == field);
        of_field
            .map(|entry| entry["value"].as_u64().unwrap())
            .collect()
    };
    let mut balances = values("balances");
    balances.sort_unstable();
    assert_eq!(balances, [250, 750]);
    assert_eq!(values("allowances"), [7]);
    let allowed = told.last().unwrap();
    let parties = allowed["key"].as_array().unwrap();
    assert_eq!(parties.len(), 2, "owner and spender: {allowed}");
    let text = folder.text(&format!("storage {token}"), 0);
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let rows: Vec<_> = text.lines().map(words).collect();
    assert!(
        rows.iter()
            .any(|row| row[..] == ["supply", "1000"] || row[..] == ["supply", "1,000"]),
        "{text}"
    );
    assert!(
        text.contains("balances[") && text.contains("allowances["),
        "{text}"
    );
    let shown = folder.text("interface token.built.wasm", 0);
    assert!(
        shown.contains("storage allowances: map of (address, address) to u64"),
        "{shown}"
    );
}

/// A set, and a vector of structs with a name.
#[test]
fn the_storage_of_a_wallet_has_members_and_structs() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let folder = Folder::new();
    let wallet = deployed(
        &folder,
        "multisig",
        "--args owners=[\"@alice\",\"@bob\"] threshold=2",
    );
    folder.text(&format!("call {wallet} propose @carol pay 0x0102 5"), 0);
    let told = entries(&folder, &wallet);
    let fields: Vec<_> = told
        .iter()
        .map(|it| it["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "owners",
            "owners",
            "threshold",
            "proposals",
            "proposals",
            "confirmations"
        ]
    );
    assert!(told[0].get("value").is_none(), "a member: {}", told[0]);
    assert_eq!(told[2]["value"], 2);
    assert_eq!(told[3]["length"], 1);
    assert_eq!(told[4]["key"], 0);
    assert_eq!(told[4]["value"]["method"], "pay");
    assert_eq!(told[4]["value"]["input"], "0x0102");
    assert_eq!(told[5]["key"][0], 0);
}
