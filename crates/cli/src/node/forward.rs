//! Hands transactions to the consensus engine, by its RPC.

use std::{io::Read, time::Duration};

use serde::Deserialize;
use serde_json::json;

/// How long the engine may take to check a transaction.
const TIME: Duration = Duration::from_secs(10);

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
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
    #[serde(default)]
    data: String,
}

/// What sends transactions to the RPC of an engine, and tells why one was not taken.
pub(super) fn to(url: &str) -> impl Fn(&[u8]) -> Result<(), String> + Send + Sync + 'static {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIME))
        .http_status_as_error(false)
        .build();
    let agent = ureq::Agent::new_with_config(agent);
    let url = url.to_owned();
    move |transaction| send(&agent, &url, transaction)
}

fn send(agent: &ureq::Agent, url: &str, transaction: &[u8]) -> Result<(), String> {
    let body = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "broadcast_tx_sync",
        "params": {"tx": base64(transaction)},
    });
    let unreachable =
        |error: &dyn std::fmt::Display| format!("it cannot be reached at {url}: {error}");
    let sent = agent
        .post(url)
        .header("content-type", "application/json")
        .send(body.to_string());
    let response = sent.map_err(|error| unreachable(&error))?;
    let mut text = String::new();
    let mut reader = response.into_body().into_reader().take(ANSWER);
    reader
        .read_to_string(&mut text)
        .map_err(|error| unreachable(&error))?;
    let answer: Answer = serde_json::from_str(&text)
        .map_err(|error| unreachable(&format!("its answer is not understood: {error}")))?;
    judge(answer)
}

fn judge(answer: Answer) -> Result<(), String> {
    if let Some(Refusal { message, data }) = answer.error {
        // It has the transaction already, so there is nothing to do.
        if data.contains("tx already exists in cache") {
            return Ok(());
        }
        return Err(format!("{message}: {data}"));
    }
    match answer.result {
        Some(Checked { code: 0, .. }) => Ok(()),
        Some(Checked { code, log }) => Err(format!("code {code}: {log}")),
        None => Err("its answer has no result".to_owned()),
    }
}

fn base64(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}

#[cfg(test)]
mod tests;
