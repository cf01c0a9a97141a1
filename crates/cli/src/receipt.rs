//! Receipts as complete JSON, and as text with hints about the meaning of bytes.

use fusee::chain::{Address, Event, LogLine, Receipt, Status};
use fusee::ledger::Invalid;
use fusee::rpc::types;
use serde::Serialize;

use crate::{failure::Exit, names, numbers::grouped};

/// Maximum number of bytes that text shows of one value.
const SHOWN_BYTES: usize = 32;

/// A receipt as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ReceiptJson {
    status: &'static str,
    gas_used: u64,
    gas_limit: u64,
    output: String,
    events: Vec<types::Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trap: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejection: Option<&'static str>,
}

/// A line of the debug log as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct LogJson {
    address: String,
    text: String,
}

/// A line of text: label and value.
pub(crate) type Line = [String; 2];

impl ReceiptJson {
    pub(crate) fn new(receipt: &Receipt) -> Self {
        let reverted = receipt.status == Status::Reverted;
        Self {
            status: receipt.status.name(),
            gas_used: receipt.gas_used.units(),
            gas_limit: receipt.gas_limit.units(),
            output: hexed(&receipt.output),
            events: receipt.events.iter().map(event_json).collect(),
            revert: reverted.then(|| text_or_hex(&receipt.output)),
            trap: match receipt.status {
                Status::Trapped(trap) => Some(trap.name()),
                _ => None,
            },
            rejection: match receipt.status {
                Status::Rejected(rejection) => Some(rejection.name()),
                _ => None,
            },
        }
    }
}

impl LogJson {
    pub(crate) fn new(line: &LogLine) -> Self {
        Self {
            address: line.contract.to_string(),
            text: String::from_utf8_lossy(&line.text).into_owned(),
        }
    }
}

/// An event as nodes tell it.
pub(crate) fn event_json(event: &Event) -> types::Event {
    let name = event.topics.first().map(Vec::as_slice).unwrap_or_default();
    let topics = event.topics.iter().map(|topic| types::Bytes(topic.clone()));
    types::Event {
        address: event.address.into(),
        topic: types::Bytes(name.to_vec()),
        topic_text: printable(name).map(str::to_owned),
        topics: (event.topics.len() != 1).then(|| topics.collect()),
        data: types::Bytes(event.data.clone()),
    }
}

/// An event that a node told.
pub(crate) fn event_of(event: &types::Event) -> Event {
    let topics = match &event.topics {
        Some(topics) => topics.as_slice(),
        None => std::slice::from_ref(&event.topic),
    };
    Event {
        address: event.address.into(),
        topics: topics.iter().map(|topic| topic.0.clone()).collect(),
        data: event.data.0.clone(),
    }
}

/// The exit code of a transaction with this receipt.
pub(crate) fn exit(receipt: &Receipt) -> Exit {
    match receipt.status {
        Status::Success => Exit::Success,
        _ => Exit::Unsuccessful,
    }
}

/// The lines of a receipt.
pub(crate) fn lines(receipt: &Receipt) -> Vec<Line> {
    let gas = format!(
        "{} of {}",
        grouped(receipt.gas_used),
        grouped(receipt.gas_limit)
    );
    let mut lines = vec![
        line("status", status_of(receipt.status, &receipt.output)),
        line("gas used", gas),
    ];
    if receipt.status != Status::Reverted && !receipt.output.is_empty() {
        lines.push(line("output", hinted(&receipt.output)));
    }
    lines.extend(
        receipt
            .events
            .iter()
            .map(|shown| line("event", event(shown))),
    );
    if receipt.status == Status::OutOfGas {
        lines.push(line("next", "raise the limit with --gas"));
    }
    lines
}

/// A line of the debug log: contract and text, of which control characters are escaped.
pub(crate) fn log_line(logged: &LogLine) -> Line {
    let mut text = format!("{} ", names::short(logged.contract));
    for character in String::from_utf8_lossy(&logged.text).chars() {
        match character.is_control() {
            true => text.extend(character.escape_default()),
            false => text.push(character),
        }
    }
    line("log", text)
}

pub(crate) fn line(about: &str, text: impl Into<String>) -> Line {
    [about.to_owned(), text.into()]
}

/// A status and its reason, of a receipt or a call with this output.
pub(crate) fn status_of(status: Status, output: &[u8]) -> String {
    let name = status.name();
    match reason_of(status, output) {
        Some(reason) => format!("{name}: {reason}"),
        None => name.to_owned(),
    }
}

/// An invalid transaction, by the number of the reason in its result.
pub(crate) fn invalid(code: u32) -> String {
    let name = Invalid::name_of(code).unwrap_or("for a reason of a later version");
    format!("invalid: {name} (reason {code})")
}

/// The reason of the status; for a revert, the message of the contract.
pub(crate) fn reason(receipt: &Receipt) -> Option<String> {
    reason_of(receipt.status, &receipt.output)
}

/// The reason of a status; for a revert, the output, which is the message of the contract.
pub(crate) fn reason_of(status: Status, output: &[u8]) -> Option<String> {
    match status {
        Status::Success | Status::OutOfGas => None,
        Status::Reverted if output.is_empty() => Some("no message".to_owned()),
        Status::Reverted => Some(text_or_hex(output)),
        Status::Trapped(trap) => Some(trap.to_string()),
        Status::Rejected(rejection) => Some(rejection.to_string()),
    }
}

/// An event: contract, topics and data.
pub(crate) fn event(event: &Event) -> String {
    let mut parts = vec![names::short(event.address)];
    parts.extend(event.topics.iter().map(|topic| text_or_hex(topic)));
    parts.push(hinted(&event.data));
    parts.join(" ")
}

pub(crate) fn hexed(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Bytes in hexadecimal, with a hint.
pub(crate) fn hinted(bytes: &[u8]) -> String {
    let shown = match bytes.get(..SHOWN_BYTES) {
        Some(start) if bytes.len() > SHOWN_BYTES => {
            format!("{}.. ({} bytes)", hexed(start), bytes.len())
        }
        _ => hexed(bytes),
    };
    match hint(bytes) {
        Some(hint) => format!("{shown}  ({hint})"),
        None => shown,
    }
}

/// A possible meaning of bytes: text, an integer, or known accounts followed by an integer.
pub(crate) fn hint(bytes: &[u8]) -> Option<String> {
    if let Some(text) = printable(bytes)
        .or_else(|| printable(bytes.get(4..).filter(|rest| is_counted(bytes, rest))?))
    {
        return Some(format!("\"{text}\""));
    }
    let mut words = Vec::new();
    let mut rest = bytes;
    while let Some((start, after)) = rest.split_first_chunk::<32>() {
        words.push(names::known(Address::new(*start))?.to_owned());
        rest = after;
    }
    if let Ok(number) = <[u8; 8]>::try_from(rest) {
        words.push(grouped(u64::from_le_bytes(number)));
    } else if let Ok(number) = <[u8; 4]>::try_from(rest) {
        words.push(grouped(u32::from_le_bytes(number)));
    } else if let Ok(number) = <[u8; 16]>::try_from(rest) {
        words.push(grouped(u128::from_le_bytes(number)));
    } else if !rest.is_empty() {
        return None;
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// Whether the bytes are the borsh encoding of `rest` as a string.
fn is_counted(bytes: &[u8], rest: &[u8]) -> bool {
    let count = bytes
        .first_chunk::<4>()
        .map(|count| u32::from_le_bytes(*count));
    count.is_some_and(|count| usize::try_from(count) == Ok(rest.len()))
}

pub(crate) fn text_or_hex(bytes: &[u8]) -> String {
    printable(bytes).map_or_else(|| hexed(bytes), str::to_owned)
}

/// The bytes as text, if they are UTF-8 without control characters.
fn printable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests;
