//! A node beside a real CometBFT. It needs CometBFT v0.38, so it runs on request alone:
//!
//! ```sh
//! go install github.com/cometbft/cometbft/cmd/cometbft@v0.38.25
//! FUSEE_COMETBFT=~/go/bin/cometbft cargo test -p fusee-cli --test it -- node::engine --ignored
//! ```

use std::{
    env, fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use fusee::{chain::Address, ledger::Operation};
use serde_json::{Value, json};

use super::{APART, Running, signed, start, transfer, waits_for_a_block};
use crate::support::Folder;

/// An engine, which is killed in the end.
struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn comet(folder: &Path, words: &str) -> Command {
    let program = env::var_os("FUSEE_COMETBFT").expect("FUSEE_COMETBFT is the path of cometbft");
    let mut command = Command::new(program);
    command
        .args(words.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Makes the folder of an engine of the development chain, with blocks in quick succession.
fn init(folder: &Folder, genesis: &str, rpc: u16) {
    let home = folder.path().join("engine/config");
    let made = comet(folder.path(), "init --home engine").status().unwrap();
    assert!(made.success());
    let file = home.join("genesis.json");
    let mut engine: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let app: Value = serde_json::from_str(genesis).unwrap();
    engine["chain_id"] = app["chain_id"].clone();
    engine["app_state"] = app;
    fs::write(file, engine.to_string()).unwrap();
    let file = home.join("config.toml");
    let config = fs::read_to_string(&file).unwrap();
    let config = config
        .replace("127.0.0.1:26657", &format!("127.0.0.1:{rpc}"))
        .replace("0.0.0.0:26656", &format!("127.0.0.1:{}", port()));
    fs::write(file, config).unwrap();
    set(folder, &[("timeout_commit", "\"100ms\"")]);
}

/// Changes settings of an engine that is stopped, by their names in its file.
fn set(folder: &Folder, settings: &[(&str, &str)]) {
    let file = folder.path().join("engine/config/config.toml");
    let mut config = fs::read_to_string(&file).unwrap();
    for (name, value) in settings {
        let lines = config.lines().map(|line| match line.split_once(" = ") {
            Some((found, _)) if found == *name => format!("{name} = {value}\n"),
            _ => format!("{line}\n"),
        });
        let changed: String = lines.collect();
        assert_ne!(changed, config, "the engine has no setting {name}");
        config = changed;
    }
    fs::write(file, config).unwrap();
}

/// Waits until a condition holds, up to a minute.
#[track_caller]
fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if condition() {
            return;
        }
        // Other processes have to get on.
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{what}: not after a minute");
}

#[test]
#[ignore = "needs CometBFT"]
fn a_transaction_that_is_sent_to_the_node_is_in_a_block_of_the_engine() {
    let folder = Folder::new();
    let genesis = folder.text("genesis", 0);
    folder.write("genesis.json", &genesis);
    folder.json("init --genesis genesis.json --data app", 0);
    let rpc = port();
    init(&folder, &genesis, rpc);
    let beside =
        format!("--data app --abci unix://abci.sock --engine-rpc http://127.0.0.1:{rpc} {APART}");
    let node = start(&folder, &beside);
    waits_for_a_block(&node);
    let words = "node --home engine --proxy_app unix://abci.sock";
    let engine = Engine(comet(folder.path(), words).spawn().unwrap());
    wait("the engine makes blocks", || node.height() > 1);
    // At the same addresses.
    assert_eq!(node.read("/readyz").0, 200);
    for nonce in 0..5 {
        let params = json!({"transaction": transfer("alice", nonce), "timeout_ms": 30_000});
        let included = node.call("sendTransactionAndWait", params).unwrap();
        assert_eq!(included["state"], "included", "{included}");
    }
    let far = json!({"transaction": transfer("bob", 9_999)});
    let refused = node.call("sendTransaction", far).unwrap_err();
    assert!(
        refused["message"].as_str().unwrap().contains("refused"),
        "{refused}"
    );
    // The engine makes the blocks.
    node.admin("admin_produceBlock", json!({})).unwrap_err();
    let height = node.height();
    let (code, log) = node.end("TERM");
    assert_eq!(code, Some(0), "{log}");
    drop(engine);
    // Both go on, and the node has what was committed from the start on.
    let node = start(&folder, &beside);
    assert!(
        node.told["height"].as_u64().unwrap() >= height,
        "{:?}",
        node.told
    );
    let _engine = Engine(comet(folder.path(), words).spawn().unwrap());
    wait("the engine goes on", || node.height() > height + 2);
    let params = json!({"transaction": transfer("alice", 5), "timeout_ms": 30_000});
    node.call("sendTransactionAndWait", params).unwrap();
}

/// A call with an input of so many bytes.
fn call(from: &str, nonce: u64, bytes: usize) -> String {
    let operation = Operation::Call {
        to: Address::of_development_account("erin"),
        method: "anything".to_owned(),
        input: vec![7; bytes],
        value: 0,
    };
    signed(from, nonce, operation)
}

fn send(node: &Running, transaction: &str) -> Result<Value, Value> {
    node.call("sendTransaction", json!({ "transaction": transaction }))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// What the engine refuses by its own limits is neither invalid nor lost, and the sender hears so.
#[test]
#[ignore = "needs CometBFT"]
fn a_full_mempool_and_a_limit_of_size_of_the_engine_reach_the_sender() {
    let folder = Folder::new();
    let genesis = folder.text("genesis", 0);
    folder.write("genesis.json", &genesis);
    folder.json("init --genesis genesis.json --data app", 0);
    let rpc = port();
    init(&folder, &genesis, rpc);
    let beside =
        format!("--data app --abci unix://abci.sock --engine-rpc http://127.0.0.1:{rpc} {APART}");
    let node = start(&folder, &beside);
    waits_for_a_block(&node);
    let words = "node --home engine --proxy_app unix://abci.sock";
    let run = || Engine(comet(folder.path(), words).spawn().unwrap());
    let engine = run();
    wait("the engine makes blocks", || node.height() > 0);
    drop(engine);

    // Without its engine: the transaction is not to blame.
    let gone = send(&node, &transfer("bob", 0)).unwrap_err();
    assert_eq!(gone["data"]["kind"], "node_failed", "{gone}");
    assert!(text(&gone["data"]["next"]).contains("engine"), "{gone}");

    let quick = [
        ("timeout_commit", "\"100ms\""),
        ("size", "5000"),
        ("max_tx_bytes", "1048576"),
        ("max_body_bytes", "1000000"),
    ];
    let narrow = [
        // An engine waits so long before the next block, so what is in its mempool stays there.
        ("timeout_commit", "\"1h\""),
        ("size", "1"),
        ("max_tx_bytes", "4000"),
        ("max_body_bytes", "20000"),
    ];
    set(&folder, &narrow);
    let engine = run();
    wait("the engine answers", || {
        let told = send(&node, &call("alice", 0, 5_000)).unwrap_err();
        told["data"]["kind"] != "node_failed"
    });

    // Larger than a transaction may be, and larger than a request may be.
    for (bytes, limit) in [
        (5_000, json!(4_000)),
        (50_000, Value::Null),
        (2_000_000, Value::Null),
    ] {
        let large = call("alice", 0, bytes);
        let told = send(&node, &large).unwrap_err();
        assert_eq!(told["data"]["kind"], "limit_exceeded", "{told}");
        assert_eq!(told["data"]["limit"], limit, "{told}");
        let found = told["data"]["found"].as_u64().unwrap();
        assert_eq!(found, u64::try_from(large.len() / 2).unwrap(), "{told}");
        assert!(
            text(&told["data"]["next"]).contains("max_tx_bytes"),
            "{told}"
        );
    }

    // One has a place, and the next one does not.
    send(&node, &transfer("alice", 0)).unwrap();
    let full = send(&node, &transfer("bob", 0)).unwrap_err();
    assert_eq!(full["data"]["kind"], "mempool_full", "{full}");
    assert!(
        text(&full["message"]).contains("number of txs 1 (max: 1)"),
        "{full}"
    );
    assert!(
        text(&full["data"]["next"]).contains("after the next block"),
        "{full}"
    );
    // An engine does not look whether it has the transaction.
    let full = send(&node, &transfer("alice", 0)).unwrap_err();
    assert_eq!(full["data"]["kind"], "mempool_full", "{full}");
    // One that waits for its block is told at once as well.
    let params = json!({"transaction": transfer("bob", 0), "timeout_ms": 60_000});
    let full = node.call("sendTransactionAndWait", params).unwrap_err();
    assert_eq!(full["data"]["kind"], "mempool_full", "{full}");
    // The command tries again as long as it is given, and says why it has not sent it.
    let url = &node.told["rpc"];
    let command = format!(
        "call bob --value 1 --from carol --wait 1 --node {}",
        text(url)
    );
    let told = &folder.json(&command, 4)["error"];
    assert!(text(&told["message"]).contains("mempool is full"), "{told}");
    assert!(text(&told["next"]).contains("longer with --wait"), "{told}");

    // With room and blocks, the same bytes are included.
    drop(engine);
    set(&folder, &quick);
    let _engine = run();
    let height = node.height();
    wait("the engine goes on", || node.height() > height);
    let params = json!({"transaction": transfer("bob", 0), "timeout_ms": 30_000});
    let included = node.call("sendTransactionAndWait", params).unwrap();
    assert_eq!(included["state"], "included", "{included}");
    // A nonce that is past is refused with its reason, as by a node without an engine.
    let past = send(&node, &call("bob", 0, 10)).unwrap_err();
    assert_eq!(past["data"]["kind"], "invalid_transaction", "{past}");
    assert_eq!(past["data"]["reason"], "past_nonce", "{past}");
}
