//! The store: commits in, snapshots out.
//!
//! Invariant: state, receipts, sequence and history hash change together, in one durable write
//! of the database, or not at all.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use fusee_state::Diff;
use redb::{ReadableDatabase, WriteTransaction};
use sha2::{Digest, Sha256};

use crate::directory::{self, OpenFile};
use crate::error::At;
use crate::format::{self, Head};
use crate::{Snapshot, StoreError};

/// A store, open. It can be shared between threads.
///
/// While a store or a snapshot of it lives, nobody else can open it.
#[derive(Debug)]
pub struct Store {
    file: Arc<OpenFile>,
    /// Whether a commit has failed to be written. Held by the one that is being written.
    failed: Mutex<bool>,
}

/// One transaction to be committed.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The [sequence](Snapshot::sequence) of the snapshot that the transaction ran on, which
    /// becomes its sequence number. It has to be the latest, or the commit is
    /// [stale](StoreError::Stale): what it read may have changed.
    pub sequence: u64,
    /// What the transaction changes.
    pub diff: &'a Diff,
    /// What the transaction leaves; the store does not look into it.
    pub receipt: &'a [u8],
}

impl Store {
    /// Opens the store in `directory`, which is made if it is missing.
    ///
    /// A new store is made only in a new or empty directory. A new store has no state, no
    /// receipts and the sequence 0; the initial state is a commit like any other.
    ///
    /// Opening reads the whole file to verify it, which takes about two seconds a GiB.
    ///
    /// # Errors
    ///
    /// [`StoreError::Foreign`] if there is something else, which then is left alone;
    /// [`StoreError::Locked`] if somebody has the store open; [`StoreError::Format`] if it has
    /// another format; [`StoreError::Corrupt`] if it is damaged; [`StoreError::Full`] or
    /// [`StoreError::Io`] if the operating system fails.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::from_file(directory::open(directory)?)
    }

    fn from_file(file: OpenFile) -> Result<Self, StoreError> {
        let transaction = file.database.begin_read().at(&file.path)?;
        format::identify(&transaction, &file.path)?;
        Ok(Self {
            file: Arc::new(file),
            failed: Mutex::new(false),
        })
    }

    /// The state and the receipts as of the latest commit.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is damaged.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Snapshot::new(Arc::clone(&self.file))
    }

    /// Makes the changes of one transaction and appends its receipt, durably and all or nothing.
    /// Returns the transaction's sequence number, under which its receipt is found.
    ///
    /// Commits happen one at a time; this waits for the one before it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Stale`] if another transaction was committed since the snapshot was taken;
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Corrupt`] or
    /// [`StoreError::Database`] if writing fails. After one of these four the store takes no more
    /// commits ([`StoreError::Failed`]) until it is opened again; only its sequence then tells
    /// whether the commit happened.
    pub fn commit(&self, commit: Commit<'_>) -> Result<u64, StoreError> {
        let path = &self.file.path;
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if *failed {
            return Err(StoreError::Failed { path: path.clone() });
        }
        let committed = self.file.commit(commit);
        *failed = !matches!(committed, Ok(_) | Err(StoreError::Stale { .. }));
        committed
    }
}

impl OpenFile {
    fn commit(&self, commit: Commit<'_>) -> Result<u64, StoreError> {
        let mut transaction = self.database.begin_write().at(&self.path)?;
        // In one phase, what counts after a crash is whether checksums fit, and contracts choose
        // what is written: in two, a half-written commit never counts. And damage found later is
        // an error then, where the database would else go back to the commit before.
        transaction.set_two_phase_commit(true);
        // Not quick repair, which would let a crashed store open without reading all of it, at
        // the price of some 150 KiB more written a commit for each GiB of file: a store is read
        // and verified whenever it is opened.
        apply(&transaction, &self.path, commit)?;
        transaction.commit().at(&self.path)?;
        Ok(commit.sequence)
    }
}

fn apply(
    transaction: &WriteTransaction,
    path: &Path,
    commit: Commit<'_>,
) -> Result<(), StoreError> {
    let mut meta = transaction.open_table(format::META).at(path)?;
    let head = Head::load(&meta, path)?;
    if commit.sequence != head.sequence {
        return Err(StoreError::Stale {
            path: path.to_path_buf(),
            found: commit.sequence,
            expected: head.sequence,
        });
    }

    let mut state = transaction.open_table(format::STATE).at(path)?;
    for (key, value) in commit.diff.iter() {
        match value {
            Some(value) => state.insert(key, value).at(path)?,
            None => state.remove(key).at(path)?,
        };
    }
    let mut receipts = transaction.open_table(format::RECEIPTS).at(path)?;
    receipts.insert(head.sequence, commit.receipt).at(path)?;

    let sequence = head.sequence.checked_add(1);
    let next = Head {
        sequence: sequence
            .ok_or_else(|| StoreError::corrupt(path, "its sequence is at the end"))?,
        history: extend(head.history, commit),
    };
    next.save(&mut meta, path)
}

/// The history hash after `commit`. The diff's encoding says where it ends, so no two histories
/// are hashed alike.
fn extend(history: [u8; 32], commit: Commit<'_>) -> [u8; 32] {
    Sha256::new()
        .chain_update(history)
        .chain_update(commit.diff.encode())
        .chain_update(commit.receipt)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests;
