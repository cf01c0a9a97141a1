//! `prove` and `verify proof`: proofs of what accounts and contracts have.

use serde_json::Value;

use crate::support::Folder;

#[test]
fn what_is_proven_is_verified_against_the_right_root_only() {
    let folder = Folder::new();
    let token = folder.deploy("token.wasm --args 1000");
    let before = folder.json("accounts", 0);
    for (proven, present) in [
        ("prove alice".to_owned(), [true, true, false].as_slice()),
        (format!("prove {token}"), &[false, false, true]),
        (
            format!("prove {token} --storage none --storage 0x00"),
            &[false, true],
        ),
    ] {
        let mut proofs = folder.json(&proven, 0);
        let root = proofs["state_root"].as_str().unwrap().to_owned();
        assert_eq!(before["state_root"], root.as_str());
        let entries = proofs["entries"].as_array().unwrap();
        let found: Vec<_> = entries
            .iter()
            .map(|entry| !entry["value"].is_null())
            .collect();
        assert_eq!(found, present, "{proven}");

        folder.write("proofs.json", proofs.to_string());
        let verified = folder.json(&format!("verify proof proofs.json --root {root}"), 0);
        assert_eq!(verified["verified"], proofs["entries"]);
        let text = folder.text(&format!("verify proof proofs.json --root 0x{root}"), 0);
        assert!(text.contains("all proofs hold"), "{text}");

        let value = &mut proofs["entries"][0]["value"];
        *value = match value.is_null() {
            true => Value::from("01"),
            false => Value::Null,
        };
        folder.write("forged.json", proofs.to_string());
        let refused = folder.json(&format!("verify proof forged.json --root {root}"), 1);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains("does not hold"), "{message}");
    }
    // What the file calls a key is not believed.
    let mut bob = folder.json("prove bob", 0);
    bob["entries"][0]["name"] = "balance of alice".into();
    folder.write("renamed.json", bob.to_string());
    let root = before["state_root"].as_str().unwrap();
    let verified = folder.json(&format!("verify proof renamed.json --root {root}"), 0);
    assert_eq!(verified["verified"][0]["name"], "balance of bob");
    // Another state, another root.
    let root = before["state_root"].as_str().unwrap();
    folder.text(&format!("call {token} transfer --args @bob 1"), 0);
    let after = folder.json("prove alice", 0);
    assert_ne!(after["state_root"], root);
    folder.write("later.json", after.to_string());
    folder.json(&format!("verify proof later.json --root {root}"), 1);
}

#[test]
fn what_is_no_proof_and_no_root_is_told() {
    let folder = Folder::new();
    folder.json("init", 0);
    let root = "00".repeat(32);
    for (content, words, expected) in [
        (
            "{}",
            format!("verify proof file --root {root}"),
            "has no proofs",
        ),
        (
            "no JSON",
            format!("verify proof file --root {root}"),
            "has no proofs",
        ),
        (
            "{}",
            format!("verify proof missing --root {root}"),
            "has no proofs",
        ),
        (
            r#"{"state_root": "", "entries": []}"#,
            "verify proof file --root 00".to_owned(),
            "is no state root",
        ),
        (
            r#"{"state_root": "", "entries": []}"#,
            format!("verify proof file --root {root}"),
            "has no proofs",
        ),
        ("", "prove alice --storage 0x0".to_owned(), "is no key"),
    ] {
        folder.write("file", content);
        let refused = folder.json(&words, 2);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{words}: {message}");
        assert!(refused["error"]["next"].is_string(), "{words}");
    }
}
