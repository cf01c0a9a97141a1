//! The group `node`: what a node answers over JSON-RPC, from a process of its own.
//!
//! Ours is `fusee node`, the peer is Anvil, the node that Foundry's users develop on. Both get the
//! same load of signed transfers from this process: ten clients, or one. A network of four is
//! measured beside CometBFT with the application that is a part of it.

mod anvil;
mod client;
mod fusee;
mod network;
pub(crate) mod page;

use std::time::Duration;

use anyhow::Result;

use self::{anvil::Anvil, client::Server, fusee::Fusee};
use crate::{
    Options,
    measure::Sample,
    report::{Findings, Latency, Row, Unit},
};

const ANVIL: &str = "Anvil";

/// The clients of a load.
const CLIENTS: usize = 10;

/// Transfers of each client that waits for each.
const WAITED: usize = 100;

/// Accounts, and transfers of each, that are sent without waiting.
const SENT: (usize, usize) = (100, 50);

/// Reads of each client.
const READS: usize = 500;

/// When a node makes a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blocks {
    /// For each transaction.
    Each,
    /// Each second.
    EverySecond,
}

/// One of the two: how it is started, and how it is spoken to.
trait Side {
    /// Starts a node with so many funded accounts.
    fn start(&self, blocks: Blocks, accounts: usize) -> Result<Server>;
    /// Transfers, signed: of each account so many, by nonces from `first`.
    fn transfers(&self, server: &Server, count: usize, first: u64) -> Result<Vec<Vec<Transfer>>>;
    /// The request that sends a transfer, and is answered when it is in a block.
    fn send_and_wait(&self, transfer: &Transfer) -> Request;
    /// The request that sends a transfer.
    fn send(&self, transfer: &Transfer) -> Request;
    /// The request for the balance of an account.
    fn balance(&self, server: &Server, account: usize) -> Request;
    /// The request for the transactions of an account that are in blocks.
    fn nonce(&self, server: &Server, account: usize) -> Request;
    /// What the answer to it says.
    fn read_nonce(&self, answer: &serde_json::Value) -> Result<u64>;
    /// The request for the height of the last block.
    fn height(&self) -> Request;
    /// What the answer to it says, in its own form.
    fn read_height<'a>(&self, answer: &'a serde_json::Value) -> &'a serde_json::Value;
}

/// A signed transfer.
#[derive(Clone, Debug)]
struct Transfer(Vec<u8>);

/// A method and its parameters.
type Request = (&'static str, serde_json::Value);

/// What one side took.
#[derive(Default)]
struct Reading {
    /// From the start of the process to the first answer, in seconds.
    start: f64,
    /// Seconds a transfer, of one client that waits for each.
    one: f64,
    /// The same, of ten clients.
    ten: f64,
    /// Seconds a transfer that is sent without waiting, until the last one is accepted.
    accepted: f64,
    /// The same, until the last one is in a block.
    sent: f64,
    /// Seconds a read.
    read: f64,
    /// Milliseconds of each transfer of one client.
    latencies: Vec<f64>,
}

/// The name of a row, what it shows of a reading, and its unit.
type Shown = (&'static str, fn(&Reading) -> f64, Unit);

const ROWS: [Shown; 6] = [
    ("node/start", |it| it.start, Unit::Milliseconds),
    (
        "node/send-and-wait/clients=1",
        |it| it.one,
        Unit::TransactionsPerSecond,
    ),
    (
        "node/send-and-wait/clients=10",
        |it| it.ten,
        Unit::TransactionsPerSecond,
    ),
    (
        "node/send/accepted",
        |it| it.accepted,
        Unit::TransactionsPerSecond,
    ),
    (
        "node/send/block-time=1s",
        |it| it.sent,
        Unit::TransactionsPerSecond,
    ),
    ("node/balance/clients=10", |it| it.read, Unit::Microseconds),
];

pub(crate) fn measure(options: &Options) -> Result<Findings> {
    let fusee = Fusee::build()?;
    let mut findings = match ROWS.iter().any(|(name, _, _)| options.wants(name)) {
        true => alone(options, &fusee)?,
        false => Findings::default(),
    };
    let of_networks = network::measure(options, &fusee)?;
    findings.rows.extend(of_networks.rows);
    findings.latencies.extend(of_networks.latencies);
    Ok(findings)
}

/// A node that makes blocks by itself.
fn alone(options: &Options, ours: &Fusee) -> Result<Findings> {
    let peer = Anvil::find(&options.anvil)?;
    let mut readings: Vec<(Reading, Reading)> = Vec::new();
    for round in 0..=options.rounds {
        let both = (read(ours)?, read(&peer)?);
        if round > 0 {
            readings.push(both);
        }
    }
    let rows = ROWS.map(|(name, shown, unit)| {
        let samples = readings.iter().map(|(ours, peer)| Sample {
            ours: shown(ours),
            peer: shown(peer),
        });
        Row::new(
            name.to_owned(),
            ANVIL,
            unit,
            &samples.collect::<Vec<Sample>>(),
        )
    });
    let latency = |side: &'static str, of: fn(&(Reading, Reading)) -> &Reading| Latency {
        name: "node/send-and-wait/clients=1",
        side,
        milliseconds: readings
            .iter()
            .flat_map(|both| of(both).latencies.clone())
            .collect(),
    };
    let latencies = vec![
        latency("ours", |(ours, _)| ours),
        latency(ANVIL, |(_, peer)| peer),
    ];
    Ok(Findings {
        latencies,
        ..rows
            .into_iter()
            .filter(|row| options.wants(&row.name))
            .collect::<Vec<_>>()
            .into()
    })
}

/// One round of one side: two nodes, one after the other.
fn read(side: &dyn Side) -> Result<Reading> {
    let server = side.start(Blocks::Each, CLIENTS)?;
    let start = server.started.as_secs_f64();
    let transfers = side.transfers(&server, WAITED, 0)?;
    let requests = |transfers: &[Transfer]| -> Vec<Request> {
        let requests = transfers.iter().map(|it| side.send_and_wait(it));
        requests.collect()
    };
    let clients = transfers.iter().take(CLIENTS);
    let all: Vec<_> = clients.map(|it| requests(it)).collect();
    let latencies = server.by_turns(all.get(..1).unwrap_or_default())?;
    let one: f64 = latencies.iter().map(Duration::as_secs_f64).sum();
    let ten = server.all(all.get(1..).unwrap_or_default())?;
    let reads = (0..CLIENTS).map(|account| vec![side.balance(&server, account); READS]);
    let read = server.all(&reads.collect::<Vec<_>>())?;
    drop(server);

    let (accounts, each) = SENT;
    let server = side.start(Blocks::EverySecond, accounts)?;
    let transfers = side.transfers(&server, each, 0)?;
    let portions = transfers.chunks(accounts / CLIENTS);
    let portions = portions.map(|all| all.iter().flatten().map(|it| side.send(it)).collect());
    let nonces: Vec<_> = (0..accounts).map(|it| side.nonce(&server, it)).collect();
    // From a block on, so that both have the same time until the next one.
    let height = server.ask(&side.height())?;
    server.until(&[], &[side.height()], |answer| {
        Ok(side.read_height(answer) != side.read_height(&height))
    })?;
    let (accepted, sent) = server.until(&portions.collect::<Vec<_>>(), &nonces, |answer| {
        Ok(side.read_nonce(answer)? >= u64::try_from(each)?)
    })?;
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    Ok(Reading {
        start,
        one: one / count(WAITED),
        ten: ten.as_secs_f64() / count(WAITED * (CLIENTS - 1)),
        accepted: accepted.as_secs_f64() / count(each * accounts),
        sent: sent.as_secs_f64() / count(each * accounts),
        read: read.as_secs_f64() / count(READS * CLIENTS),
        latencies: latencies.iter().map(|it| it.as_secs_f64() * 1e3).collect(),
    })
}
