//! Transactions that fail: told, and neither sent nor committed unless that is asked for.

use serde_json::{Value, json};

use crate::support::{Folder, guests};

/// The height of the chain, and the nonce of an account.
fn position(folder: &Folder, account: &str) -> (Value, Value) {
    let accounts = folder.json(&format!("accounts {account}"), 0);
    let height = folder.json("accounts", 0)["height"].clone();
    (height, accounts["accounts"][0]["nonce"].clone())
}

/// Checks that a transaction of an account is told to fail, and leaves nothing. Then that it is
/// committed all the same if that is asked for.
fn withheld(folder: &Folder, words: &str, from: &str, expected: &str) {
    let before = position(folder, from);
    let words = format!("{words} --from {from}");
    let answer = folder.fusee(&words);
    assert_eq!((answer.code, &*answer.stderr), (1, ""), "{words}");
    // However wide the first column is.
    let told: Vec<&str> = answer.stdout.split_whitespace().collect();
    let told = told.join(" ");
    for expected in [
        expected,
        "committed nothing, because it fails next ",
        "--send-anyway commits it all the same",
    ] {
        assert!(told.contains(expected), "{words}: {answer:?}");
    }
    assert!(!answer.stdout.contains("dry run"), "{words}: {answer:?}");
    let told = folder.json(&words, 1);
    let fields = ["committed", "withheld", "height", "transaction"].map(|name| &told[name]);
    let null = &Value::Null;
    assert_eq!(fields, [&json!(false), &json!(true), null, null], "{words}");
    assert_eq!(position(folder, from), before, "{words} leaves nothing");

    let sent = folder.json(&format!("{words} --send-anyway"), 1);
    assert_eq!(sent["committed"], true, "{sent}");
    assert_eq!(sent.get("withheld"), None, "{sent}");
    assert_eq!(sent["status"], told["status"], "{words}");
    let next = |number: &Value| json!(number.as_u64().unwrap() + 1);
    let after = (next(&before.0), next(&before.1));
    assert_eq!(position(folder, from), after, "{words} is in a block");
}

#[test]
fn a_call_that_fails_is_told_and_not_committed() {
    let folder = Folder::new();
    let token = folder.deploy("token.wasm --args 1000");
    let caller = folder.deploy("caller.wasm");
    let poor = "reverted: insufficient balance";
    for (words, from, expected) in [
        (format!("call {token} transfer @bob 5"), "carol", poor),
        // Of a contract without an interface, nothing tells that this is a text.
        (
            format!("call {token} transfer bob 5"),
            "alice",
            "reverted: arguments end too early",
        ),
        (
            format!("call {token} transfer @bob 5 --gas 270_000"),
            "alice",
            "raise the limit with --gas",
        ),
        (format!("call {caller} write_then_trap"), "bob", "trapped: "),
        // It takes no value.
        (format!("call {token} --value 5"), "bob", "rejected: "),
        (
            "deploy token.wasm --args 1000 --value 1 --name gold".to_owned(),
            "dave",
            "status rejected: ",
        ),
        (
            format!("create {} --args 1000", "ab".repeat(32)),
            "dave",
            "rejected: ",
        ),
        (format!("admin {token} --nobody"), "erin", "rejected: "),
    ] {
        withheld(&folder, &words, from, expected);
    }
    assert_eq!(folder.json("name list", 0)["names"], json!([]));

    // What succeeds is committed with the flag and without.
    for flag in ["", "--send-anyway"] {
        let sent = folder.json(&format!("call {token} transfer @bob 5 {flag}"), 0);
        assert_eq!(sent["committed"], true);
    }
    let both = folder.fusee(&format!(
        "call {token} transfer @bob 5 --send-anyway --dry-run"
    ));
    assert_eq!(both.code, 2, "{both:?}");
}

/// What an error means is in the interface.
#[test]
fn the_error_of_a_withheld_call_is_decoded() {
    let folder = Folder::new();
    let json = guests().join("../interfaces/caller.json");
    let embed = format!(
        "interface caller.wasm --embed {} --output c.wasm",
        json.display()
    );
    folder.json(&embed, 0);
    let caller = folder.deploy("c.wasm");
    let words = format!("call {caller} write_then_revert --trace");
    let meaning = "meaning `write_then_revert` was called.";
    withheld(&folder, &words, "alice", meaning);
    let decoded = folder.json(&words, 1)["decoded"].clone();
    assert_eq!(decoded["error"]["doc"], "`write_then_revert` was called.");
}

/// The capsule of a transaction that fails is what it is looked into with.
#[test]
fn a_withheld_call_has_its_capsule() {
    let folder = Folder::new();
    let token = folder.deploy("token.wasm --args 1000");
    let words = format!("call {token} transfer @bob 5 --from carol --capsule poor.capsule");
    assert_eq!(folder.json(&words, 1)["withheld"], true);
    let replayed = folder.json("replay poor.capsule", 0);
    assert!(
        replayed.to_string().contains("insufficient balance"),
        "{replayed}"
    );
}
