//! `prove` and `verify proof`: what the state has under a key, for people who trust no more than
//! its root.

use std::fs;

use fusee::chain::{
    Address, StateReader,
    keys::{self, KeyParts},
};
use fusee::{keystore::Keystore, proof};
use serde::{Deserialize, Serialize};

use crate::{
    addresses,
    args::{ProveArgs, VerifyProofArgs},
    chain::{Chain, State},
    failure::{Exit, Failure},
    names,
    output::Output,
    receipt::{self, line},
    table::table,
    values,
};

/// The largest file of proofs that is read, in bytes.
const FILE_BYTES: u64 = 64 << 20;

#[derive(Deserialize, Serialize)]
struct Proofs {
    state_root: String,
    entries: Vec<Entry>,
}

/// What the state has under a key, and the proof.
#[derive(Deserialize, Serialize)]
struct Entry {
    /// What the key is, for people.
    name: String,
    key: String,
    /// Absent if the key is.
    value: Option<String>,
    proof: String,
}

#[derive(Serialize)]
struct Verified<'a> {
    state_root: &'a str,
    verified: &'a [Entry],
}

pub(crate) fn prove(args: &ProveArgs, output: &mut Output) -> Result<Exit, Failure> {
    let state = Chain::existing(&args.chain)?.state_at(args.height)?;
    let keystore = Keystore::new(args.keys.keys.clone());
    let address = addresses::resolve(&args.address, &state, Some(&keystore))?;
    let keys = match args.storage.as_slice() {
        [] => account(address),
        storage => storage
            .iter()
            .map(|text| Ok(keys::storage(address, &values::parse_key(text)?)))
            .collect::<Result<_, Failure>>()?,
    };
    let entries = keys.iter().map(|key| Entry::of(&state, key));
    let proofs = Proofs {
        state_root: hex::encode(state.root()),
        entries: entries.collect::<Result<_, _>>()?,
    };
    output.answer(&proofs, || proofs.text())?;
    Ok(Exit::Success)
}

/// The keys that every account may have.
fn account(address: Address) -> Vec<Vec<u8>> {
    [
        keys::balance(address),
        keys::nonce(address),
        keys::code_hash(address),
    ]
    .into()
}

/// What a key is of.
fn named(key: &[u8]) -> String {
    let Some(KeyParts { tag, owner, rest }) = keys::parts(key) else {
        return format!("key {}", receipt::hexed(key));
    };
    let what = match tag {
        keys::BALANCE => "balance",
        keys::NONCE => "nonce",
        keys::CODE_HASH => "code hash",
        keys::ADMIN => "admin",
        keys::STORED_BYTES => "stored bytes",
        keys::STORAGE => {
            let of = names::short(Address::new(owner));
            return format!("storage {} of {of}", receipt::text_or_hex(rest));
        }
        _ => return format!("key {}", receipt::hexed(key)),
    };
    format!("{what} of {}", names::short(Address::new(owner)))
}

pub(crate) fn verify(args: &VerifyProofArgs, output: &mut Output) -> Result<Exit, Failure> {
    let unreadable = |error: anyhow::Error| {
        let message = format!("`{}` has no proofs", args.file.display());
        Failure::new(Exit::Usage, error.context(message))
            .next("write some with `fusee prove ADDRESS --json > FILE`")
    };
    let size = fs::metadata(&args.file).map_err(|error| unreadable(error.into()))?;
    if size.len() > FILE_BYTES {
        return Err(unreadable(anyhow::anyhow!("it has more than 64 MiB")));
    }
    let text = fs::read(&args.file).map_err(|error| unreadable(error.into()))?;
    let mut proofs: Proofs =
        serde_json::from_slice(&text).map_err(|error| unreadable(error.into()))?;
    let root = args.root.strip_prefix("0x").unwrap_or(&args.root);
    let mut trusted = [0; 32];
    hex::decode_to_slice(root, &mut trusted).map_err(|error| {
        let message = format!("`{}` is no state root", args.root);
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(message))
            .next("take the state root from a source that you trust; it has 64 digits")
    })?;
    if proofs.entries.is_empty() {
        return Err(unreadable(anyhow::anyhow!("it has no entry")));
    }
    for entry in &mut proofs.entries {
        entry.verify(&trusted)?;
        // What the file calls it is as untrusted as the rest of it.
        entry.name = named(&hex::decode(&entry.key).unwrap_or_default());
    }
    root.clone_into(&mut proofs.state_root);
    let verified = Verified {
        state_root: root,
        verified: &proofs.entries,
    };
    output.answer(&verified, || {
        format!("{}\nall proofs hold for this state root\n", proofs.text())
    })?;
    Ok(Exit::Success)
}

impl Entry {
    fn of(state: &State, key: &[u8]) -> Result<Self, Failure> {
        let value = state.read(key);
        let value = value.map_err(|error| Failure::new(Exit::Host, error))?;
        Ok(Self {
            name: named(key),
            key: hex::encode(key),
            value: value.map(hex::encode),
            proof: hex::encode(state.prove(key)?),
        })
    }

    fn verify(&self, root: &proof::Hash) -> Result<(), Failure> {
        let refused = |error: anyhow::Error| {
            let message = format!("the proof of `{}` does not hold", self.name);
            Failure::new(Exit::Unsuccessful, error.context(message)).next(
                "ask for the proofs again, and for the state root of the same moment from a source \
                 that you trust",
            )
        };
        let decode = |text: &str| hex::decode(text).map_err(|error| refused(error.into()));
        let (key, proof) = (decode(&self.key)?, decode(&self.proof)?);
        let value = self.value.as_deref().map(decode).transpose()?;
        proof::verify(root, &key, value.as_deref(), &proof).map_err(|error| refused(error.into()))
    }
}

impl Proofs {
    fn text(&self) -> String {
        let mut text = table(0, &[line("state root", self.state_root.clone())]);
        let mut rows = vec![["key", "value", "proof"].map(str::to_owned)];
        rows.extend(self.entries.iter().map(|entry| {
            let value = entry.value.as_ref().map(|value| format!("0x{value}"));
            [
                entry.name.clone(),
                value.unwrap_or_else(|| "absent".to_owned()),
                format!("{} bytes", entry.proof.len() / 2),
            ]
        }));
        text.push('\n');
        text.push_str(&table(0, &rows));
        text
    }
}
