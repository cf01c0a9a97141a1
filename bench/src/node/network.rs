//! Four validators on this machine: CometBFT with `fusee node` as its application, over CometBFT
//! with `kvstore`, the application that is a part of it: in the engine's process, and in one of its
//! own, as ours is. The engine has the same configuration, and the same clients.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{
    Request,
    client::{Server, free_port},
    fusee::{self, Fusee},
};
use crate::{
    Options,
    measure::Sample,
    report::{Findings, Latency, Row, Unit},
};

const PEER: &str = "kvstore";

/// The same as a process of its own: what the protocol takes without a ledger.
const SEPARATE: &str = "kvstore by socket";

const VALIDATORS: u16 = 4;

/// The clients of a load, and the transactions of each, which are of ten accounts.
const CLIENTS: usize = 10;
const SENT: usize = 400;

/// Transactions of one client that waits for each.
const WAITED: usize = 20;

/// The ports of a node follow each other, and so do nodes.
const PORTS: u16 = 10;

/// What CometBFT replicates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum App {
    Fusee,
    KvStore,
    KvStoreBySocket,
}

/// What one side took.
struct Reading {
    /// Seconds a transaction that nobody waits for.
    sent: f64,
    /// Seconds of each transaction of a client that waits for it.
    waited: Vec<f64>,
}

type Shown = (&'static str, fn(&Reading) -> f64, Unit);

const SEND_AND_WAIT: &str = "node/network/send-and-wait/validators=4";

const ROWS: [Shown; 2] = [
    (
        "node/network/send/validators=4",
        |it| it.sent,
        Unit::TransactionsPerSecond,
    ),
    (SEND_AND_WAIT, |it| mean(&it.waited), Unit::Milliseconds),
];

/// One of the three.
type Side = fn(&Round) -> &Reading;

/// What they took in one round.
struct Round {
    ours: Reading,
    peer: Reading,
    separate: Reading,
}

fn mean(all: &[f64]) -> f64 {
    all.iter().sum::<f64>() / f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX))
}

pub(super) fn measure(options: &Options, fusee: &Fusee) -> Result<Findings> {
    if !ROWS.iter().any(|(name, _, _)| options.wants(name)) {
        return Ok(Findings::default());
    }
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        rounds.push(Round {
            ours: read(App::Fusee, options, fusee)?,
            peer: read(App::KvStore, options, fusee)?,
            separate: read(App::KvStoreBySocket, options, fusee)?,
        });
    }
    let mut rows = Vec::new();
    for (name, shown, unit) in ROWS {
        let peers: [(_, Side); 2] = [(PEER, |it| &it.peer), (SEPARATE, |it| &it.separate)];
        for (peer, of) in peers {
            let samples = rounds.iter().map(|round| Sample {
                ours: shown(&round.ours),
                peer: shown(of(round)),
            });
            let samples: Vec<_> = samples.collect();
            rows.push(Row::new(name.to_owned(), peer, unit, &samples));
        }
    }
    let latency = |side, of: Side| Latency {
        name: SEND_AND_WAIT,
        side,
        milliseconds: rounds
            .iter()
            .flat_map(|round| of(round).waited.iter().map(|seconds| seconds * 1e3))
            .collect(),
    };
    let latencies = match options.wants(SEND_AND_WAIT) {
        true => vec![
            latency("ours", |it| &it.ours),
            latency(PEER, |it| &it.peer),
            latency(SEPARATE, |it| &it.separate),
        ],
        false => Vec::new(),
    };
    Ok(Findings {
        latencies,
        ..rows
            .into_iter()
            .filter(|row| options.wants(&row.name))
            .collect::<Vec<_>>()
            .into()
    })
}

fn read(app: App, options: &Options, fusee: &Fusee) -> Result<Reading> {
    let server = start(app, options, fusee)?;
    let transactions = transactions(app)?;
    let (waited, sent) = transactions.split_first().context("there are clients")?;
    let waited = waited.iter().take(WAITED);
    let waited = waited.map(|bytes| broadcast("broadcast_tx_commit", bytes));
    let times = server.by_turns(&[waited.collect()])?;

    let requests = sent.iter().map(|all| {
        let requests = all.iter();
        requests
            .map(|bytes| broadcast("broadcast_tx_sync", bytes))
            .collect()
    });
    let requests: Vec<Vec<_>> = requests.collect();
    // What is in a block has left the mempool.
    let waiting = [("num_unconfirmed_txs", json!({}))];
    let (_, time) = server.until(&requests, &waiting, |answer| Ok(answer["total"] == "0"))?;
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    included(&server, CLIENTS * SENT + WAITED)?;
    Ok(Reading {
        sent: time.as_secs_f64() / count(CLIENTS * SENT),
        waited: times.iter().map(Duration::as_secs_f64).collect(),
    })
}

/// Checks that the blocks have so many transactions.
fn included(server: &Server, expected: usize) -> Result<()> {
    let mut last = u64::MAX;
    let mut found = 0;
    while last > 0 {
        // The engine tells of at most 20 blocks, the last ones first.
        let range = match last {
            u64::MAX => json!({}),
            last => json!({ "minHeight": "1", "maxHeight": last.to_string() }),
        };
        let answer = server.ask(&("blockchain", range))?;
        let blocks = answer.get("block_metas").and_then(Value::as_array);
        let blocks = blocks.context("blocks")?;
        for block in blocks {
            let number = |place: &str| block.pointer(place)?.as_str()?.parse::<u64>().ok();
            found += number("/num_txs").context("transactions of a block")?;
            last = number("/header/height").context("a height")?;
        }
        ensure!(!blocks.is_empty(), "no blocks below {last}: {answer}");
        last -= 1;
    }
    let expected = u64::try_from(expected)?;
    ensure!(
        found == expected,
        "{found} of {expected} transactions are in blocks"
    );
    Ok(())
}

/// For each client: those of one client that waits, then those of the others.
fn transactions(app: App) -> Result<Vec<Vec<Vec<u8>>>> {
    let mut all = Vec::new();
    for client in 0..=CLIENTS {
        let mut of_client = Vec::new();
        for number in 0..SENT {
            of_client.push(match app {
                App::Fusee => {
                    // A sender has few transactions in a mempool, so a client has ten senders.
                    let (account, nonce) = (client * 10 + number % 10, number / 10);
                    let (account, nonce) = match client {
                        0 => (0, number),
                        _ => (account, nonce),
                    };
                    fusee::sign(account, u64::try_from(nonce)?)?.0
                }
                App::KvStore | App::KvStoreBySocket => format!("{client}-{number}=1").into_bytes(),
            });
        }
        all.push(of_client);
    }
    Ok(all)
}

fn broadcast(method: &'static str, bytes: &[u8]) -> Request {
    (method, json!({ "tx": BASE64.encode(bytes) }))
}

/// Starts a network. Its first node answers.
fn start(app: App, options: &Options, fusee: &Fusee) -> Result<Server> {
    let folder = tempfile::tempdir()?;
    let network = folder.path().join("network");
    let port = ports()?;
    let accounts = 0..(CLIENTS + 1) * 10;
    let accounts =
        accounts.map(|it| format!("--account={}={}", fusee::address(it), fusee::BALANCE));
    let made = fusee
        .command()
        .args([
            "net",
            "init",
            "--chain-id",
            fusee::CHAIN,
            "--minimum-price",
            "1",
        ])
        .args(["--validators", &VALIDATORS.to_string()])
        .args(["--base-port", &port.to_string()])
        .args(accounts)
        .arg("--out")
        .arg(&network)
        .output()?;
    ensure!(made.status.success(), "no network: {made:?}");
    let mut commands = Vec::new();
    for number in 0..VALIDATORS {
        let node = network.join(format!("node{number}"));
        if let Some(mut command) = application(app, options, fusee) {
            command.current_dir(&node);
            commands.push(command);
        }
        commands.push(engine(app, options, &node));
    }
    let place = (port + 1, folder);
    let server = Server::start(&mut commands, place, ("status", json!({})))?;
    // The first block shows that the validators have found each other.
    server.until(&[], &[("status", json!({}))], |answer| {
        let height = answer.pointer("/sync_info/latest_block_height");
        Ok(height.is_some_and(|height| height != "0"))
    })?;
    Ok(server)
}

/// The application of a node, if it is a process of its own.
fn application(app: App, options: &Options, fusee: &Fusee) -> Option<Command> {
    let mut command = match app {
        App::KvStore => return None,
        App::Fusee => fusee.command(),
        App::KvStoreBySocket => Command::new(program(&options.abci_cli)),
    };
    match app {
        App::Fusee => command.args(["node", "--data", "app", "--log", "warn", "--abci"]),
        _ => command.args(["kvstore", "--log_level", "error", "--address"]),
    };
    command.arg("unix://abci.sock");
    Some(command)
}

/// A path is of this folder, and a name of those that the system searches.
fn program(path: &str) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.into())
}

/// The engine of a node. It ends if it finds no application, so it starts after that.
fn engine(app: App, options: &Options, node: &Path) -> Command {
    let program = program(&options.cometbft);
    let mut command = match app {
        App::Fusee | App::KvStoreBySocket => {
            let mut shell = Command::new("sh");
            let script = r#"until [ -S abci.sock ]; do sleep 0.02; done; exec "$0" "$@""#;
            shell.args(["-c", script]).arg(program);
            shell
        }
        App::KvStore => Command::new(program),
    };
    command.args(["node", "--home", "engine"]).current_dir(node);
    if app == App::KvStore {
        command.args(["--proxy_app", "kvstore"]);
    }
    command
}

/// The first of the ports of a network, which nothing listens on.
fn ports() -> Result<u16> {
    for _ in 0..100 {
        let port = free_port()?;
        let end = port.checked_add(VALIDATORS * PORTS);
        let mut all = port..end.unwrap_or(port);
        let is_free = |port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        if end.is_some() && all.all(is_free) {
            return Ok(port);
        }
    }
    anyhow::bail!("no {} ports of this machine are free", VALIDATORS * PORTS)
}
