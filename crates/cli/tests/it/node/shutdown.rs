//! The end of a node, told or by force: nothing that was committed is lost.

use std::{sync::Mutex, thread, time::Duration};

use serde_json::json;

use super::{APART, Running, start, transfer};
use crate::support::Folder;

const SENDERS: [&str; 3] = ["alice", "bob", "carol"];

/// Sends transfers until the node does not answer any more, and ends it meanwhile. Returns the
/// greatest height of a block that a sender was told, and its exit code.
fn end_under_load(node: Running, signal: &str) -> (u64, Option<i32>) {
    let told = Mutex::new(0_u64);
    let send_all = |node: &Running, name: &str| {
        for nonce in 0.. {
            let params = json!({"transaction": transfer(name, nonce), "timeout_ms": 20_000});
            let Ok(Ok(included)) = node.post("rpc", "sendTransactionAndWait", params) else {
                return;
            };
            let height = included["height"].as_u64().unwrap();
            let mut told = told.lock().unwrap();
            *told = height.max(*told);
        }
    };
    thread::scope(|scope| {
        for name in SENDERS {
            let node = &node;
            scope.spawn(move || send_all(node, name));
        }
        // A minute at most.
        for _ in 0..12_000 {
            if *told.lock().unwrap() >= 20 {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        node.signal(signal);
    });
    let mut node = node;
    let code = node.child.wait().unwrap().code();
    (told.into_inner().unwrap(), code)
}

#[test]
fn a_node_that_is_ended_or_killed_under_load_loses_no_block() {
    let folder = Folder::new();
    folder.json("init --data d", 0);
    for (round, signal) in ["TERM", "KILL", "INT", "KILL"].into_iter().enumerate() {
        let data = format!("d{round}");
        let node = start(&folder, &format!("--dev --data {data} {APART}"));
        let (told, code) = end_under_load(node, signal);
        assert!(told >= 20, "{signal}: {told}");
        assert_eq!(code, (signal != "KILL").then_some(0), "{signal}");
        let doctor = folder.json(&format!("doctor --data {data}"), 0);
        assert!(doctor["height"].as_u64().unwrap() >= told, "{doctor}");
        // Each block has one transfer of 1, which its receiver has: no more and no less.
        let node = start(&folder, &format!("--dev --data {data} {APART}"));
        let height = node.height();
        assert!(height >= told, "{signal}: {height} and {told}");
        let erin = node.told["accounts"][4]["balance"].as_str().unwrap();
        let erin: u64 = erin.parse().unwrap();
        assert_eq!(
            erin - 1_000_000_000_000,
            node.told["height"].as_u64().unwrap()
        );
    }
}

#[test]
fn what_waits_is_there_again_after_a_node_was_ended() {
    let folder = Folder::new();
    let flags = format!("--dev --data d --block-time 60m {APART}");
    let node = start(&folder, &flags);
    for nonce in 0..3 {
        let transaction = json!({"transaction": transfer("alice", nonce)});
        node.call("sendTransaction", transaction).unwrap();
    }
    assert_eq!(node.end("TERM").0, Some(0));
    // A start that fails loses nothing of it.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let failed = folder.fusee(&format!(
        "node --dev --data d --block-time 60m --engine wasmi --rpc {address} --admin off"
    ));
    assert_eq!(failed.code, 4, "{failed:?}");
    let node = start(&folder, &flags);
    let waiting = node.call("getMempool", json!({})).unwrap();
    assert_eq!(waiting["transactions"], 3, "{waiting}");
    let block = node.admin("admin_produceBlock", json!({})).unwrap();
    assert_eq!(
        block["transaction_ids"].as_array().unwrap().len(),
        3,
        "{block}"
    );
    // It ends by a call as well.
    node.admin("admin_shutDown", json!({})).unwrap();
    let mut node = node;
    assert_eq!(node.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_keeps_a_node_from_starting_is_told() {
    let folder = Folder::new();
    let node = start(&folder, &format!("--dev --data d {APART}"));
    let locked = folder.fusee(&format!("node --data d {APART}"));
    assert_eq!(locked.code, 4);
    assert!(locked.stderr.contains("has it open"), "{locked:?}");
    let address = node.told["rpc"].as_str().unwrap().replace("http://", "");
    let used = folder.fusee(&format!(
        "node --dev --engine wasmi --rpc {address} --admin off"
    ));
    assert_eq!(used.code, 4, "{used:?}");
    assert!(
        used.stderr.contains("another process listens there"),
        "{used:?}"
    );
    // A file that another program has cut is named, with what becomes of what it had.
    node.end("TERM");
    std::fs::write(folder.path().join("d/waiting"), [1, 2]).unwrap();
    let cut = folder.fusee(&format!("node --data d {APART}"));
    assert_eq!(cut.code, 4, "{cut:?}");
    assert!(
        cut.stderr.contains("d/waiting") && cut.stderr.contains("can be sent again"),
        "{cut:?}"
    );
    let none = folder.fusee("node --data none");
    assert_eq!(none.code, 2, "{none:?}");
}
