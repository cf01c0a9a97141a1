//! `fusee backup --node`: a node copies the folder that it has open, and goes on.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::json;

use super::{APART, start, transfer};
use crate::support::Folder;

#[test]
fn a_node_backs_up_its_folder_while_it_makes_blocks() {
    let folder = Folder::new();
    let node = start(&folder, &format!("--dev --data d {APART}"));
    let admin = node.told["admin"].as_str().unwrap().to_owned();
    let has_enough = AtomicBool::new(false);
    let backups = thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let mut nonce = 0;
            while !has_enough.load(Ordering::Acquire) {
                let params = json!({"transaction": transfer("alice", nonce), "timeout_ms": 20_000});
                node.call("sendTransactionAndWait", params).unwrap();
                nonce += 1;
            }
            nonce
        });
        let mut backups = Vec::new();
        while backups.len() < 3 {
            let before = node.height();
            let name = format!("kept{}", backups.len());
            let made = folder.json(&format!("backup {name} --node {admin}"), 0);
            let height = made["height"].as_u64().unwrap();
            assert!((before..=node.height()).contains(&height), "{made}");
            backups.push((name, made));
            while node.height() < height + 3 {
                thread::yield_now();
            }
        }
        has_enough.store(true, Ordering::Release);
        // A transaction is in a block of its own.
        assert_eq!(sending.join().unwrap(), node.height());
        backups
    });
    // It is within the folder that the node has, or is there: the node says so.
    for (target, told) in [("d/kept", "within the data folder"), ("kept0", "exists")] {
        let refused = folder.fusee(&format!("backup {target} --node {admin}"));
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
    let public = node.told["rpc"].as_str().unwrap();
    let refused = folder.fusee(&format!("backup other --node {public}"));
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("is not the admin listener"),
        "{refused:?}"
    );
    node.end("TERM");
    for (name, made) in backups {
        let doctor = folder.json(&format!("doctor --data {name}"), 0);
        assert_eq!(doctor["height"], made["height"], "{doctor}");
        assert_eq!(doctor["state_root"], made["state_root"], "{doctor}");
        // The chain goes on from there.
        let before = made["height"].as_u64().unwrap();
        let erin = folder.json(&format!("call bob --value 1 --from alice --data {name}"), 0);
        assert_eq!(erin["height"], before + 1, "{erin}");
    }
}
