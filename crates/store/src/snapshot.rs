//! A snapshot: read access to one committed version of the store.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use fusee_proof::{Hash, Proof};
use fusee_state::{Direction, KeyRange, StateError, StateReader, Value};
use redb::{ReadOnlyTable, ReadableDatabase};

use crate::directory::OpenFile;
use crate::error::At;
use crate::format::{self, Bytes, Head};
use crate::{StoreError, Tree};

/// One committed version of the store, which later commits do not change.
///
/// Any number of snapshots can be read from any threads while commits continue. The file keeps the
/// data of a snapshot until the snapshot is dropped, so a long-lived snapshot makes the file grow.
pub struct Snapshot {
    state: ReadOnlyTable<Bytes, Bytes>,
    receipts: ReadOnlyTable<u64, Bytes>,
    head: Head,
    tree: Tree,
    // Declared last, so that the tables are dropped first. Keeps the database open, which reads
    // need.
    file: Arc<OpenFile>,
}

/// A key and its value.
type Entry = (Vec<u8>, Vec<u8>);

impl Snapshot {
    /// A snapshot of the latest commit, of which `tree` is asked for its tree by its root: not if
    /// it is long past.
    pub(crate) fn new(
        file: Arc<OpenFile>,
        tree: impl Fn(&Hash) -> Option<Tree>,
    ) -> Result<Self, StoreError> {
        let path = &file.path;
        loop {
            let transaction = file.database.begin_read().at(path)?;
            let meta = transaction.open_table(format::META).at(path)?;
            let head = Head::load(&meta, path)?;
            let Some(tree) = tree(&head.root) else {
                continue;
            };
            return Ok(Self {
                state: transaction.open_table(format::STATE).at(path)?,
                receipts: transaction.open_table(format::RECEIPTS).at(path)?,
                head,
                tree,
                file,
            });
        }
    }

    /// The number of committed transactions: the sequence number of the next transaction.
    pub fn sequence(&self) -> u64 {
        self.head.sequence
    }

    /// The history hash. Two stores with the same history hash were created by the same commits.
    ///
    /// It starts as zeros. Each commit replaces it by SHA-256 of itself, the
    /// [encoded](fusee_state::Diff::encode) diff and the receipt. It identifies the history of the
    /// state, whereas the [root](Snapshot::root) identifies the state.
    pub fn history(&self) -> [u8; 32] {
        self.head.history
    }

    /// The state root: it identifies the state, whatever its history, and [proofs](Self::prove) are
    /// verified against it.
    pub fn root(&self) -> Hash {
        self.head.root
    }

    /// Proves what the state has under a key, to [`fusee_proof::verify`].
    pub fn prove(&self, key: &[u8]) -> Proof {
        self.tree.prove(key)
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

    /// The first entry of a range in a direction.
    fn find(&self, range: KeyRange<'_>, direction: Direction) -> Result<Option<Entry>, StoreError> {
        let path = &self.file.path;
        let mut entries = self
            .state
            .range::<&[u8]>(range.start()..range.end())
            .at(path)?;
        let entry = match direction {
            Direction::Ascending => entries.next(),
            Direction::Descending => entries.next_back(),
        };
        let Some(entry) = entry else {
            return Ok(None);
        };
        let (key, value) = entry.at(path)?;
        Ok(Some((key.value().to_vec(), value.value().to_vec())))
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

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        let found = self.find(range, direction).map_err(StateError::new)?;
        Ok(found.map(|(key, value)| (key, Value::from(value))))
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
