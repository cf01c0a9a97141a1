//! `storage`: the entries of a contract's storage.

use fusee::chain::{Direction, KeyRange, StateReader, keys};
use fusee::keystore::Keystore;
use serde::Serialize;

use super::transaction::INTERFACES;
use crate::{
    addresses,
    args::StorageArgs,
    chain::{Chain, State},
    decoded::{self, EntryValue},
    failure::{Exit, Failure},
    interfaces::{Interfaces, Reading},
    names,
    numbers::grouped,
    output::Output,
    receipt::{hexed, hinted, line, text_or_hex},
    table::table,
    values,
};

#[derive(Serialize)]
struct StorageJson {
    address: String,
    #[serde(skip)]
    shown: String,
    /// The height of the block after which it was read.
    height: u64,
    state_root: String,
    entries: Vec<EntryJson>,
    /// The `--after` of the next entries.
    next: Option<String>,
}

#[derive(Serialize)]
struct EntryJson {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_text: Option<String>,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<EntryValue>,
    #[serde(skip)]
    text: [String; 2],
}

pub(crate) fn run(args: &StorageArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::existing(&args.chain)?;
    let state = chain.state_at(args.height)?;
    let keystore = Keystore::new(args.keys.keys.clone());
    let address = addresses::resolve(&args.contract, &state, Some(&keystore))?;
    if addresses::account(&state, address)?.code.is_none() {
        return Err(addresses::no_contract(&args.contract, &state)?);
    }
    let first = keys::storage(address, &values::parse_key(&args.prefix)?);
    let after = args.after.as_deref().map(values::parse_key).transpose()?;
    let from = after.map(|key| following(keys::storage(address, &key)));
    let start = from.map_or(first.clone(), |from| from.max(first.clone()));
    let (found, next) = entries(&state, (start, &first), args.limit)?;
    let reading = match args.no_interface {
        true => Reading::Off,
        false => Reading::On,
    };
    let folder = chain.folder().map(|folder| folder.join(INTERFACES));
    let interface = Interfaces::new(reading, folder).of_contract(&state, address);
    let pairs = found
        .iter()
        .map(|(key, value)| (key.as_slice(), value.as_slice()));
    let decoded = decoded::entries(interface.as_deref(), pairs);
    let entries = found.iter().zip(decoded);
    let entries = entries.map(|((key, value), decoded)| EntryJson::new(key, value, decoded));
    let answer = StorageJson {
        address: address.to_string(),
        shown: names::full(address),
        height: state.height(),
        state_root: hex::encode(state.root()),
        entries: entries.collect(),
        next,
    };
    output.answer(&answer, || answer.text())?;
    Ok(Exit::Success)
}

/// The first key after a key.
fn following(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// An entry: a key of the contract's own, and its value.
type Entry = (Vec<u8>, Vec<u8>);

/// The entries from a key on whose keys have a prefix, and the last key if there are more.
fn entries(
    state: &State,
    (mut start, prefix): (Vec<u8>, &[u8]),
    limit: usize,
) -> Result<(Vec<Entry>, Option<String>), Failure> {
    let end = [keys::STORAGE.saturating_add(1)];
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let range = KeyRange::new(&start, &end);
        let found = state.seek(range, Direction::Ascending);
        let found = found.map_err(|error| Failure::new(Exit::Host, error))?;
        let Some((key, value)) = found.filter(|(key, _)| key.starts_with(prefix)) else {
            return Ok((entries, None));
        };
        if entries.len() >= limit {
            let last = entries.last().map(|(key, _)| hexed(key));
            return Ok((entries, last));
        }
        let own = keys::parts(&key).map_or(key.as_slice(), |parts| parts.rest);
        entries.push((own.to_vec(), value.to_vec()));
        start = following(key);
    }
}

impl EntryJson {
    fn new(key: &[u8], value: &[u8], decoded: Option<EntryValue>) -> Self {
        let (digits, text) = (hexed(key), text_or_hex(key));
        let raw = || [text.clone(), hinted(value)];
        Self {
            text: decoded.as_ref().map_or_else(raw, EntryValue::text),
            key_text: (text != digits).then_some(text),
            key: digits,
            value: hexed(value),
            decoded,
        }
    }
}

impl StorageJson {
    fn text(&self) -> String {
        let mut text = table(
            0,
            &[
                line("contract", &self.shown),
                line("height", grouped(self.height)),
                line("state root", &self.state_root),
            ],
        );
        text.push('\n');
        match self.entries.as_slice() {
            [] => text.push_str("no entries\n"),
            entries => {
                let mut rows = vec![["key", "value"].map(str::to_owned)];
                rows.extend(entries.iter().map(|entry| entry.text.clone()));
                text.push_str(&table(0, &rows));
            }
        }
        if let Some(next) = &self.next {
            text.push_str(&format!("\nmore: --after {next}\n"));
        }
        text
    }
}
