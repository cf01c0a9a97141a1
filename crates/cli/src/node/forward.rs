//! Hands transactions to the consensus engine, by its RPC.

use std::{io::Read, time::Duration};

use fusee::rpc::RelayError;
use serde::Deserialize;
use serde_json::json;

/// How long the engine may take to check a transaction: less than a call may take, so that its
/// sender learns what happened.
const TIME: Duration = Duration::from_secs(5);

/// Most bytes of its answer.
const ANSWER: u64 = 1 << 20;

/// An answer of the engine.
#[derive(Deserialize)]
struct Answer {
    result: Option<Checked>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Checked {
    code: u32,
    log: String,
    #[serde(default)]
    codespace: String,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
    #[serde(default)]
    data: String,
}

/// What sends transactions to the RPC of an engine, and tells why one was not taken.
pub(super) fn to(url: &str) -> impl Fn(&[u8]) -> Result<(), RelayError> + Send + Sync + 'static {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIME))
        .http_status_as_error(false)
        .build();
    let agent = ureq::Agent::new_with_config(agent);
    let url = url.to_owned();
    move |transaction| send(&agent, &url, transaction)
}

fn send(agent: &ureq::Agent, url: &str, transaction: &[u8]) -> Result<(), RelayError> {
    let body = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "broadcast_tx_sync",
        "params": {"tx": base64(transaction)},
    });
    let sent = agent
        .post(url)
        .header("content-type", "application/json")
        .send(body.to_string());
    let response = sent.map_err(|error| match error {
        ureq::Error::Timeout(_) => RelayError::TimedOut {
            message: format!("{url} has not answered within {} s", TIME.as_secs()),
        },
        error => unreachable_at(url, &error),
    })?;
    let mut text = String::new();
    let mut reader = response.into_body().into_reader().take(ANSWER);
    reader
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::TimedOut => RelayError::TimedOut {
                message: format!("{url} has not answered within {} s", TIME.as_secs()),
            },
            _ => unreachable_at(url, &error),
        })?;
    let answer: Answer = serde_json::from_str(&text).map_err(|error| {
        let what = format!("its answer is not understood: {error}");
        unreachable_at(url, &what)
    })?;
    judge(answer, transaction.len())
}

fn unreachable_at(url: &str, error: &dyn std::fmt::Display) -> RelayError {
    RelayError::Unreachable {
        message: format!("it cannot be reached at {url}: {error}"),
    }
}

/// What an answer says of a transaction of so many bytes. The codespaces are those of the
/// application ([`fusee::abci`]), and the texts those of CometBFT v0.38, which has no numbers for
/// what it refuses itself.
fn judge(answer: Answer, bytes: usize) -> Result<(), RelayError> {
    if let Some(Refusal { message, data }) = answer.error {
        // It has the transaction already, so there is nothing to do.
        if data.contains("tx already exists in cache") {
            return Ok(());
        }
        let is_full = data.starts_with("mempool is full");
        let is_too_large = data.starts_with("Tx too large") || data.ends_with("body too large");
        let limit = data.split_once("Max size is ").and_then(|(_, rest)| {
            let (limit, _) = rest.split_once(',')?;
            limit.parse().ok()
        });
        return Err(match data.is_empty() {
            _ if is_full => RelayError::Full { message: data },
            _ if is_too_large => RelayError::TooLarge {
                bytes,
                limit,
                message: data,
            },
            true => refused(None, message),
            false => refused(None, format!("{message}: {data}")),
        });
    }
    match answer.result {
        Some(Checked { code: 0, .. }) => Ok(()),
        Some(Checked {
            code,
            log,
            codespace,
        }) => Err(match codespace.as_str() {
            "fusee" => refused(Some(code), log),
            "fusee-mempool" => RelayError::NonceTaken { message: log },
            _ => refused(None, format!("code {code}: {log}")),
        }),
        None => Err(refused(None, "its answer has no result".to_owned())),
    }
}

fn refused(code: Option<u32>, message: String) -> RelayError {
    RelayError::Refused { code, message }
}

fn base64(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}

#[cfg(test)]
mod tests;
