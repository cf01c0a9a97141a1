//! Snapshots: the state at a height in chunks, each of which is verified by itself.
//!
//! A chunk has all entries whose paths begin with the same bits, and what stands beside the way
//! from the root of the tree to them. So a receiver that trusts the root of a block header needs to
//! trust nobody for the chunks, in any order, from anywhere: a chunk that lacks, adds or changes an
//! entry is refused. The chunks of a state are the same bytes on every node.
//! `docs/book/src/chain-store.md` has the format.

mod export;
mod import;
mod subtree;

use fusee_proof::{Hash, path, shared_bits, value_hash};
use thiserror::Error;

pub use import::Import;

use super::flat::MAX_KEY;
use super::{ChainStoreError, Head};
use subtree::Subtree;

/// The version of the encodings of manifest and chunk: their first byte.
const VERSION: u8 = 1;

/// A snapshot has up to 2^16 chunks.
const MAX_BITS: u8 = 16;

/// The name of the manifest's file.
pub const MANIFEST: &str = "manifest";

/// The name of the file of a chunk.
#[must_use]
pub fn chunk_name(number: u32) -> String {
    format!("{number:05}.chunk")
}

/// What a snapshot is of.
///
/// # Encoding
///
/// Version (1 byte: 1), identity (32), height (8, little-endian), root (32), bits (1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Manifest {
    /// The identity of the chain.
    pub identity: [u8; 32],
    /// The block after which the state is, and its root.
    pub head: Head,
    /// A chunk has the entries whose paths have the same first bits, as many as this (0 to 16).
    pub bits: u8,
}

/// A snapshot cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The manifest cannot be read.
    #[error("the manifest is not valid: {reason}; take it from another node")]
    Manifest {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The snapshot is of another chain, block or state than the trusted one.
    #[error("the snapshot is not that of the trusted block at height {height}: take another one")]
    Untrusted {
        /// The height of the trusted block.
        height: u64,
    },
    /// The folder has the import of another snapshot.
    #[error("another snapshot is being imported: finish that one, or remove its folder")]
    OtherImport,
    /// A chunk does not verify. Nothing of it was imported.
    #[error("chunk {number} is refused: {reason}; take it from another node")]
    Chunk {
        /// The number of the chunk.
        number: u32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The import lacks chunks.
    #[error("{count} chunks are missing, chunk {first} is the first")]
    Incomplete {
        /// How many are missing.
        count: usize,
        /// The lowest number that is missing.
        first: u32,
    },
    /// The store has failed.
    #[error(transparent)]
    Store(#[from] ChainStoreError),
}

impl Manifest {
    /// How many chunks there are, numbered from 0.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        1_u32.checked_shl(u32::from(self.bits)).unwrap_or(u32::MAX)
    }

    /// The bytes of the manifest.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.identity);
        bytes.extend(self.head.height.to_le_bytes());
        bytes.extend(self.head.root);
        bytes.push(self.bits);
        bytes
    }

    /// Reads the bytes that [`Self::encode`] wrote.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Manifest`] if they are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let wrong = |reason| SnapshotError::Manifest { reason };
        let mut rest = Rest(bytes);
        let read = rest.take().and_then(|version: [u8; 1]| {
            Some((
                version,
                rest.take()?,
                rest.take()?,
                rest.take()?,
                rest.take()?,
            ))
        });
        let Some(([version], identity, height, root, [bits])) = read else {
            return Err(wrong("it ends early"));
        };
        if version != VERSION {
            return Err(wrong("it has another version"));
        }
        if bits > MAX_BITS || !rest.0.is_empty() {
            return Err(wrong("it has too many chunks, or bytes follow it"));
        }
        let height = u64::from_le_bytes(height);
        Ok(Self {
            identity,
            head: Head { height, root },
            bits,
        })
    }
}

/// An entry of a chunk.
type Entry = (Vec<u8>, Vec<u8>);

/// The path of the first place of a chunk.
fn first_path(number: u32, bits: u8) -> Hash {
    let shifted = number
        .checked_shl(32_u32.saturating_sub(u32::from(bits)))
        .unwrap_or(0);
    let mut first = [0; 32];
    if let Some(head) = first.first_chunk_mut() {
        *head = shifted.to_be_bytes();
    }
    first
}

/// The number of the chunk that a path is in.
fn chunk_of(path: &Hash, bits: u8) -> u32 {
    let head = path
        .first_chunk()
        .map_or(0, |head| u32::from_be_bytes(*head));
    head.checked_shr(32_u32.saturating_sub(u32::from(bits)))
        .unwrap_or(0)
}

/// Writes the part of a chunk before its entries.
fn encode_header(number: u32, siblings: &[Subtree], entries: u32) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend(number.to_le_bytes());
    bytes.extend(u8::try_from(siblings.len()));
    for sibling in siblings {
        sibling.encode(&mut bytes);
    }
    bytes.extend(entries.to_le_bytes());
    bytes
}

fn encode_entry(key: &[u8], value: &[u8], bytes: &mut Vec<u8>) {
    for part in [key, value] {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        bytes.extend(length.to_le_bytes());
        bytes.extend(part);
    }
}

/// The entries of a chunk, if it is the one of that number of the state with this root.
fn verify(manifest: &Manifest, number: u32, bytes: &[u8]) -> Result<Vec<Entry>, SnapshotError> {
    let wrong = |reason| SnapshotError::Chunk { number, reason };
    let cut = || wrong("it ends early");
    let mut rest = Rest(bytes);
    let [version] = rest.take().ok_or_else(cut)?;
    let found = u32::from_le_bytes(rest.take().ok_or_else(cut)?);
    let [bits] = rest.take().ok_or_else(cut)?;
    if version != VERSION {
        return Err(wrong("it has another version"));
    }
    if found != number || bits != manifest.bits {
        return Err(wrong("it is another chunk"));
    }
    let mut siblings = Vec::new();
    for _ in 0..bits {
        siblings.push(Subtree::decode(&mut rest).ok_or_else(cut)?);
    }
    let count = u32::from_le_bytes(rest.take().ok_or_else(cut)?);
    let (mut entries, mut leaves) = (Vec::new(), Vec::<(Hash, Hash)>::new());
    for _ in 0..count {
        let key = rest.part().ok_or_else(cut)?;
        let value = rest.part().ok_or_else(cut)?;
        if key.len() > MAX_KEY {
            return Err(wrong("it has a key that is too long"));
        }
        let leaf = (path(key), value_hash(value));
        if leaves.last().is_some_and(|(last, _)| *last >= leaf.0) {
            return Err(wrong("its entries are out of order"));
        }
        if chunk_of(&leaf.0, bits) != number {
            return Err(wrong("it has an entry of another chunk"));
        }
        leaves.push(leaf);
        entries.push((key.to_vec(), value.to_vec()));
    }
    if !rest.0.is_empty() {
        return Err(wrong("bytes follow its entries"));
    }
    let mut subtree = Subtree::of(&leaves, usize::from(bits));
    let first = first_path(number, bits);
    for (depth, sibling) in siblings.into_iter().enumerate().rev() {
        if let Subtree::Leaf { path, .. } = &sibling
            && shared_bits(path, &first) != depth
        {
            return Err(wrong("it has an entry of another place beside it"));
        }
        subtree = match fusee_proof::bit(&first, depth) {
            true => sibling.join(subtree),
            false => subtree.join(sibling),
        };
    }
    match subtree.hash() == manifest.head.root {
        true => Ok(entries),
        false => Err(wrong("its entries lead to another root")),
    }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn part(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_le_bytes(self.take()?)).ok()?;
        self.0.split_off(..length)
    }
}
