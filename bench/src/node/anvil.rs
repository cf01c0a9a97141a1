//! The peer: Anvil, with its chain in memory.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use k256::ecdsa::SigningKey;
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};

use super::{
    Blocks, Request, Side, Transfer,
    client::{Server, free_port},
};

/// The chain that Anvil makes by default.
const CHAIN: u64 = 31_337;

/// What a transfer uses.
const GAS: u64 = 21_000;

/// Above what its first blocks ask for.
const GAS_PRICE: u64 = 2_000_000_000;

/// The command of Anvil, and the secret keys of its accounts.
pub(super) struct Anvil {
    command: String,
    keys: Vec<SigningKey>,
}

impl Anvil {
    /// The program at a path, or of this name.
    pub(super) fn find(command: &str) -> Result<Self> {
        let command = command.to_owned();
        // The keys follow from a phrase that everybody knows.
        let port = free_port()?.to_string();
        let mut child = Command::new(&command)
            .args(["--accounts", "100", "--port", &port])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .with_context(|| {
                format!("there is no `{command}`: install @foundry-rs/anvil, and give --anvil")
            })?;
        let output = child.stdout.take().context("the output is a pipe")?;
        let mut keys = Vec::new();
        for line in std::io::BufRead::lines(std::io::BufReader::new(output)) {
            let line = line?;
            if let Some((_, key)) = line.split_once(") 0x").filter(|(_, key)| key.len() == 64) {
                keys.push(SigningKey::from_slice(&bytes(key)?)?);
            }
            if keys.len() == 100 {
                break;
            }
        }
        child.kill()?;
        child.wait()?;
        ensure!(keys.len() == 100, "`{command}` told {} keys", keys.len());
        Ok(Self { command, keys })
    }

    fn address(&self, account: usize) -> [u8; 20] {
        let mut address = [0; 20];
        if let Some(key) = self.keys.get(account) {
            let point = key.verifying_key().to_sec1_point(false);
            let hash = Keccak256::digest(point.as_bytes().get(1..).unwrap_or_default());
            address.copy_from_slice(hash.get(12..).unwrap_or_default());
        }
        address
    }
}

impl Side for Anvil {
    fn start(&self, blocks: Blocks, accounts: usize) -> Result<Server> {
        let port = free_port()?;
        let mut command = Command::new(&self.command);
        command.args(["--port", &port.to_string(), "--silent"]);
        command.args(["--accounts", &accounts.to_string()]);
        command.args(["--gas-limit", "1000000000"]);
        if blocks == Blocks::EverySecond {
            command.args(["--block-time", "1"]);
        }
        let place = (port, tempfile::tempdir()?);
        Server::start(&mut [command], place, ("eth_blockNumber", json!([])))
    }

    fn transfers(&self, _: &Server, count: usize, first: u64) -> Result<Vec<Vec<Transfer>>> {
        let until = first + u64::try_from(count)?;
        let to = self.address(1);
        let keys = self.keys.iter();
        let all = keys.map(|key| (first..until).map(|nonce| sign(key, nonce, &to)).collect());
        all.collect()
    }

    fn send_and_wait(&self, Transfer(bytes): &Transfer) -> Request {
        ("eth_sendRawTransactionSync", json!([hexed(bytes)]))
    }

    fn send(&self, Transfer(bytes): &Transfer) -> Request {
        ("eth_sendRawTransaction", json!([hexed(bytes)]))
    }

    fn balance(&self, _: &Server, account: usize) -> Request {
        let address = hexed(&self.address(account));
        ("eth_getBalance", json!([address, "latest"]))
    }

    fn nonce(&self, _: &Server, account: usize) -> Request {
        let address = hexed(&self.address(account));
        ("eth_getTransactionCount", json!([address, "latest"]))
    }

    fn read_nonce(&self, answer: &Value) -> Result<u64> {
        let digits = answer.as_str().context("a nonce is text")?;
        Ok(u64::from_str_radix(digits.trim_start_matches("0x"), 16)?)
    }

    fn height(&self) -> Request {
        ("eth_blockNumber", json!([]))
    }

    fn read_height<'a>(&self, answer: &'a Value) -> &'a Value {
        answer
    }
}

/// A transfer of 1 wei in the form of EIP-155, signed.
fn sign(key: &SigningKey, nonce: u64, to: &[u8; 20]) -> Result<Transfer> {
    let body = [
        item(&number(nonce)),
        item(&number(GAS_PRICE)),
        item(&number(GAS)),
        item(to),
        item(&number(1)),
        item(&[]),
    ]
    .concat();
    let unsigned = [body.clone(), item(&number(CHAIN)), item(&[]), item(&[])].concat();
    let hash = Keccak256::digest(list(&unsigned));
    let (signature, recovery) = key.sign_prehash_recoverable(&hash);
    let v = CHAIN * 2 + 35 + u64::from(recovery.to_byte());
    let (r, s) = signature.split_bytes();
    let signed = [body, item(&number(v)), item(trimmed(&r)), item(trimmed(&s))].concat();
    Ok(Transfer(list(&signed)))
}

/// A number without leading zeros.
fn number(number: u64) -> Vec<u8> {
    trimmed(&number.to_be_bytes()).to_vec()
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Bytes in RLP. None here is longer than 55.
fn item(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [byte] if *byte < 0x80 => vec![*byte],
        _ => [&header(0x80, bytes.len())[..], bytes].concat(),
    }
}

fn list(items: &[u8]) -> Vec<u8> {
    [&header(0xc0, items.len())[..], items].concat()
}

/// The header of a string or a list in RLP, of fewer than 256 bytes.
fn header(offset: u8, length: usize) -> Vec<u8> {
    let length = u8::try_from(length).unwrap_or(u8::MAX);
    match length {
        ..56 => vec![offset + length],
        _ => vec![offset + 56, length],
    }
}

fn hexed(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    format!("0x{}", digits.collect::<String>())
}

fn bytes(digits: &str) -> Result<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2);
    let byte = |at| {
        Ok(u8::from_str_radix(
            digits.get(at..at + 2).context("odd")?,
            16,
        )?)
    };
    pairs.map(byte).collect()
}
