//! `upload`, `create`, `upgrade`, `admin` and `remove-code`.

use serde_json::json;

use crate::support::Folder;

#[test]
fn a_contract_is_made_of_uploaded_code_upgraded_and_given_up() {
    let folder = Folder::new();
    let salt = "01".repeat(32);
    let uploaded = folder.json("upload counter.wasm --engine all", 0);
    let hash = uploaded["code_hash"].as_str().unwrap();
    assert_eq!(uploaded["output"], format!("0x{hash}"));
    let create = format!("create {hash} --salt {salt} --admin alice");
    let dry = folder.json(&format!("{create} --dry-run"), 0);
    assert_eq!(dry["committed"], false);
    let created = folder.json(&format!("{create} --engine all"), 0);
    assert_eq!(created["address"], dry["address"]);
    let address = created["address"].as_str().unwrap();
    let contract = &address[..8];
    assert_eq!(folder.json(&create, 1)["rejection"], "address_taken");
    folder.json(&format!("call {contract} increment"), 0);

    // Its code is in use, and other code lacks its methods.
    let remove = format!("remove-code {hash}");
    assert_eq!(folder.json(&remove, 1)["rejection"], "code_in_use");
    let other = folder.json("upload caller.wasm --from bob", 0);
    let other = other["code_hash"].as_str().unwrap();
    let lacking = folder.json(&format!("upgrade {contract} {other}"), 1);
    assert_eq!(lacking["rejection"], "missing_methods");
    let stranger = folder.json(&format!("upgrade {contract} {hash} --from bob"), 1);
    assert_eq!(stranger["rejection"], "not_admin");
    let upgraded = folder.json(&format!("upgrade {contract} {hash} --engine all"), 0);
    assert_eq!(upgraded["status"], "success");
    folder.json(&format!("call {contract} increment"), 0);

    folder.json(&format!("admin {contract} --to bob"), 0);
    folder.json(&format!("admin {contract} --nobody --from bob"), 0);
    let late = folder.json(&format!("upgrade {contract} {hash} --from bob"), 1);
    assert_eq!(late["rejection"], "not_admin");
    let text = folder.text(&format!("remove-code {other} --from bob"), 0);
    assert!(text.contains("in block 9"), "{text}");
    assert_eq!(
        folder.json(&format!("create {other}"), 1)["rejection"],
        json!("unknown_code")
    );
}

#[test]
fn a_wrong_hash_or_salt_is_told() {
    let folder = Folder::new();
    let text = folder.fusee("create 12ab").stderr;
    assert!(text.contains("64 hexadecimal digits"), "{text}");
    let hash = "ab".repeat(32);
    let text = folder.fusee(&format!("create {hash} --salt 01")).stderr;
    assert!(
        text.contains("the salt has 1 bytes, and needs 32"),
        "{text}"
    );
    folder.write(
        "bad.wat",
        r#"(module (func (export "migrate") (param i32)))"#,
    );
    let refused = folder.fusee("upload bad.wat");
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("`migrate` has parameters"),
        "{}",
        refused.stderr
    );
    let text = folder.fusee("admin 3f9c20").stderr;
    assert!(text.contains("--nobody"), "{text}");
    let refused = folder.fusee("upload counter.wasm --value 3");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("takes no value"), "{refused:?}");
}
