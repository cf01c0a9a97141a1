//! A snapshot: read access to one committed version of the store.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use fusee_state::{StateError, StateReader, Value};
use redb::{ReadOnlyTable, ReadableDatabase, ReadableTable};
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::directory::OpenFile;
use crate::error::At;
use crate::format::{self, Bytes, Head};

/// One committed version of the store, which later commits do not change.
///
/// Any number of snapshots can be read from any threads while commits continue. The file keeps the
/// data of a snapshot until the snapshot is dropped, so a long-lived snapshot makes the file grow.
pub struct Snapshot {
    state: ReadOnlyTable<Bytes, Bytes>,
    receipts: ReadOnlyTable<u64, Bytes>,
    head: Head,
    // Declared last, so that the tables are dropped first. Keeps the database open, which reads
    // need.
    file: Arc<OpenFile>,
}

/// A key and its value.
type Entry = (Vec<u8>, Vec<u8>);

impl Snapshot {
    pub(crate) fn new(file: Arc<OpenFile>) -> Result<Self, StoreError> {
        let path = &file.path;
        let transaction = file.database.begin_read().at(path)?;
        let meta = transaction.open_table(format::META).at(path)?;
        Ok(Self {
            state: transaction.open_table(format::STATE).at(path)?,
            receipts: transaction.open_table(format::RECEIPTS).at(path)?,
            head: Head::load(&meta, path)?,
            file,
        })
    }

    /// The number of committed transactions: the sequence number of the next transaction.
    pub fn sequence(&self) -> u64 {
        self.head.sequence
    }

    /// The history hash. Two stores with the same history hash were created by the same commits.
    ///
    /// It starts as zeros. Each commit replaces it by SHA-256 of itself, the
    /// [encoded](fusee_state::Diff::encode) diff and the receipt. It identifies the history of the
    /// state, whereas [`digest`](Snapshot::digest) identifies the state.
    pub fn history(&self) -> [u8; 32] {
        self.head.history
    }

    /// SHA-256 of the whole state: for each entry, in ascending order of keys, the length of the
    /// key as `u64`, little-endian, the key, the length of the value likewise, and the value.
    ///
    /// Costs a full scan of the state.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is damaged.
    pub fn digest(&self) -> Result<[u8; 32], StoreError> {
        let path = &self.file.path;
        let mut hasher = Sha256::new();
        for entry in self.state.iter().at(path)? {
            let (key, value) = entry.at(path)?;
            for part in [key.value(), value.value()] {
                let length = u64::try_from(part.len()).expect("no machine has longer slices");
                hasher.update(length.to_le_bytes());
                hasher.update(part);
            }
        }
        Ok(hasher.finalize().into())
    }

    /// The entries whose keys begin with `prefix`, in ascending order of keys.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is damaged, at the start or at any entry.
    pub fn scan(
        &self,
        prefix: &[u8],
    ) -> Result<impl Iterator<Item = Result<Entry, StoreError>> + use<'_>, StoreError> {
        let path = &self.file.path;
        let entries = self.state.range(prefix..).at(path)?;
        let entries = entries.map(|entry| {
            let (key, value) = entry.at(path)?;
            Ok((key.value().to_vec(), value.value().to_vec()))
        });
        let prefix = prefix.to_vec();
        // Errors pass through to the caller.
        Ok(entries.take_while(move |entry: &Result<Entry, _>| {
            entry
                .as_ref()
                .map_or(true, |(key, _)| key.starts_with(&prefix))
        }))
    }

    /// The receipt of the transaction with this sequence number, or `None` if no such transaction
    /// was committed.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is damaged.
    pub fn receipt(&self, sequence: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let receipt = self.receipts.get(sequence).at(&self.file.path)?;
        Ok(receipt.map(|receipt| receipt.value().to_vec()))
    }

    /// The receipts in a range of sequence numbers, with their numbers, in ascending order. Numbers
    /// of transactions that were not committed are skipped.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is damaged, at the start or at any receipt.
    pub fn receipts(
        &self,
        sequences: Range<u64>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<(u64, Vec<u8>), StoreError>>, StoreError>
    {
        let path = &self.file.path;
        let receipts = self.receipts.range(sequences).at(path)?;
        Ok(receipts.map(|entry| {
            let (sequence, receipt) = entry.at(path)?;
            Ok((sequence.value(), receipt.value().to_vec()))
        }))
    }
}

impl StateReader for Snapshot {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        let value = self.state.get(key).at(&self.file.path);
        let value = value.map_err(StateError::new)?;
        Ok(value.map(|value| Value::from(value.value())))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("path", &self.file.path)
            .field("sequence", &self.head.sequence)
            .finish_non_exhaustive()
    }
}
