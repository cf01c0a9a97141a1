//! `node`: a chain that goes on while the process runs, as operators and developers meet it.

mod backup;
mod config;
mod development;
mod engine;
mod metrics;
#[cfg(target_os = "linux")]
mod service;
mod shutdown;
#[cfg(feature = "otel")]
mod traces;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fusee::{
    chain::Address,
    ledger::{LedgerRules, Operation, SecretKey, SignedTransaction, TransactionBody},
    sandbox::Gas,
};
use serde_json::{Value, json};

use crate::support::Folder;

/// Flags of a node that no other test gets in the way of.
pub(crate) const APART: &str = "--engine wasmi --rpc 127.0.0.1:0 --admin 127.0.0.1:0";

/// A node that runs. It is killed if it has not ended before.
pub(crate) struct Running {
    child: Child,
    /// What it told when it was started.
    pub(crate) told: Value,
}

/// A node that listens.
pub(crate) fn start(folder: &Folder, words: &str) -> Running {
    start_by(folder.command(&format!("node {words} --json")))
}

/// The same, of a command that prints JSON.
fn start_by(mut command: Command) -> Running {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut text = String::new();
    while serde_json::from_str::<Value>(&text).is_err() {
        let Some(line) = lines.next() else {
            panic!("it does not listen: {:?}", child.wait_with_output());
        };
        text.push_str(&line.unwrap());
    }
    let told = serde_json::from_str(&text).unwrap();
    Running { child, told }
}

impl Running {
    /// Calls a method of the public interface: the answer, or the error.
    fn call(&self, method: &str, params: Value) -> Result<Value, Value> {
        self.post("rpc", method, params).unwrap()
    }

    /// Calls a method for operators.
    fn admin(&self, method: &str, params: Value) -> Result<Value, Value> {
        self.post("admin", method, params).unwrap()
    }

    fn post(
        &self,
        listener: &str,
        method: &str,
        params: Value,
    ) -> Result<Result<Value, Value>, ureq::Error> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut response = agent()
            .post(self.told[listener].as_str().unwrap())
            .header("content-type", "application/json")
            .send(body.to_string())?;
        let text = response.body_mut().read_to_string()?;
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        Ok(match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].take()),
        })
    }

    /// What a path of the listener for operators has.
    fn read(&self, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.told["admin"].as_str().unwrap());
        let mut response = agent().get(url).call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), text)
    }

    /// The height of its last block, once it answers.
    fn height(&self) -> u64 {
        loop {
            if let Ok(Ok(health)) = self.post("rpc", "getHealth", json!({})) {
                // Before the first block there is none.
                return health["height"].as_u64().unwrap_or(0);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(killed.unwrap().success());
    }

    /// Ends it, and returns its exit code and its log.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        self.signal(signal);
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut stderr, &mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .build();
    ureq::Agent::new_with_config(config)
}

/// A transfer of 1 from a development account to another, in hexadecimal.
fn transfer(from: &str, nonce: u64) -> String {
    let operation = Operation::Transfer {
        to: Address::of_development_account("erin"),
        value: 1,
    };
    signed(from, nonce, operation)
}

/// A transaction of a development account, in hexadecimal.
fn signed(from: &str, nonce: u64, operation: Operation) -> String {
    let key = SecretKey::development(from);
    let body = TransactionBody {
        chain_id: "fusee-dev".to_owned(),
        sender: key.public_key().address(),
        nonce,
        expiry: u64::MAX,
        gas_limit: Gas::new(1_000_000),
        gas_price: 0,
        fee_payer: None,
        operations: vec![operation],
    };
    let rules = LedgerRules::latest().with_development_accounts();
    let signature = key.sign(&body.id());
    let signed = SignedTransaction::new(body, signature, None, &rules).unwrap();
    hex::encode(signed.encode())
}

/// Checks what listens beside an engine before the first block.
fn waits_for_a_block(node: &Running) {
    assert_eq!(node.read("/healthz"), (200, "alive\n".to_owned()));
    let (status, told) = node.read("/readyz");
    assert_eq!(status, 503);
    assert!(told.contains("there is no block yet"), "{told}");
    let (status, metrics) = node.read("/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("\nfusee_block_height 0\n"), "{metrics}");
    assert!(metrics.contains("chain_id=\"fusee-dev\""), "{metrics}");
    let url = format!("{}/readyz", node.told["rpc"].as_str().unwrap());
    assert_eq!(agent().get(url).call().unwrap().status().as_u16(), 503);
}

#[test]
fn a_node_beside_an_engine_tells_that_it_waits_for_the_first_block() {
    let folder = Folder::new();
    folder.json("init", 0);
    let node = start(&folder, &format!("--abci unix://abci.sock {APART}"));
    waits_for_a_block(&node);
    let (code, log) = node.end("TERM");
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn a_node_serves_until_it_is_told_to_end() {
    let folder = Folder::new();
    folder.json("call bob --value 1", 0);
    for signal in ["TERM", "INT"] {
        let node = start(&folder, "--abci unix://abci.sock --engine wasmi");
        assert_eq!(node.told["chain_id"], "fusee-dev");
        assert_eq!(node.told["abci"], "unix://abci.sock");
        // Beside an engine, it listens to nobody else by default.
        assert_eq!(node.told.get("rpc"), None);
        // It has the folder for itself.
        let locked = folder.fusee("accounts --wait 0");
        assert_eq!(locked.code, 4);
        assert!(locked.stderr.contains("in use"), "{locked:?}");
        // Nothing happens, and it stays.
        std::thread::sleep(Duration::from_millis(800));
        let (code, log) = node.end(signal);
        assert_eq!(code, Some(0), "{signal}");
        let told = ["Ctrl-C", "SIGTERM"].map(|why| log.contains(why));
        assert_eq!(told, [signal == "INT", signal == "TERM"], "{log}");
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
    let node = start(&folder, "--abci tcp://127.0.0.1:0 --engine wasmi");
    let address = node.told["abci"].as_str().unwrap();
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
}
