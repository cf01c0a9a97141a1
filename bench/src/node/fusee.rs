//! Our side: the program `fusee`, with its chain on disk.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use fusee::chain::Address;
use fusee::ledger::{LedgerRules, Operation, SecretKey, SignedTransaction, TransactionBody};
use fusee::sandbox::Gas;
use serde_json::{Value, json};

use super::{
    Blocks, Request, Side, Transfer,
    client::{Server, free_port},
};

pub(super) const CHAIN: &str = "fusee-bench-node";

/// What a transfer declares: a quarter more than the 264,280 that it uses, as the command line
/// does. What a block admits is counted by what is declared.
const GAS: u64 = 330_000;

/// What each account has at first.
pub(super) const BALANCE: u128 = 1_000_000_000_000_000;

/// The program.
pub(super) struct Fusee {
    program: PathBuf,
}

impl Fusee {
    /// The program, to be run with other verbs.
    pub(super) fn command(&self) -> Command {
        Command::new(&self.program)
    }

    /// Builds the program as its users do.
    pub(super) fn build() -> Result<Self> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let output = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--locked"])
            .args(["--package", "fusee-cli", "--message-format", "json"])
            .current_dir(root)
            .output()?;
        ensure!(output.status.success(), "the program cannot be built");
        let messages = String::from_utf8(output.stdout)?;
        let mut messages = messages.lines().filter_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            message.get("executable")?.as_str().map(PathBuf::from)
        });
        let program = messages.next().context("cargo told no program")?;
        Ok(Self { program })
    }
}

impl Side for Fusee {
    fn start(&self, blocks: Blocks, accounts: usize) -> Result<Server> {
        let folder = tempfile::tempdir()?;
        let (data, genesis) = (
            folder.path().join("data"),
            folder.path().join("genesis.json"),
        );
        let accounts = (0..accounts).map(|it| format!("--account={}={BALANCE}", address(it)));
        let printed = self
            .command()
            .args(["genesis", "--chain-id", CHAIN, "--minimum-price", "1"])
            // So much that a block has room for all that waits, as that of the other sides.
            .args(["--block-gas", "1000000000000"])
            .args(accounts)
            .output()?;
        ensure!(printed.status.success(), "no genesis: {printed:?}");
        fs::write(&genesis, printed.stdout)?;
        let made = self
            .command()
            .arg("init")
            .arg("--genesis")
            .arg(&genesis)
            .arg("--data")
            .arg(&data)
            .output()?;
        ensure!(made.status.success(), "no data folder: {made:?}");
        let port = free_port()?;
        let time = match blocks {
            Blocks::Each => "transaction",
            Blocks::EverySecond => "1s",
        };
        let mut command = self.command();
        command.arg("node").arg("--data").arg(data);
        command.args(["--rpc", &format!("127.0.0.1:{port}"), "--block-time", time]);
        command.args(["--calls-per-second", "1000000", "--log", "warn"]);
        let place = (port, folder);
        Server::start(&mut [command], place, ("getHealth", json!({})))
    }

    fn transfers(&self, _: &Server, count: usize, first: u64) -> Result<Vec<Vec<Transfer>>> {
        let until = first + u64::try_from(count)?;
        let accounts = 0..super::SENT.0;
        let all = accounts.map(|account| (first..until).map(|it| sign(account, it)).collect());
        all.collect()
    }

    fn send_and_wait(&self, Transfer(bytes): &Transfer) -> Request {
        let params = json!({ "transaction": hexed(bytes), "timeout_ms": 60_000 });
        ("sendTransactionAndWait", params)
    }

    fn send(&self, Transfer(bytes): &Transfer) -> Request {
        ("sendTransaction", json!({ "transaction": hexed(bytes) }))
    }

    fn balance(&self, _: &Server, account: usize) -> Request {
        let address = address(account).to_string();
        ("getAccount", json!({ "address": address }))
    }

    fn nonce(&self, server: &Server, account: usize) -> Request {
        self.balance(server, account)
    }

    fn read_nonce(&self, answer: &Value) -> Result<u64> {
        answer["nonce"].as_u64().context("an account has a nonce")
    }

    fn height(&self) -> Request {
        ("getHealth", json!({}))
    }

    fn read_height<'a>(&self, answer: &'a Value) -> &'a Value {
        &answer["height"]
    }
}

fn secret(account: usize) -> SecretKey {
    let mut secret = [9; 32];
    for (byte, number) in secret.iter_mut().zip(account.to_le_bytes()) {
        *byte = number;
    }
    SecretKey::ed25519(secret)
}

pub(super) fn address(account: usize) -> Address {
    secret(account).public_key().address()
}

pub(super) fn sign(account: usize, nonce: u64) -> Result<Transfer> {
    let body = TransactionBody {
        chain_id: CHAIN.to_owned(),
        sender: address(account),
        nonce,
        expiry: u64::MAX,
        gas_limit: Gas::new(GAS),
        gas_price: 1,
        fee_payer: None,
        operations: vec![Operation::Transfer {
            to: address(1),
            value: 1,
        }],
    };
    let authorization = secret(account).sign(&body.id());
    let signed = SignedTransaction::new(body, authorization, None, &LedgerRules::latest());
    Ok(Transfer(signed.context("it has a shape")?.encode()))
}

fn hexed(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}
