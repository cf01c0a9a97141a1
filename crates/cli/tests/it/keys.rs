//! `keys`: makes, lists and shows keys, signs by them, and overwrites none.

use std::fs;

use crate::support::Folder;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("password", "secret\n");
    folder.write("other", "other");
    folder
}

#[test]
fn keys_are_made_listed_and_shown() {
    let folder = folder();
    let made = folder.json("keys new mine --password-file password", 0);
    assert_eq!(made["scheme"], "ed25519");
    assert_eq!(made["development"], false);
    let bot = folder.json(
        "keys new bot --scheme secp256k1 --password-file password",
        0,
    );
    let shown = folder.json("keys show mine", 0);
    assert_eq!(shown, made);
    let listed = folder.json("keys list", 0);
    assert_eq!(listed["keys"][0], bot);
    assert_eq!(listed["keys"][1], made);
    assert_eq!(listed["keys"][2]["name"], "alice");
    assert_eq!(listed["keys"][2]["development"], true);
    let text = folder.text("keys show mine", 0);
    assert!(text.contains(made["address"].as_str().unwrap()), "{text}");
}

#[test]
fn development_keys_are_those_of_the_accounts() {
    let folder = folder();
    let alice = folder.json("keys show alice", 0);
    let accounts = folder.json("accounts", 0);
    assert_eq!(alice["address"], accounts["accounts"][0]["address"]);
    let text = folder.text("keys show alice", 0);
    assert!(text.contains("everybody has it"), "{text}");
    folder.text("keys new alice --password-file password", 2);
}

#[test]
fn signatures_are_of_the_key_and_need_its_password() {
    let folder = folder();
    folder.json("keys new mine --password-file password", 0);
    let id = "ab".repeat(32);
    let signed = folder.json(&format!("keys sign mine {id} --password-file password"), 0);
    let key = folder.json("keys show mine", 0);
    let authorization = signed["authorization"].as_str().unwrap();
    let expected = format!("01{}", key["public_key"].as_str().unwrap());
    assert!(authorization.starts_with(&expected), "{authorization}");
    assert_eq!(authorization.len(), 2 * (1 + 32 + 64));
    let wrong = folder.fusee(&format!("keys sign mine {id} --password-file other"));
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("the password of"), "{}", wrong.stderr);
    let missing = folder.fusee(&format!("keys sign none {id} --password-file password"));
    assert_eq!(missing.code, 2);
    folder.text("keys sign mine abcd --password-file password", 2);
}

#[test]
fn no_key_is_overwritten() {
    let folder = folder();
    folder.json("keys new mine --password-file password", 0);
    let path = folder.path().join(".fusee-keys/mine.key.json");
    let before = fs::read(&path).unwrap();
    let again = folder.fusee("keys new mine --password-file other");
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("never overwritten"),
        "{}",
        again.stderr
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn damaged_keys_and_empty_passwords_are_refused() {
    let folder = folder();
    folder.write("empty", "\n");
    folder.text("keys new mine --password-file empty", 2);
    folder.text("keys new mine --password-file missing", 2);
    folder.text("keys new ../mine --password-file password", 2);
    folder.json("keys new mine --password-file password", 0);
    folder.write(".fusee-keys/mine.key.json", "{}");
    folder.text("keys show mine", 4);
    let listed = folder.json("keys list", 4);
    assert_eq!(listed["damaged"].as_array().unwrap().len(), 1);
}
