//! `node`: a chain that an engine drives.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::support::Folder;

/// A node that listens.
fn start(folder: &Folder, words: &str) -> (Child, Value) {
    let mut command = folder.command(&format!("node {words} --json"));
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut text = String::new();
    while serde_json::from_str::<Value>(&text).is_err() {
        text.push_str(&lines.next().expect("it listens").unwrap());
    }
    (child, serde_json::from_str(&text).unwrap())
}

#[test]
fn a_node_serves_until_it_is_told_to_end() {
    let folder = Folder::new();
    folder.json("call bob --value 1", 0);
    for signal in ["TERM", "INT"] {
        let (mut node, listening) = start(&folder, "--abci unix://abci.sock --engine wasmi");
        assert_eq!(listening["chain_id"], "fusee-dev");
        assert_eq!(listening["abci"], "unix://abci.sock");
        // It has the folder for itself.
        let locked = folder.fusee("accounts --wait 0");
        assert_eq!(locked.code, 4);
        assert!(locked.stderr.contains("in use"), "{locked:?}");
        let id = node.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(killed.unwrap().success());
        assert_eq!(node.wait().unwrap().code(), Some(0), "{signal}");
    }
    assert_eq!(folder.json("accounts", 0)["height"], 1);
}

#[test]
fn what_a_node_cannot_serve_is_told() {
    let folder = Folder::new();
    let none = folder.fusee("node --abci unix://abci.sock");
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("fusee init"), "{none:?}");
    folder.json("init", 0);
    let (mut node, listening) = start(&folder, "--abci tcp://127.0.0.1:0 --engine wasmi");
    let address = listening["abci"].as_str().unwrap();
    folder.json("init --data other", 0);
    for (words, code, told) in [
        (format!("--abci {address}"), 4, "--abci"),
        ("--abci carrier-pigeon".to_owned(), 2, "unix://PATH"),
        (
            "--abci unix://abci.sock --engine all".to_owned(),
            2,
            "one engine",
        ),
    ] {
        let refused = folder.fusee(&format!("node {words} --data other"));
        assert_eq!(refused.code, code, "{words}: {refused:?}");
        assert!(refused.stderr.contains(told), "{words}: {refused:?}");
    }
    node.kill().unwrap();
    node.wait().unwrap();
}
