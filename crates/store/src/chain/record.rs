//! The record of a block in the log: its state root, its changes, and its body.
//!
//! The changes lead from the state of the block before to that of the block. The body is everything
//! else that a block has, and is not interpreted. `docs/book/src/chain-store.md` has the table.

use fusee_proof::Hash;
use fusee_state::Diff;

use super::ChainStoreError;
use crate::log::{LogError, Record};

/// The version of the encoding: its first byte.
const VERSION: u8 = 1;

/// The length in bytes of what is before the changes.
const HEADER: usize = 1 + 32 + 4;

/// Maximum length of a record's payload in bytes, that of the log.
const LIMIT: usize = 1 << 30;

/// A stored block.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Block {
    /// The height.
    pub height: u64,
    /// The root of the state after the block.
    pub root: Hash,
    /// The changes of the state, from that of the block before.
    pub changes: Diff,
    /// Everything else, as the caller gave it.
    pub body: Vec<u8>,
}

/// The payload of a block's record.
pub(super) fn encode(root: &Hash, changes: &Diff, body: &[u8]) -> Result<Vec<u8>, LogError> {
    // An entry has up to 9 bytes around its key and value.
    let entries = changes.iter().map(|(key, value)| {
        let value = value.map_or(0, <[u8]>::len);
        key.len().saturating_add(value).saturating_add(9)
    });
    let length = entries.fold(body.len(), usize::saturating_add);
    if length.saturating_add(HEADER) > LIMIT {
        return Err(LogError::TooLarge {
            found: u64::try_from(length).unwrap_or(u64::MAX),
            limit: u64::try_from(LIMIT).unwrap_or(u64::MAX),
        });
    }
    let changes = changes.encode();
    let changes_length = u32::try_from(changes.len()).unwrap_or(u32::MAX);
    let mut payload = Vec::with_capacity(length.saturating_add(HEADER).saturating_add(5));
    payload.push(VERSION);
    payload.extend_from_slice(root);
    payload.extend_from_slice(&changes_length.to_le_bytes());
    payload.extend_from_slice(&changes);
    payload.extend_from_slice(body);
    Ok(payload)
}

/// The block of a record.
pub(super) fn decode(record: &Record) -> Result<Block, ChainStoreError> {
    let height = record.height;
    let wrong = |reason: String| ChainStoreError::Record { height, reason };
    let cut = || wrong("it ends early".into());
    let mut bytes = record.payload.as_slice();
    match bytes.split_off_first() {
        Some(&VERSION) => {}
        Some(found) => {
            let reason = format!("it has version {found}, this program reads version {VERSION}");
            return Err(wrong(reason));
        }
        None => return Err(cut()),
    }
    let (root, bytes) = bytes.split_first_chunk::<32>().ok_or_else(cut)?;
    let (length, bytes) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut())?;
    let (changes, body) = bytes.split_at_checked(length).ok_or_else(cut)?;
    Ok(Block {
        height,
        root: *root,
        changes: Diff::decode(changes).map_err(|error| wrong(error.to_string()))?,
        body: body.to_vec(),
    })
}

#[cfg(test)]
mod tests;
