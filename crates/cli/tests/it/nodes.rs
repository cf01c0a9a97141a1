//! Verbs that talk to a node: the same answers as on a data folder.
//!
//! The node is real: an engine, a store, and a server on loopback, in this process. Its blocks have
//! the times that a data folder gives them.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use fusee::chain::{Chain, ContractRules, Contracts, DataFolder};
use fusee::engines::{PolkaVmEngine, WasmiEngine};
use fusee::ledger::{Ledger, LedgerRules, Rulebook};
use fusee::node::{Clock, Node, NodeOptions, Production};
use fusee::rpc::{RpcOptions, RpcServer};
use fusee::sandbox::Executor;
use serde_json::{Value, json};

use crate::support::Folder;

/// A node of a development chain, in the folder `node`.
struct Served {
    folder: Folder,
    server: RpcServer,
    node: Arc<Node>,
}

impl Served {
    fn new() -> Self {
        Self::with(Production::Each)
    }

    fn with(production: Production) -> Self {
        let folder = Folder::new();
        folder.json("init --data node", 0);
        let path = folder.path().join("node");
        let data = DataFolder::open(&path).unwrap().unwrap();
        let executor = Executor::interpreted(Arc::new(WasmiEngine::new()))
            .engine(Arc::new(PolkaVmEngine::new().unwrap()))
            .build_interpreting();
        let contracts = Contracts::new(&executor, ContractRules::latest()).unwrap();
        let rulebook = Rulebook::new()
            .with_ledger(LedgerRules::latest().with_development_accounts())
            .with_contracts(contracts);
        let chain = data.chain(Ledger::new(rulebook), data.options()).unwrap();
        let chain = Arc::new(chain);
        let mut options = NodeOptions::new(&path);
        options.production = production;
        options.clock = clock(&chain);
        let node = Arc::new(Node::start(chain, options).unwrap());
        let mut options = RpcOptions::new(data.genesis());
        options.address.set_port(0);
        options.engine = "wasmi".to_owned();
        let server = RpcServer::start(Arc::clone(&node), options).unwrap();
        Self {
            folder,
            server,
            node,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    fn json(&self, words: &str, code: i32) -> Value {
        let words = format!("{words} --node {}", self.url());
        self.folder.json(&words, code)
    }

    /// What a command complains about.
    fn refused(&self, words: &str, code: i32, expected: &str) {
        let words = format!("{words} --node {}", self.url());
        let answer = self.folder.fusee(&words);
        assert_eq!(answer.code, code, "{words}: {answer:?}");
        assert!(answer.stderr.contains(expected), "{words}: {answer:?}");
        assert!(answer.stderr.contains("  next: "), "{words}: {answer:?}");
    }
}

/// A second after the last block.
fn clock(chain: &Arc<Chain>) -> Clock {
    let known = OnceLock::new();
    known.set(Arc::downgrade(chain)).unwrap();
    Clock::new(move || {
        let chain = known.get().and_then(|chain| chain.upgrade());
        let head = chain.and_then(|chain| chain.store().head());
        (head.map_or(0, |head| head.height) + 1) * 1_000
    })
}

/// What differs: engines, and what follows from the expiry of transactions.
fn masked(mut value: Value) -> Value {
    const MASKED: [&str; 12] = [
        "engines",
        "transaction",
        "id",
        "hash",
        "parent",
        "transactions_root",
        "state_root",
        "genesis",
        "node",
        "proof",
        "log",
        "file",
    ];
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                *field = match MASKED.contains(&name.as_str()) && !field.is_null() {
                    true => json!("masked"),
                    false => masked(field.take()),
                };
            }
            fields.remove("node");
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = masked(item.take())),
        _ => {}
    }
    value
}

#[test]
fn every_verb_answers_as_on_a_data_folder() {
    let served = Served::new();
    let folder = Folder::new();
    let embed = "interface token.wasm --embed token.json --output mine.wasm";
    for folder in [&folder, &served.folder] {
        let interface = crate::support::guests().join("../interfaces/token.json");
        folder.write("token.json", std::fs::read(interface).unwrap());
        folder.json(embed, 0);
    }
    let both = |words: &str, code: i32| {
        let here = folder.json(words, code);
        let there = served.json(words, code);
        assert_eq!(masked(here.clone()), masked(there), "{words}");
        here
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    both("accounts", 0);
    both("accounts alice", 0);
    both("status", 0);
    let deployed = both("deploy mine.wasm --args 1000000 --gas 10_000_000", 0);
    let token = text(&deployed["address"]);
    let short = &token[..8];
    let gas = "--gas 2_000_000";
    for (words, code) in [
        (format!("call {short} transfer @bob 250 {gas}"), 0),
        (
            format!("call {short} transfer amount=5 to=bob {gas} --dry-run"),
            0,
        ),
        (
            format!("call {short} transfer @bob 5 --from carol {gas}"),
            1,
        ),
        (
            format!("call {short} transfer @bob 5 --from carol {gas} --send-anyway"),
            1,
        ),
        (format!("call {short} transfer @bob"), 2),
        (format!("call {short} nothing"), 2),
        (format!("call {short} transfer @bob 5 --gas 265_559"), 5),
        (format!("call bob --value 99_000_000_000_000 {gas}"), 5),
        (format!("call bob --value 1000 {gas}"), 0),
        (format!("call bob --value 1000 --fee-payer carol {gas}"), 0),
        ("call 123456 transfer".to_owned(), 2),
        (format!("query {short} balance_of @bob"), 0),
        (format!("query {short} balance_of @bob --height 1"), 0),
        (format!("query {short} transfer @bob 1"), 1),
        (format!("trace {short} transfer @bob 250 --from alice"), 0),
        (format!("trace {short} transfer @bob 250 --from carol"), 1),
        (format!("trace {short} transfer @bob 250 --gas 270_000"), 1),
        (format!("interface {short}"), 0),
        (format!("accounts {short}"), 0),
        ("accounts".to_owned(), 0),
        ("accounts --height 1".to_owned(), 0),
        ("blocks".to_owned(), 0),
        ("blocks --last 2".to_owned(), 0),
        ("block 2".to_owned(), 0),
        ("block 3".to_owned(), 0),
        ("events".to_owned(), 0),
        (format!("events {short} --topic transfer --from 1"), 0),
        (format!("events {short} --limit 1"), 0),
        ("events --from 2 --limit 1 --no-interface".to_owned(), 0),
        (format!("storage {short}"), 0),
        (format!("storage {short} --limit 1"), 0),
        (format!("prove {short}"), 0),
        (format!("prove {short} --storage supply"), 0),
        ("storage alice".to_owned(), 2),
        ("status".to_owned(), 0),
    ] {
        both(&words, code);
    }
    let counter = text(&both(&format!("upload counter.wasm {gas}"), 0)["code_hash"]);
    let created = both(&format!("create {counter} --admin alice {gas}"), 0);
    let contract = text(&created["address"]);
    let caller = text(&both("upload caller.wasm --gas 3_000_000", 0)["code_hash"]);
    both(&format!("upgrade {contract} {caller} {gas}"), 1);
    let upgrade = format!("upgrade {contract} {caller} {gas} --send-anyway");
    both(&upgrade, 1);
    both(&format!("admin {contract} --to bob {gas}"), 0);
    both(&format!("admin {contract} --nobody {gas} --send-anyway"), 1);
    both(&format!("remove-code {caller} {gas}"), 0);
    assert_eq!(both("accounts", 0)["height"], 12);
}

#[test]
fn the_gas_limit_follows_from_a_simulation() {
    let served = Served::new();
    let deployed = served.json("deploy counter.wasm", 0);
    let contract = deployed["address"].as_str().unwrap();
    let called = served.json(&format!("call {contract} add 7"), 0);
    let (used, limit) = (&called["gas_used"], &called["gas_limit"]);
    let (used, limit) = (used.as_u64().unwrap(), limit.as_u64().unwrap());
    assert!(used <= limit && limit <= used + used / 4, "{called}");
    assert_eq!(called["committed"], true);
    assert_eq!(called["height"], 2);
    let id = called["transaction"].as_str().unwrap();
    let found = served.json(&format!("transaction {id}"), 0);
    assert_eq!(
        (&found["state"], &found["height"]),
        (&json!("included"), &json!(2))
    );
    served.refused(&format!("transaction {}", "00".repeat(32)), 1, "no block");
}

/// With a gas limit and without, a transaction is simulated before it is sent.
#[test]
fn a_transaction_that_fails_is_not_sent() {
    let served = Served::new();
    let deployed = served.json("deploy token.wasm --args 1000", 0);
    let token = deployed["address"].as_str().unwrap();
    let nonce = |account: &str| {
        let accounts = served.json(&format!("accounts {account}"), 0);
        accounts["accounts"][0]["nonce"].clone()
    };
    for gas in ["", "--gas 2_000_000"] {
        for words in [
            format!("call {token} transfer @bob 5 --from carol {gas}"),
            format!("call {token} transfer bob 5 --from carol {gas}"),
            format!("admin {token} --nobody --from carol {gas}"),
        ] {
            let before = nonce("carol");
            let told = served.json(&words, 1);
            assert_eq!(told["withheld"], true, "{told}");
            assert_eq!(told["transaction"], Value::Null, "{told}");
            assert_eq!(nonce("carol"), before, "{words}");
            let sent = served.json(&format!("{words} --send-anyway"), 1);
            assert_eq!(sent["committed"], true, "{sent}");
            assert_eq!(sent["status"], told["status"], "{words}");
            assert_eq!(nonce("carol"), before.as_u64().unwrap() + 1, "{words}");
        }
    }
    let poor = served.json(&format!("call {token} transfer @bob 5 --from carol"), 1);
    assert!(
        poor["revert"]
            .as_str()
            .unwrap()
            .starts_with("insufficient balance"),
        "{poor}"
    );
    assert_eq!(served.json("accounts", 0)["height"], 7);
}

#[test]
fn calls_at_the_same_time_take_the_next_nonces() {
    let served = Served::new();
    let url = served.url();
    let start = |_| {
        let mut command = served
            .folder
            .command(&format!("call bob --value 1 --node {url} --json"));
        let command = command.stdout(std::process::Stdio::piped());
        command
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let started: Vec<_> = (0..8).map(start).collect();
    for child in started {
        let answer = crate::support::Answer::of(child.wait_with_output().unwrap());
        assert_eq!(answer.code, 0, "{answer:?}");
    }
    let alice = served.json("accounts alice", 0);
    assert_eq!(alice["accounts"][0]["nonce"], 8, "{alice}");
}

#[test]
fn proofs_of_a_node_are_verified() {
    let served = Served::new();
    let proofs = served.json("prove alice", 0);
    served.folder.write("alice.json", proofs.to_string());
    let root = proofs["state_root"].as_str().unwrap();
    served
        .folder
        .json(&format!("verify proof alice.json --root {root}"), 0);
    let other = "11".repeat(32);
    served
        .folder
        .json(&format!("verify proof alice.json --root {other}"), 1);
}

#[test]
fn a_node_is_named_by_the_environment_and_a_folder_by_its_flag() {
    let served = Served::new();
    served.json("call bob --value 1", 0);
    let height = |words: &str| {
        let mut command = served.folder.command(words);
        command
            .env("FUSEE_NODE", served.url())
            .env("FUSEE_DATA", "elsewhere");
        let answer: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        answer["height"].clone()
    };
    assert_eq!(height("accounts --json"), 1);
    assert_eq!(height("accounts --json --data third"), 0);
    assert!(!served.folder.path().join("elsewhere").exists());
    let chain = served.json("status --chain-id fusee-dev", 0);
    assert_eq!(chain["node"]["engine"], "wasmi");
    assert_eq!(chain["node"]["production"], "each");
    served.refused(
        "status --chain-id other-1",
        2,
        "has the chain `fusee-dev`, not `other-1`",
    );
}

#[test]
fn flags_that_only_a_folder_has_are_refused() {
    let served = Served::new();
    for (words, expected) in [
        (
            "call bob --value 1 --engine wasmi",
            "--engine makes no sense",
        ),
        ("call bob --value 1 --time 5", "--time makes no sense"),
        (
            "call bob --value 1 --capsule a.capsule",
            "--capsule makes no sense",
        ),
        ("trace bob --value 1 --svg a.svg", "--svg makes no sense"),
        (
            "deploy counter.wasm --trace",
            "traces nothing that it commits",
        ),
        ("accounts --data x", "cannot be used with"),
    ] {
        let words = format!("{words} --node {}", served.url());
        let answer = served.folder.fusee(&words);
        assert_eq!(answer.code, 2, "{words}: {answer:?}");
        assert!(answer.stderr.contains(expected), "{words}: {answer:?}");
    }
    assert_eq!(
        served.json("accounts", 0)["height"],
        0,
        "nothing was committed"
    );
    let folder = Folder::new();
    folder.json("init", 0);
    for words in ["events --follow", "status --chain-id fusee-dev"] {
        assert_eq!(folder.fusee(words).code, 2, "{words}");
    }
}

#[test]
fn what_keeps_a_node_from_answering_is_told() {
    let folder = Folder::new();
    let check = |words: &str, code: i32, expected: &str| {
        let answer = folder.fusee(words);
        assert_eq!(answer.code, code, "{words}: {answer:?}");
        assert!(answer.stderr.contains(expected), "{words}: {answer:?}");
        assert!(answer.stderr.contains("  next: "), "{words}: {answer:?}");
    };
    // A port that nothing listens to, and one that nothing answers on.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    check(
        &format!("accounts --node http://{closed}"),
        4,
        "no answer from http://",
    );
    check("accounts --node nowhere", 2, "is not the address of a node");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    check(
        &format!("accounts --wait 0 --node http://{address}"),
        4,
        "no answer from http://",
    );
}

#[test]
fn a_transaction_that_no_block_has_in_time_can_be_looked_up() {
    let served = Served::with(Production::ByHand);
    served.refused("call bob --value 1 --wait 1", 4, "fusee transaction ");
    let words = format!("call bob --value 1 --wait 1 --node {}", served.url());
    let told = served.folder.fusee(&words).stderr;
    let id = told.split("`fusee transaction ").nth(1).unwrap();
    let id = id.split('`').next().unwrap();
    assert_eq!(
        served.json(&format!("transaction {id}"), 0)["state"],
        "waiting"
    );
    served.node.produce().unwrap();
    let found = served.json(&format!("transaction {id}"), 0);
    assert_eq!(found["state"], "included");
    assert_eq!(served.json("accounts alice", 0)["accounts"][0]["nonce"], 2);
}

/// Reads one HTTP message with a body of a declared length.
fn message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length = length.lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    bytes.extend(body);
    Ok(bytes)
}

/// A proxy that loses the first answer to a method.
fn losing(server: SocketAddr, method: &'static str) -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let has_lost = Arc::new(AtomicBool::new(false));
    let lost = Arc::clone(&has_lost);
    let serve = move |mut client: TcpStream, lost: Arc<AtomicBool>| -> io::Result<()> {
        let mut server = TcpStream::connect(server)?;
        loop {
            let request = message(&mut client)?;
            server.write_all(&request)?;
            let answer = message(&mut server)?;
            let is_asked = String::from_utf8_lossy(&request).contains(&format!("\"{method}\""));
            if is_asked && !lost.swap(true, Ordering::SeqCst) {
                return Ok(());
            }
            client.write_all(&answer)?;
        }
    };
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, lost) = (client.unwrap(), Arc::clone(&lost));
            // A closed connection ends it.
            thread::spawn(move || serve(client, lost));
        }
    });
    (address, has_lost)
}

#[test]
fn a_lost_answer_is_asked_for_again_and_the_transaction_counts_once() {
    let served = Served::new();
    for (method, height) in [("sendTransaction", 1), ("sendTransactionAndWait", 2)] {
        let (proxy, has_lost) = losing(served.server.address(), method);
        let words = format!("call bob --value 1 --node http://{proxy}");
        let called = served.folder.json(&words, 0);
        assert!(has_lost.load(Ordering::SeqCst), "{method}");
        assert_eq!(called["height"], height, "{method}: {called}");
    }
    let alice = served.json("accounts alice", 0);
    assert_eq!(alice["accounts"][0]["nonce"], 2, "{alice}");
    assert_eq!(alice["height"], 2);
}

/// Names for the chain of a node are in a file of the user.
#[test]
fn a_chain_behind_a_node_has_names_of_its_own() {
    let served = Served::new();
    let made = served.json("deploy token.wasm --args 1000 --name token", 0);
    let supply = served.json("query token total_supply", 0);
    assert_eq!(supply["output"], "0xe803000000000000");
    let names = served.json("name list", 0);
    assert_eq!(names["file"], ".fusee-names.json");
    assert_eq!(names["names"][0]["address"], made["address"]);
    // A data folder has others.
    served.folder.json("init --data mine", 0);
    let mine = served.folder.json("name list --data mine", 0);
    assert_eq!(mine["names"], json!([]));
    served.refused(
        "deploy token.wasm --args 1 --name token",
        2,
        "`token` is taken",
    );
}

#[test]
fn events_are_followed_as_they_come() {
    let served = Served::new();
    let deployed = served.json("deploy token.wasm --args 1000", 0);
    let token = deployed["address"].as_str().unwrap();
    // By the index of the node, and block by block.
    let mut following = [token, ""].map(|contract| {
        let url = served.url();
        let words = format!("events {contract} --topic transfer --from 1 --follow --node {url}");
        let mut command = served.folder.command(&words);
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let output = io::BufReader::new(child.stdout.take().unwrap());
        (child, io::BufRead::lines(output))
    });
    for height in 2..5 {
        served.json(&format!("call {token} transfer @bob {height}"), 0);
        for (_, lines) in &mut following {
            let line = lines.next().unwrap().unwrap();
            assert!(line.starts_with(&format!("block {height} ")), "{line}");
            assert!(line.contains(&format!("(alice bob {height})")), "{line}");
        }
    }
    for (mut child, _) in following {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
