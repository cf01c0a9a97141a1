//! The store: commits in, snapshots out.
//!
//! Invariant: state, receipts, sequence, history hash and state root change together, in one
//! durable write of the database. The tree of the root is in memory, and made anew when a store is
//! opened.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fusee_proof::Hash;
use fusee_state::Diff;
use redb::{ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};
use sha2::{Digest, Sha256};

use crate::directory::{self, OpenFile};
use crate::error::At;
use crate::format::{self, Head};
use crate::{Snapshot, StoreError, Tree};

/// An open store. It can be shared between threads.
///
/// While a store or one of its snapshots is open, it cannot be opened again.
#[derive(Debug)]
pub struct Store {
    file: Arc<OpenFile>,
    /// Whether a commit has failed. Locked during a commit.
    failed: Mutex<bool>,
    trees: Trees,
}

/// The trees of the latest commit and of the one before or after it. While a commit is written, a
/// snapshot may find either.
#[derive(Debug)]
struct Trees(Mutex<[Tree; 2]>);

/// The commit of one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The [sequence](Snapshot::sequence) of the snapshot on which the transaction ran, which
    /// becomes the sequence number of the transaction. If it is not the latest, the commit is
    /// [stale](StoreError::Stale), because the values that the transaction read may have changed.
    pub sequence: u64,
    /// The changes of the transaction.
    pub diff: &'a Diff,
    /// The receipt of the transaction. The store does not interpret it.
    pub receipt: &'a [u8],
}

impl Store {
    /// Opens the store in `directory`, and creates it if it is missing.
    ///
    /// A new store is created only in a new or empty directory. It has an empty state, no receipts
    /// and the sequence 0. The initial state is a commit like any other.
    ///
    /// Opening reads and verifies the whole file, at about two seconds per GiB, and makes the state
    /// tree, at about half a second for each million entries.
    ///
    /// # Errors
    ///
    /// [`StoreError::Foreign`] if the directory has other files, which are not modified.
    /// [`StoreError::Locked`] if the store is already open. [`StoreError::Format`] if it has
    /// another format. [`StoreError::Corrupt`] if it is damaged. [`StoreError::Full`] or
    /// [`StoreError::Io`] if the operating system fails.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::from_file(directory::open(directory)?)
    }

    fn from_file(file: OpenFile) -> Result<Self, StoreError> {
        let transaction = file.database.begin_read().at(&file.path)?;
        format::identify(&transaction, &file.path)?;
        let tree = load(&transaction, &file.path)?;
        Ok(Self {
            file: Arc::new(file),
            failed: Mutex::new(false),
            trees: Trees(Mutex::new([tree.clone(), tree])),
        })
    }

    /// Creates a snapshot of the state and the receipts after the latest commit.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is damaged.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Snapshot::new(Arc::clone(&self.file), |root| self.trees.of(root))
    }

    /// Applies the changes of one transaction and appends its receipt, durably and atomically.
    /// Returns the sequence number of the transaction and its receipt.
    ///
    /// Commits are serialized: a commit waits for the one before it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Stale`] if another transaction was committed after the snapshot was created.
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Corrupt`] or
    /// [`StoreError::Database`] if writing fails. After one of these four, the store refuses
    /// commits with [`StoreError::Failed`] until it is reopened. Its sequence then tells whether
    /// the commit happened.
    pub fn commit(&self, commit: Commit<'_>) -> Result<u64, StoreError> {
        let path = &self.file.path;
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if *failed {
            return Err(StoreError::Failed { path: path.clone() });
        }
        let committed = self.file.commit(commit, &self.trees);
        *failed = !matches!(committed, Ok(_) | Err(StoreError::Stale { .. }));
        committed
    }
}

impl Trees {
    fn of(&self, root: &Hash) -> Option<Tree> {
        self.lock()
            .iter()
            .find(|tree| tree.root() == *root)
            .cloned()
    }

    fn set(&self, trees: [Tree; 2]) {
        *self.lock() = trees;
    }

    fn lock(&self) -> MutexGuard<'_, [Tree; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the tree of the state, and checks that its root is the one that was committed.
fn load(transaction: &ReadTransaction, path: &Path) -> Result<Tree, StoreError> {
    let meta = transaction.open_table(format::META).at(path)?;
    let state = transaction.open_table(format::STATE).at(path)?;
    let mut failed = None;
    let entries = state.iter().at(path)?.map_while(|entry| {
        let entry = entry.map_err(|error| failed = Some(error));
        entry.ok()
    });
    let tree = Tree::of(entries.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())));
    if let Some(error) = failed {
        return Err(error).at(path);
    }
    match tree.root() == Head::load(&meta, path)?.root {
        true => Ok(tree),
        false => Err(StoreError::corrupt(
            path,
            "its state has another root than was committed",
        )),
    }
}

impl OpenFile {
    fn commit(&self, commit: Commit<'_>, trees: &Trees) -> Result<u64, StoreError> {
        let mut transaction = self.database.begin_write().at(&self.path)?;
        // Two-phase commit, because contracts choose the written data. With one phase, valid
        // checksums decide after a crash which commit counts. With two phases, a partial commit
        // never counts, and damage that is found later is an error instead of a rollback to the
        // previous commit.
        transaction.set_two_phase_commit(true);
        // No quick repair. It would let a crashed store open without a full read, and would write
        // about 150 KiB more per commit for each GiB of file. A store is always verified when it is
        // opened anyway.
        apply(&transaction, &self.path, commit, trees)?;
        transaction.commit().at(&self.path)?;
        Ok(commit.sequence)
    }
}

fn apply(
    transaction: &WriteTransaction,
    path: &Path,
    commit: Commit<'_>,
    trees: &Trees,
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

    let tree = trees
        .of(&head.root)
        .ok_or_else(|| StoreError::corrupt(path, "its state root has changed"))?;
    let changed = tree.apply(commit.diff);
    let root = changed.root();
    trees.set([tree, changed]);

    let sequence = head.sequence.checked_add(1);
    let next = Head {
        sequence: sequence
            .ok_or_else(|| StoreError::corrupt(path, "its sequence is at the end"))?,
        history: extend(head.history, commit),
        root,
    };
    next.save(&mut meta, path)
}

/// The history hash after `commit`. The encoding of a diff is self-delimiting, so different
/// histories have different inputs to the hash.
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
