//! The chain store: blocks in, versions of the state out, one durable write for each block.
//!
//! A [`ChainStore`] has a folder of its own with two parts. `log` is the [block log](crate::log),
//! which has the whole truth. `state` is a flat table of the entries at an earlier height, which
//! makes opening fast and keeps the state out of memory. What the blocks in between have changed is
//! in memory, with the trees of the last heights.
//!
//! [`ChainStore::commit`] appends the block to the log, syncs it, and shows it to readers then.
//! From time to time a thread of the store moves the oldest changes into the flat state, a
//! checkpoint. After any crash the store opens with every block whose commit had returned, and at
//! most the one that was being committed. Opening makes the state tree, replays the log behind the
//! flat state, and holds every root against its record. `docs/book/src/chain-store.md` has the
//! formats and the reasons.
//!
//! The first block is the genesis: the record of the initial height, whose changes are the initial
//! state. The store does not interpret keys, values or bodies.
//!
//! ```
//! use fusee_state::{Diff, StateReader};
//! use fusee_store::chain::{ChainStore, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let root = tempfile::tempdir()?;
//! let store = ChainStore::open(root.path(), Options::new([7; 32]))?;
//! let genesis: Diff = [(b"supply".to_vec(), Some(b"100".to_vec()))].into_iter().collect();
//! store.commit(store.stage(genesis)?, b"the genesis")?;
//!
//! let block: Diff = [(b"supply".to_vec(), Some(b"101".to_vec()))].into_iter().collect();
//! let staged = store.stage(block)?; // the root, before anything is written
//! let head = store.commit(staged, b"the first block")?; // durable, and visible
//!
//! assert_eq!(head.height, 1);
//! let supply = store.version(Some(0))?.read(b"supply")?;
//! assert_eq!(supply.as_deref(), Some(b"100".as_slice()));
//! # Ok(())
//! # }
//! ```

mod backup;
mod checkpoint;
mod doctor;
mod epoch;
mod error;
mod flat;
mod gaps;
mod hot;
mod manifest;
mod opening;
mod reaper;
mod record;
mod rollback;
mod sealing;
mod shown;
pub mod snapshot;
mod staged;
mod unfinished;
mod version;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fusee_proof::Hash;
use fusee_state::Diff;

pub use doctor::{Finding, Report, doctor};
pub use error::ChainStoreError;
pub use record::Block;
pub use rollback::rollback;
pub use staged::Staged;
pub use version::Version;

use sealing::Sealing;
use shown::Shown;

use crate::folder::Lock;
use crate::log::{self, Log, Reader};
use crate::text::with_causes;

/// The folder of the block log.
const LOG: &str = "log";

/// The folder of the flat state.
const STATE: &str = "state";

/// A flat state that is not complete yet, or is not valid any more. Opening removes it.
const UNFINISHED_STATE: &str = "state.new";

/// How a chain store is opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Identifies the chain. A store of another identity is refused.
    pub identity: [u8; 32],
    /// The height of the genesis (default: 0). It is part of what the chain is, as the identity.
    pub initial_height: u64,
    /// How many heights, the head included, are served for reads and proofs (default: 64, minimum:
    /// 1). After this was raised, they become so many with the next blocks.
    pub versions: u64,
    /// Which blocks are kept (default: all).
    pub retention: Retention,
    /// After how many changed keys a checkpoint is due (default: 500,000).
    pub checkpoint_keys: u64,
    /// After how many bytes of changed keys and values a checkpoint is due (default: 256 MiB).
    pub checkpoint_bytes: u64,
    /// How many bytes of values that were read or written are kept in memory (default: 1 GiB, which
    /// has room for some five million balances).
    pub cache_bytes: usize,
    /// Maximum length of a log's segment in bytes (default: 64 MiB), see
    /// [`log::Options::segment_bytes`].
    pub segment_bytes: u64,
}

/// Which blocks a chain store keeps. Deletion is by whole segments of the log, and never before a
/// checkpoint has the state behind them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retention {
    /// All blocks.
    All,
    /// At least the last blocks, as many as this.
    Last(u64),
}

impl Options {
    /// The defaults for a chain of an identity.
    #[must_use]
    pub fn new(identity: [u8; 32]) -> Self {
        Self {
            identity,
            initial_height: 0,
            versions: 64,
            retention: Retention::All,
            checkpoint_keys: 500_000,
            checkpoint_bytes: 256 << 20,
            cache_bytes: 1 << 30,
            segment_bytes: 64 << 20,
        }
    }

    fn log(&self, first_height: u64) -> log::Options {
        log::Options {
            first_height,
            segment_bytes: self.segment_bytes,
            ..log::Options::new(self.identity)
        }
    }
}

/// The last block, and the root of the state after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The height.
    pub height: u64,
    /// The state root.
    pub root: Hash,
}

/// How often the [cache of values](Options::cache_bytes) of an open store was read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CacheCounts {
    /// Counter: reads that it answered.
    pub hits: u64,
    /// Counter: reads of values that were not in it, or not as an older version has them.
    pub misses: u64,
}

/// An open chain store. It can be shared between threads.
///
/// Reads go on while a block is committed, and never see a part of one. While the store is open, it
/// cannot be opened again. Dropping it waits for a checkpoint that is being written.
pub struct ChainStore {
    folder: PathBuf,
    options: Options,
    shown: Arc<Shown>,
    reader: Reader,
    writer: Mutex<Writer>,
    /// Excludes other processes. Declared last, so that it is dropped after all files are closed.
    _lock: Lock,
}

/// What commits need. One commit at a time has it.
struct Writer {
    log: Log,
    sealing: Sealing,
    /// The checkpoint up to which retention was applied.
    pruned: Option<u64>,
    /// Shared with backups that are being written: then nothing is deleted.
    backups: Arc<()>,
    /// The message of the first error.
    failure: Option<String>,
}

impl ChainStore {
    /// Opens the store in a folder of its own, and creates both if they are missing.
    ///
    /// Reads the flat state to make the tree, about a second for a million entries, and replays the
    /// blocks behind it.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Locked`] if the store is already open. [`ChainStoreError::Foreign`],
    /// [`ChainStoreError::Version`], [`ChainStoreError::OtherIdentity`],
    /// [`ChainStoreError::NoLog`], [`ChainStoreError::NoState`], [`ChainStoreError::Gap`] or
    /// [`ChainStoreError::Ahead`] if the folder is not that of this chain, or lacks a part.
    /// [`ChainStoreError::Damaged`], [`ChainStoreError::Root`] or [`ChainStoreError::Record`] if a
    /// part does not verify. [`ChainStoreError::Log`] for the same of the log.
    /// [`ChainStoreError::Full`] or [`ChainStoreError::Io`] if the operating system fails.
    pub fn open(folder: &Path, options: Options) -> Result<Self, ChainStoreError> {
        let lock = opening::lock(folder)?;
        let files = log::Folder::lock(&folder.join(LOG))?;
        opening::open(folder, lock, Arc::new(files), options)
    }

    /// Whether a folder has a store: a block log or a flat state. It may have neither if a crash
    /// has interrupted the creation of the store.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Io`] if the folder cannot be read.
    pub fn exists(folder: &Path) -> Result<bool, ChainStoreError> {
        Ok(log::Folder::has_files(&folder.join(LOG))? || opening::has_state(folder)?)
    }

    /// The last committed block, or `None` before the genesis.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.shown.read().head()
    }

    /// The state after a block, by default that of the head.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::NoGenesis`] before the genesis, [`ChainStoreError::NotServed`] if the
    /// height is above the head, or below the [last ones](Options::versions).
    pub fn version(&self, height: Option<u64>) -> Result<Version, ChainStoreError> {
        self.shown.version(height, self.options.initial_height)
    }

    /// The next block with these changes, on the head: its height and state root, in memory only.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::KeyLength`] for a key of more than 65,534 bytes.
    pub fn stage(&self, changes: impl Into<Arc<Diff>>) -> Result<Staged, ChainStoreError> {
        let state = self.shown.read();
        let (head, tree) = (state.head(), state.tree());
        drop(state);
        Staged::new(head, self.options.initial_height, &tree, changes.into())
    }

    /// Commits a staged block. It is durable then, by one write and one sync, and readers see it.
    ///
    /// Commits are serialized. One that makes a checkpoint due waits if two others are not finished
    /// yet.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Stale`] if the block was not staged on the head. [`ChainStoreError::Log`]
    /// if the block is too large or writing fails; in the second case the block may or may not be
    /// there when the store is opened anew. [`ChainStoreError::Checkpoint`] if a checkpoint has
    /// failed since the last commit; nothing of this block is written. After a failed write or
    /// checkpoint, [`ChainStoreError::Poisoned`].
    pub fn commit(&self, staged: Staged, body: &[u8]) -> Result<Head, ChainStoreError> {
        let mut writer = self.lock_writer();
        if let Some(cause) = &writer.failure {
            return Err(ChainStoreError::Poisoned {
                path: self.folder.clone(),
                cause: cause.clone(),
            });
        }
        self.check(&staged)?;
        let payload = record::encode(&staged.root(), staged.changes(), body)?;
        let committed = self.append(&mut writer, staged, &payload);
        if let Err(error) = &committed {
            writer.failure = Some(with_causes(error));
        }
        committed
    }

    /// The block at a height, or `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Log`] if retention has deleted it or it is damaged.
    pub fn block(&self, height: u64) -> Result<Option<Block>, ChainStoreError> {
        let payload = self.reader.read(height)?;
        let record = payload.map(|payload| log::Record { height, payload });
        record.as_ref().map(record::decode).transpose()
    }

    /// The blocks from a height on, up to the head as it is now, in order. Ends after the first
    /// error.
    ///
    /// # Errors
    ///
    /// As [`Self::block`], each for its block.
    pub fn blocks(&self, from: u64) -> impl Iterator<Item = Result<Block, ChainStoreError>> {
        let records = self.reader.records(from);
        records.map(|record| record::decode(&record?))
    }

    /// The lowest height whose block is kept.
    #[must_use]
    pub fn first_height(&self) -> u64 {
        self.reader.first_height()
    }

    /// The height of the last checkpoint, or `None` before the first one.
    #[must_use]
    pub fn checkpoint(&self) -> Option<u64> {
        self.shown.read().base.height
    }

    /// How often the cache of values was read since the store was opened.
    #[must_use]
    pub fn cache_counts(&self) -> CacheCounts {
        self.shown.read().hot.counts()
    }

    /// Waits until no checkpoint is being written.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Checkpoint`] if one has failed.
    pub fn wait_for_checkpoints(&self) -> Result<(), ChainStoreError> {
        self.lock_writer().sealing.checkpointer.wait()
    }

    fn check(&self, staged: &Staged) -> Result<(), ChainStoreError> {
        let head = self.head();
        match staged.parent() == head {
            true => Ok(()),
            false => Err(ChainStoreError::Stale {
                found: staged.height(),
                expected: staged::next(head, self.options.initial_height),
            }),
        }
    }

    fn append(
        &self,
        writer: &mut Writer,
        staged: Staged,
        payload: &[u8],
    ) -> Result<Head, ChainStoreError> {
        writer.prune(self.options.retention)?;
        writer.log.append(payload)?;
        let head = Head {
            height: staged.height(),
            root: staged.root(),
        };
        let (tree, changes) = staged.into_parts();
        // It fails if a checkpoint has failed meanwhile. This block is committed all the same, and
        // the next commit tells.
        let _ = writer.sealing.show(&self.shown, head, tree, &changes);
        Ok(head)
    }

    fn lock_writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Tells of a failed checkpoint, and applies retention after one that has finished.
    fn prune(&mut self, retention: Retention) -> Result<(), ChainStoreError> {
        let done = self.sealing.checkpointer.done()?;
        let (Retention::Last(blocks), Some(height)) = (retention, done) else {
            return Ok(());
        };
        if self.pruned != done && Arc::strong_count(&self.backups) == 1 {
            self.log.prune(log::Retention {
                keep_from: self.log.next_height().saturating_sub(blocks),
                limit: height.saturating_add(1),
            })?;
            self.pruned = done;
        }
        Ok(())
    }
}

impl fmt::Debug for ChainStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainStore")
            .field("folder", &self.folder)
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}
