//! Development chains: made in seconds, saved, loaded and begun anew.

use std::{fs, time::Duration};

use fusee::chain::Address;
use serde_json::{Value, json};

use super::{APART, Running, start, transfer};
use crate::support::Folder;

fn send(node: &Running, from: &str, nonce: u64) -> Value {
    let params = json!({"transaction": transfer(from, nonce), "timeout_ms": 30_000});
    node.call("sendTransactionAndWait", params).unwrap()
}

/// Waits until the node has the height that it was set back to.
fn wait_for_height(node: &Running, height: u64) {
    while node.height() != height {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_development_chain_is_there_with_accounts_and_a_block_for_each_transaction() {
    let folder = Folder::new();
    let node = start(&folder, &format!("--dev {APART}"));
    let accounts = node.told["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 5);
    assert_eq!(accounts[0]["name"], "alice");
    assert_eq!(accounts[0]["balance"], "1000000000000");
    assert_eq!(node.told["blocks"], "for each transaction");
    for nonce in 0..3 {
        let included = send(&node, "alice", nonce);
        assert_eq!(included["height"], nonce + 1, "{included}");
    }
    let data = node.told["data"].as_str().unwrap().to_owned();
    assert!(fs::exists(&data).unwrap());
    assert_eq!(node.read("/readyz").0, 200);
    let (code, log) = node.end("TERM");
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches(" block ").count(), 3, "{log}");
    // Nothing stays of a chain that nobody wanted to keep.
    assert!(!fs::exists(&data).unwrap());
}

#[test]
fn so_many_of_the_last_states_are_served() {
    let folder = Folder::new();
    for (words, oldest) in [("--dev --versions 2", 3), ("--dev --versions 4", 1)] {
        let node = start(&folder, &format!("{words} {APART}"));
        for nonce in 0..4 {
            send(&node, "alice", nonce);
        }
        let nonce = |height: u64| {
            let address = Address::of_development_account("alice").to_string();
            let params = json!({"address": address, "height": height});
            node.call("getAccount", params)
        };
        for height in oldest..=4 {
            assert_eq!(nonce(height).unwrap()["nonce"], height, "{words}");
        }
        let refused = nonce(oldest - 1).unwrap_err().to_string();
        assert!(refused.contains(&format!("{oldest} to 4")), "{refused}");
        node.end("TERM");
    }
    // A node serves its last state, at least.
    let refused = folder.fusee("node --dev --versions 0");
    assert_eq!(refused.code, 2, "{refused:?}");
}

#[test]
fn blocks_come_in_intervals_without_transactions() {
    let folder = Folder::new();
    let node = start(
        &folder,
        &format!("--dev --block-time 50ms --log-format json {APART}"),
    );
    wait_for_height(&node, node.height() + 2);
    let (_, log) = node.end("INT");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(
            line["message"].is_string() && line["level"].is_string(),
            "{line}"
        );
    }
    assert!(log.contains(r#""message":"block""#), "{log}");
}

#[test]
fn a_state_is_saved_loaded_and_left_behind() {
    let folder = Folder::new();
    let node = start(&folder, &format!("--dev --data d --save last {APART}"));
    send(&node, "alice", 0);
    let saved = node.admin("dev_save", json!({"name": "one"})).unwrap();
    assert_eq!(saved["height"], 1);
    send(&node, "alice", 1);
    send(&node, "bob", 0);
    let loaded = node.admin("dev_load", json!({"name": "one"})).unwrap();
    assert_eq!(loaded["height"], 1);
    wait_for_height(&node, 1);
    // It goes on from there: the second transaction is not known any more.
    assert_eq!(send(&node, "alice", 1)["height"], 2);
    let reset = node.admin("dev_reset", json!({})).unwrap();
    assert_eq!(reset["height"], 0);
    wait_for_height(&node, 0);
    assert_eq!(send(&node, "alice", 0)["height"], 1);

    // What cannot be done changes nothing.
    for (method, name, told) in [
        ("dev_load", "two", "these are saved: one"),
        ("dev_load", "../d", "letters, digits"),
        ("dev_save", "", "letters, digits"),
    ] {
        let refused = node.admin(method, json!({"name": name})).unwrap_err();
        let next = refused["data"]["next"].as_str().unwrap();
        assert!(next.contains(told), "{refused}");
    }
    // Operators alone can do it.
    let refused = node.call("dev_reset", json!({})).unwrap_err();
    assert_eq!(refused["code"], -32601, "{refused}");
    assert_eq!(node.height(), 1);
    assert_eq!(node.end("TERM").0, Some(0));

    for (words, height) in [
        ("--data d", 1),
        ("--load one", 1),
        ("--load last --data other", 1),
        ("--reset --data d", 0),
    ] {
        let node = start(&folder, &format!("--dev {words} {APART}"));
        assert_eq!(node.height(), height, "{words}");
    }
    // The saved one is what it was.
    assert_eq!(
        folder.json("accounts --data .fusee-saved/one", 0)["height"],
        1
    );
}

#[test]
fn development_flags_need_a_development_chain() {
    let folder = Folder::new();
    let address = folder.json("keys list", 0);
    assert!(address["keys"].is_array());
    let account = "11".repeat(32);
    let genesis = folder.text(
        &format!("genesis --chain-id acme-1 --account {account}=1000"),
        0,
    );
    folder.write("genesis.json", genesis);
    folder.json("init --genesis genesis.json --data acme", 0);
    for words in ["", "--reset", "--load one", "--save one"] {
        let refused = folder.fusee(&format!("node --dev --data acme {words} {APART}"));
        assert_eq!(refused.code, 2, "{words}: {refused:?}");
        assert!(
            refused.stderr.contains("no development chain"),
            "{refused:?}"
        );
    }
    let flag_alone = folder.fusee("node --data acme --reset");
    assert_eq!(flag_alone.code, 2, "{flag_alone:?}");
    // Nobody has the key of alice there.
    let node = start(&folder, &format!("--data acme --block-time 50ms {APART}"));
    let transaction = json!({"transaction": transfer("alice", 0)});
    let refused = node.call("sendTransaction", transaction).unwrap_err();
    assert_eq!(refused["code"], -32020, "{refused}");
    let refused = node.admin("dev_reset", json!({})).unwrap_err();
    assert_eq!(refused["code"], -32601, "{refused}");
}
