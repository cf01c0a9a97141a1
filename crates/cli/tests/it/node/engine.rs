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

use serde_json::{Value, json};

use super::{APART, start, transfer, waits_for_a_block};
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
        .replace("0.0.0.0:26656", &format!("127.0.0.1:{}", port()))
        .replace("timeout_commit = \"1s\"", "timeout_commit = \"100ms\"");
    fs::write(file, config).unwrap();
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
    while node.height() < 2 {
        thread::sleep(Duration::from_millis(50));
    }
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
    while node.height() < height + 3 {
        thread::sleep(Duration::from_millis(50));
    }
    let params = json!({"transaction": transfer("alice", 5), "timeout_ms": 30_000});
    node.call("sendTransactionAndWait", params).unwrap();
}
