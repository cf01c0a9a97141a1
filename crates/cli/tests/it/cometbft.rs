//! The folder that `net init` writes, with real CometBFT v0.38. It runs on request alone:
//!
//! ```sh
//! FUSEE_COMETBFT=~/go/bin/cometbft cargo test -p fusee-cli --test it -- cometbft:: --ignored
//! ```

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread::{self, sleep},
    time::Duration,
};

use data_encoding::BASE64;
use fusee::chain::{Address, keys};
use fusee::ledger::{LedgerRules, Operation, SecretKey, SignedTransaction, TransactionBody};
use fusee::sandbox::Gas;
use serde_json::{Value, json};

use crate::support::Folder;

/// The processes of `start.sh`, which are a group of their own. They are killed when it is dropped.
struct Running(Child);

impl Running {
    fn start(folder: &Folder) -> Self {
        #[allow(clippy::disallowed_methods, reason = "the test runs on request")]
        let cometbft = std::env::var("FUSEE_COMETBFT");
        let cometbft = cometbft.expect("set FUSEE_COMETBFT to the path of CometBFT v0.38");
        let mut command = Command::new(folder.path().join("net/start.sh"));
        command.env("FUSEE", env!("CARGO_BIN_EXE_fusee"));
        command.env("COMETBFT", cometbft);
        command.env("CMT_CONSENSUS_TIMEOUT_COMMIT", "200ms");
        command.stdout(Stdio::null()).process_group(0);
        Self(command.spawn().unwrap())
    }

    /// Whether a signal reaches anything of the group.
    fn signal(&self, signal: &str) -> bool {
        let group = format!("-{}", self.0.id());
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, "--", &group])
            .stderr(Stdio::null());
        kill.status().unwrap().success()
    }

    /// Ends it, as by Ctrl-C in a terminal if `signal` is `INT`: nothing stays.
    #[track_caller]
    fn end(mut self, signal: &str) {
        if signal == "INT" {
            assert!(self.signal(signal));
        } else {
            let id = self.0.id().to_string();
            let killed = Command::new("kill").args(["-s", signal, &id]).status();
            assert!(killed.unwrap().success());
        }
        let code = wait("the script ends", || self.0.try_wait().unwrap()).code();
        assert_eq!(code, Some(0));
        // One that has ended may wait a moment until the system has taken note.
        wait("no process stays", || (!self.signal("CONT")).then_some(()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal("KILL");
        let _ = self.0.wait();
    }
}

/// Waits until a condition has a value, up to a minute and a half.
#[track_caller]
fn wait<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    for _ in 0..900 {
        if let Some(value) = condition() {
            return value;
        }
        // Other processes have to get on.
        sleep(Duration::from_millis(100));
    }
    panic!("{what}: not after 90 seconds");
}

/// A call of an engine's RPC. `None` if it does not answer, or with an error.
fn rpc(port: u16, path: &str) -> Option<Value> {
    let mut answer: Value = serde_json::from_str(&get(port, path)?).ok()?;
    answer.get_mut("result").map(Value::take)
}

/// What a path has.
fn get(port: u16, path: &str) -> Option<String> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect(address).ok()?;
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some(body.to_owned())
}

fn height(port: u16) -> Option<u64> {
    let status = rpc(port, "/status")?;
    let height = &status["sync_info"]["latest_block_height"];
    height.as_str()?.parse().ok()
}

/// The balance of an account, as a node has it.
fn balance(port: u16, account: Address) -> Option<u128> {
    let key = hex::encode(keys::balance(account));
    let answer = rpc(port, &format!("/abci_query?path=%22/store%22&data=0x{key}"))?;
    let value = answer["response"]["value"].as_str()?;
    let value = BASE64.decode(value.as_bytes()).unwrap();
    Some(u128::from_le_bytes(value[1..].try_into().unwrap()))
}

fn transfer(to: Address, nonce: u64) -> Vec<u8> {
    let key = SecretKey::development("alice");
    let body = TransactionBody {
        chain_id: "fusee-net".to_owned(),
        sender: key.public_key().address(),
        nonce,
        expiry: 100_000,
        gas_limit: Gas::new(1_000_000),
        gas_price: 0,
        fee_payer: None,
        operations: vec![Operation::Transfer { to, value: 5 }],
    };
    let rules = LedgerRules::latest().with_development_accounts();
    let authorization = key.sign(&body.id());
    let transaction = SignedTransaction::new(body, authorization, None, &rules);
    transaction.unwrap().encode()
}

/// What the node at this port serves besides: commands by `--node`, the explorer, and what
/// operators have at the next port.
fn uses_the_interface(folder: &Folder, port: u16) {
    let url = format!("http://127.0.0.1:{port}");
    let words = format!("call carol --value 1 --from dave --node {url}");
    let sent = folder.json(&words, 0);
    assert_eq!(sent["status"], "success", "{sent}");
    let page = get(port, "/").unwrap();
    assert!(page.contains("<html"), "{page}");
    let ready = get(port + 1, "/readyz").unwrap();
    assert!(ready.contains("\"ok\""), "{ready}");
    let metrics = get(port + 1, "/metrics").unwrap();
    assert!(metrics.contains("fusee_block_height"), "{metrics}");
}

/// Uploads a program of as many bytes as the rules admit: with what a transaction has besides, more
/// than engines take unless their configuration is that of the folder.
fn takes_the_largest_program(folder: &Folder, port: u16) {
    const LARGEST: usize = 1 << 20;
    let mut program = include_bytes!("../../../../guests/wasm/counter.wasm").to_vec();
    // A custom section: its id, its length in three bytes, its name, and what fills it.
    let content = LARGEST - program.len() - 4;
    program.push(0);
    program.extend([0, 7, 14].map(|shift| {
        let digit = u8::try_from(content >> shift & 0x7f).unwrap();
        digit | if shift == 14 { 0 } else { 0x80 }
    }));
    program.extend([1, b'x']);
    program.resize(LARGEST, 0);
    fs::write(folder.path().join("largest.wasm"), program).unwrap();
    let words = format!("upload largest.wasm --from erin --node http://127.0.0.1:{port}");
    let sent = folder.json(&words, 0);
    assert_eq!(sent["status"], "success", "{sent}");
}

/// The authority takes the vote of a node, by a call through its interface, and gives it back. The
/// engine counts votes accordingly.
fn changes_the_validators(folder: &Folder, made: &Value, port: u16) {
    let contract = made["validators"]["contract"].as_str().unwrap();
    let node = &made["nodes"][3];
    let (key, account) = (&node["validator"], &node["account"]);
    let [key, account] = [key, account].map(|it| it.as_str().unwrap());
    let url = format!("http://127.0.0.1:{}", port + 1);
    let call = |words: &str| {
        let words = format!("call {contract} {words} --from dave --node {url}");
        let sent = folder.json(&words, 0);
        assert_eq!(sent["status"], "success", "{sent}");
    };
    let votes = |count: &str| {
        wait("the engine has the validators", || {
            let validators = rpc(port, "/validators")?;
            (validators["total"] == count).then_some(())
        });
    };
    votes("4");
    call(&format!("remove key={key}"));
    votes("3");
    call(&format!("add key={key} power=10 account={account}"));
    votes("4");
}

/// Ends the flood, also if the test fails.
struct Flood<'a>(&'a AtomicBool);

impl Drop for Flood<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Floods one node with queries: with proofs by the RPC of its engine, and of a contract by its own
/// interface. It goes on with the others, answers, and takes transactions.
fn goes_on_under_a_flood(folder: &Folder, ports: [u16; 4]) {
    let flooded = ports[3];
    let url = format!("http://127.0.0.1:{}", flooded + 1);
    let token = folder.deploy(&format!(
        "token.wasm --args 1000000 --from erin --node {url}"
    ));
    let (is_over, proofs, queries) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let key = hex::encode(keys::balance(Address::of_development_account("bob")));
    let prove = || {
        let path = format!("/abci_query?path=%22/store%22&data=0x{key}&prove=true");
        let answer = rpc(flooded, &path)?;
        let proof = answer["response"]["proofOps"]["ops"].as_array()?;
        (proof.len() == 2).then_some(())
    };
    let query = || {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "query",
            "params": {"address": token, "method": "total_supply"}});
        let mut answer = ureq::post(&url)
            .header("content-type", "application/json")
            .send(body.to_string())
            .ok()?;
        let answer = answer.body_mut().read_to_string().ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        (answer["result"]["receipt"]["status"] == "success").then_some(())
    };
    let (prove, query): (Ask<'_>, Ask<'_>) = (&prove, &query);
    thread::scope(|scope| {
        let flood = Flood(&is_over);
        for (ask, count) in [(prove, &proofs), (query, &queries)] {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        // What is refused for the rate is part of it.
                        count.fetch_add(ask().is_some().into(), Ordering::Relaxed);
                    }
                });
            }
        }
        let answered = || [&proofs, &queries].map(|count| count.load(Ordering::Relaxed));
        wait("the flood has begun", || {
            answered().iter().all(|count| *count > 0).then_some(())
        });
        let before = answered();
        let begin = wait("the node has a height", || height(flooded));
        for port in ports {
            wait("a node goes on", || {
                height(port).filter(|it| *it >= begin + 10)
            });
        }
        // By the engine: the node refuses more calls from the address of the flood.
        let carol = hex::encode(transfer(Address::of_development_account("carol"), 0));
        let path = format!("/broadcast_tx_commit?tx=0x{carol}");
        let sent = rpc(flooded, &path).unwrap();
        assert_eq!(sent["tx_result"]["info"], "success", "{sent}");
        let after = answered();
        assert!(after[0] > before[0] && after[1] > before[1], "{after:?}");
        drop(flood);
    });
}

type Ask<'a> = &'a (dyn Fn() -> Option<()> + Sync);

#[test]
#[ignore = "needs CometBFT"]
fn a_network_folder_makes_blocks_until_it_is_stopped() {
    let folder = Folder::new();
    // Each process has ports of its own.
    let base = 20_000 + u16::try_from(std::process::id() % 500).unwrap() * 40;
    let made = folder.json(
        &format!("net init --out net --development --authority dave --base-port {base}"),
        0,
    );
    let ports: [u16; 4] =
        std::array::from_fn(|number| base + 1 + 10 * u16::try_from(number).unwrap());
    let bob = Address::of_development_account("bob");
    let mut reached = 0;
    for (nonce, signal) in [(1, "INT"), (2, "TERM")] {
        let running = Running::start(&folder);
        for port in ports {
            wait("a node makes blocks", || {
                height(port).filter(|it| *it > reached + 1)
            });
        }
        uses_the_interface(&folder, ports[2] + 1);
        if nonce == 1 {
            goes_on_under_a_flood(&folder, ports);
            takes_the_largest_program(&folder, ports[0] + 1);
            changes_the_validators(&folder, &made, ports[1]);
        }
        let before = balance(ports[1], bob).unwrap();
        let path = format!(
            "/broadcast_tx_commit?tx=0x{}",
            hex::encode(transfer(bob, nonce))
        );
        let sent = rpc(ports[0], &path).unwrap();
        assert_eq!(sent["tx_result"]["code"], 0, "{sent}");
        for port in ports {
            wait("a node has the transaction", || {
                balance(port, bob).filter(|it| *it == before + 5)
            });
        }
        reached = ports.iter().filter_map(|port| height(*port)).max().unwrap();
        running.end(signal);
        assert!(ports.iter().all(|port| rpc(*port, "/status").is_none()));
    }
    // What the nodes have committed is the same, and comes out again.
    let blocks =
        |number: usize| folder.json(&format!("block {reached} --data net/node{number}/app"), 0);
    assert_eq!(blocks(0)["header"]["hash"], blocks(3)["header"]["hash"]);
    folder.json("replay --data net/node1/app --engine wasmi", 0);
}

/// A node that cannot start says why, and its folder says more.
#[test]
#[ignore = "needs CometBFT"]
fn a_node_that_cannot_start_ends_with_a_reason() {
    let folder = Folder::new();
    folder.json(
        "net init --out net --development --validators 1 --base-port 19990",
        0,
    );
    let script = folder.path().join("net/node0/start.sh");
    let start = |cometbft: &str| {
        let mut command = Command::new(&script);
        command
            .env("FUSEE", env!("CARGO_BIN_EXE_fusee"))
            .env("COMETBFT", cometbft);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(start("no-such-program").contains("there is no program no-such-program"));
    // An engine that ends at once takes its application with it.
    assert!(start("false").contains("the engine has ended"));
    fs::remove_dir_all(folder.path().join("net/node0/app")).unwrap();
    let told = start("false");
    assert!(told.contains("node0: the application has ended"), "{told}");
}
