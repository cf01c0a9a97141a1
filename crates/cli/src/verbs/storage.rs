//! `storage`: the entries of a contract's storage.

use fusee::chain::{Direction, KeyRange, StateReader, keys};
use fusee::keystore::Keystore;
use serde::Serialize;

use crate::{
    addresses,
    args::StorageArgs,
    chain::{Chain, State},
    failure::{Exit, Failure},
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
    #[serde(skip)]
    text: [String; 2],
}

pub(crate) fn run(args: &StorageArgs, output: &mut Output) -> Result<Exit, Failure> {
    let state = Chain::existing(&args.chain)?.state_at(args.height)?;
    let keystore = Keystore::new(args.keys.keys.clone());
    let address = addresses::resolve(&args.contract, &state, Some(&keystore))?;
    if addresses::account(&state, address)?.code.is_none() {
        return Err(addresses::no_contract(&args.contract, &state)?);
    }
    let first = keys::storage(address, &values::parse_key(&args.prefix)?);
    let after = args.after.as_deref().map(values::parse_key).transpose()?;
    let from = after.map(|key| following(keys::storage(address, &key)));
    let start = from.map_or(first.clone(), |from| from.max(first.clone()));
    let (entries, next) = entries(&state, (start, &first), args.limit)?;
    let answer = StorageJson {
        address: address.to_string(),
        shown: names::full(address),
        height: state.height(),
        state_root: hex::encode(state.root()),
        entries,
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

/// The entries from a key on whose keys have a prefix, and the last key if there are more.
fn entries(
    state: &State,
    (mut start, prefix): (Vec<u8>, &[u8]),
    limit: usize,
) -> Result<(Vec<EntryJson>, Option<String>), Failure> {
    let end = [keys::STORAGE.saturating_add(1)];
    let mut entries: Vec<EntryJson> = Vec::new();
    loop {
        let range = KeyRange::new(&start, &end);
        let found = state.seek(range, Direction::Ascending);
        let found = found.map_err(|error| Failure::new(Exit::Host, error))?;
        let Some((key, value)) = found.filter(|(key, _)| key.starts_with(prefix)) else {
            return Ok((entries, None));
        };
        if entries.len() >= limit {
            let last = entries.last().map(|entry| entry.key.clone());
            return Ok((entries, last));
        }
        let own = keys::parts(&key).map_or(key.as_slice(), |parts| parts.rest);
        let (digits, text) = (hexed(own), text_or_hex(own));
        entries.push(EntryJson {
            key_text: (text != digits).then(|| text.clone()),
            key: digits,
            value: hexed(&value),
            text: [text, hinted(&value)],
        });
        start = following(key);
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
