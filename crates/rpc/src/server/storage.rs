//! Entries of contracts' storages, with proofs.

use std::sync::Arc;

use fusee_contract::{
    Address,
    keys::{self, KeyParts},
};
use fusee_engine::Interrupt;
use fusee_state::{Direction, KeyRange, StateReader};
use fusee_store::chain::Version;

use super::{
    context::Context,
    convert::{bytes, text_or_hex},
    failures::{self, invalid_params},
};
use crate::{
    error::{ErrorKind, RpcError},
    methods::GetStorage,
    types::{Bytes, Proof, Storage, StorageEntry},
};

/// The most entries of a page.
pub(super) const MAX_PAGE: u32 = 1_000;

/// A page ends with the entry that makes its values as large as this, in bytes. One value may be
/// larger.
pub(super) const PAGE_BYTES: usize = 1 << 20;

/// How many bytes of values an answer can still have. Each is two digits of it.
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
    limit: usize,
}

impl Room {
    /// That of an empty answer.
    pub(super) fn new(context: &Context) -> Self {
        let bytes = context.options.limits.response_bytes.div_euclid(2);
        let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
        let left = limit;
        Self { left, limit }
    }

    /// Takes the room of some bytes.
    ///
    /// # Errors
    ///
    /// If it is not left.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), RpcError> {
        let limit = self.limit;
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            RpcError::new(
                ErrorKind::LimitExceeded,
                format!("the values have more than {limit} bytes together"),
                "ask for less at once, or without proofs",
            )
            .with("limit", limit)
        })?;
        Ok(())
    }
}

pub(super) async fn storage(
    context: Arc<Context>,
    params: GetStorage,
) -> Result<Storage, RpcError> {
    let is_prefix = !params.prefix.0.is_empty() || params.after.is_some() || params.limit.is_some();
    if params.keys.is_some() && is_prefix {
        let message = "give `keys`, or else `prefix`, `after` and `limit`";
        return Err(invalid_params(message));
    }
    let work = move |context: &Context, interrupt: &Interrupt| {
        let state = context.node.version(params.height)?;
        let address = Address::from(params.address);
        let mut room = Room::new(context);
        let (entries, cursor) = match &params.keys {
            Some(keys) => (named(&state, address, keys, (&mut room, interrupt))?, None),
            None => page(&state, address, &params, interrupt)?,
        };
        let read: Vec<_> = entries
            .iter()
            .map(|entry| keys::storage(address, &entry.key.0))
            .collect();
        Ok(Storage {
            position: context.position(&state)?,
            proofs: match params.proof {
                true => Some(proofs(&state, &read, (&mut room, interrupt))?),
                false => None,
            },
            entries,
            cursor,
        })
    };
    context.work(work).await
}

/// The entries of some keys.
fn named(
    state: &Version,
    address: Address,
    keys: &[Bytes],
    (room, interrupt): (&mut Room, &Interrupt),
) -> Result<Vec<StorageEntry>, RpcError> {
    check_count(keys)?;
    let entry = |key: &Bytes| {
        check(interrupt)?;
        let value = state.read(&keys::storage(address, &key.0))?;
        room.take(value.as_deref().map_or(0, <[u8]>::len))?;
        Ok(StorageEntry {
            key: key.clone(),
            value: value.map(|value| bytes(&value)),
        })
    };
    keys.iter().map(entry).collect()
}

/// Checks that not too many keys are asked for.
pub(super) fn check_count(keys: &[Bytes]) -> Result<(), RpcError> {
    let next = "ask for fewer keys at once";
    check_limit(keys.len(), "were asked for", next)
}

/// Checks that a query did not read too many keys to prove them.
pub(super) fn check_proofs(keys: usize) -> Result<(), RpcError> {
    check_limit(keys, "were read", "ask without proofs")
}

fn check_limit(keys: usize, what: &str, next: &str) -> Result<(), RpcError> {
    let limit = usize::try_from(MAX_PAGE).unwrap_or(usize::MAX);
    if keys > limit {
        return Err(RpcError::new(
            ErrorKind::LimitExceeded,
            format!("{keys} keys {what}, at most {MAX_PAGE} are admitted"),
            next,
        )
        .with("limit", MAX_PAGE));
    }
    Ok(())
}

/// The entries of a prefix, and the cursor for the next ones.
fn page(
    state: &Version,
    address: Address,
    params: &GetStorage,
    interrupt: &Interrupt,
) -> Result<(Vec<StorageEntry>, Option<Bytes>), RpcError> {
    let limit = params.limit.unwrap_or(100).clamp(1, MAX_PAGE);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let prefix = keys::storage(address, &params.prefix.0);
    let end = after_prefix(&prefix).unwrap_or_else(|| keys::storage_end(address));
    let mut start = prefix;
    if let Some(after) = &params.after {
        start = start.max(after_key(keys::storage(address, &after.0)));
    }
    let (mut entries, mut size) = (Vec::new(), 0_usize);
    while entries.len() < limit && size < PAGE_BYTES {
        check(interrupt)?;
        let range = KeyRange::new(&start, &end);
        let Some((key, value)) = state.seek(range, Direction::Ascending)? else {
            return Ok((entries, None));
        };
        let rest = keys::parts(&key).map_or(&[][..], |parts| parts.rest);
        size = size.saturating_add(value.len());
        entries.push(StorageEntry {
            key: bytes(rest),
            value: Some(bytes(&value)),
        });
        start = after_key(key);
    }
    let range = KeyRange::new(&start, &end);
    let is_more = state.seek(range, Direction::Ascending)?.is_some();
    let last = entries.last().filter(|_| is_more);
    let cursor = last.map(|entry| entry.key.clone());
    Ok((entries, cursor))
}

/// The first key after a key.
pub(super) fn after_key(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// The first key after all that begin with a prefix. `None` if there is none.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

pub(super) fn check(interrupt: &Interrupt) -> Result<(), RpcError> {
    match interrupt.is_triggered() {
        true => Err(failures::timeout()),
        false => Ok(()),
    }
}

/// What a state has under keys, with proofs.
pub(super) fn proofs(
    state: &Version,
    keys: &[Vec<u8>],
    (room, interrupt): (&mut Room, &Interrupt),
) -> Result<Vec<Proof>, RpcError> {
    let proof = |key: &Vec<u8>| {
        check(interrupt)?;
        let value = state.read(key)?;
        let proof = state.prove(key).encode();
        room.take(value.as_deref().map_or(0, <[u8]>::len))?;
        room.take(proof.len())?;
        Ok(Proof {
            name: named_key(key),
            key: hex::encode(key),
            value: value.map(hex::encode),
            proof: hex::encode(proof),
        })
    };
    keys.iter().map(proof).collect()
}

/// What a key is of.
pub(super) fn named_key(key: &[u8]) -> String {
    let Some(KeyParts { tag, owner, rest }) = keys::parts(key) else {
        return format!("key {}", Bytes(key.to_vec()));
    };
    let what = match tag {
        keys::BALANCE => "balance",
        keys::NONCE => "nonce",
        keys::CODE_HASH => "code hash",
        keys::CODE => "code",
        keys::CODE_USE => "use of code",
        keys::ADMIN => "admin",
        keys::STORED_BYTES => "stored bytes",
        keys::STORAGE => {
            return format!("storage {} of {}", text_or_hex(rest), hex::encode(owner));
        }
        fusee_ledger::keys::QUOTA_USE => "used quota",
        fusee_ledger::keys::QUOTA => "quota",
        _ => return format!("key {}", Bytes(key.to_vec())),
    };
    format!("{what} of {}", hex::encode(owner))
}
