//! Names of addresses.

use crate::support::Folder;

#[test]
fn a_name_is_an_address_everywhere() {
    let folder = Folder::new();
    let made = folder.json("deploy token.wasm --args 1000 --name token", 0);
    assert_eq!(made["name"], "token");
    let address = made["address"].as_str().unwrap();
    for words in [
        "call token transfer @bob 5",
        "query token balance_of @bob",
        "trace token transfer @bob 5",
        "query token balance_of @token",
        "storage token",
        "events token",
        "accounts token",
        "prove token",
    ] {
        folder.json(words, 0);
    }
    let caller = folder.deploy("caller.wasm");
    folder.json(&format!("name set proxy {}", &caller[..8]), 0);
    let names = folder.json("name list", 0);
    let expected = serde_json::json!([
        {"name": "proxy", "address": caller},
        {"name": "token", "address": address},
    ]);
    assert_eq!(names["names"], expected);

    // Shown in place of the first digits, and beside the whole address.
    let text = folder.text("call token transfer @bob 5", 0);
    assert!(text.contains("event        token transfer"), "{text}");
    let text = folder.text("accounts", 0);
    assert!(text.contains(&format!("{address} (token)")), "{text}");
    let text = folder.text("storage token", 0);
    assert!(text.contains(&format!("{address} (token)")), "{text}");
    let listed = folder.json("accounts", 0);
    let named = listed["contracts"].as_array().unwrap();
    assert!(named.iter().any(|it| it["name"] == "token"), "{listed}");

    folder.json("name remove token", 0);
    assert_eq!(folder.fusee("query token total_supply").code, 2);
    folder.json(&format!("query {address} total_supply"), 0);
}

#[test]
fn wrong_names_are_refused() {
    let folder = Folder::new();
    let address = folder.json("deploy token.wasm --args 1000 --name token", 0)["address"].clone();
    let address = address.as_str().unwrap();
    let height = || folder.json("status", 0)["height"].clone();
    let before = height();
    for (words, expected) in [
        (
            "name set token bob".to_owned(),
            &["`token` is taken", address, "fusee name remove token"][..],
        ),
        (
            "deploy token.wasm --args 1 --name token".to_owned(),
            &["`token` is taken", address],
        ),
        ("name set alice token".to_owned(), &["development account"]),
        (
            "name set facade token".to_owned(),
            &["looks like an address"],
        ),
        (
            format!("name set {address} token"),
            &["looks like an address"],
        ),
        (
            "name set Token token".to_owned(),
            &["`Token` is not a name", "a-z"],
        ),
        (
            "name set other tokn".to_owned(),
            &["neither an account nor an address", "did you mean `token`?"],
        ),
        (
            "query tokn total_supply".to_owned(),
            &["did you mean `token`?"],
        ),
        (
            "name remove tokn".to_owned(),
            &["there is no name `tokn`", "did you mean `token`?"],
        ),
    ] {
        let answer = folder.fusee(&words);
        assert_eq!(answer.code, 2, "{words}: {answer:?}");
        for expected in expected {
            assert!(answer.stderr.contains(expected), "{words}: {answer:?}");
        }
    }
    assert_eq!(height(), before, "nothing is committed");
    // What is not made has no name.
    folder.json("deploy token.wasm --args 1 --name other --dry-run", 0);
    assert_eq!(
        folder.json("name list", 0)["names"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    folder.write("names.json", "{}");
    folder.write(".fusee/names.json", "{\"chains\": 1}");
    let damaged = folder.fusee("accounts");
    assert_eq!(damaged.code, 4, "{damaged:?}");
    assert!(
        damaged.stderr.contains("is no file of names"),
        "{damaged:?}"
    );
}
