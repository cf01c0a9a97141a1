//! The flat state: one ordered table of all entries at one height, on disk.
//!
//! It is written by bulk ingestion alone. Entries and their height move at once, because the height
//! is a key of the same ingestion. Reads verify the checksum of each block of the table.

use std::fs;
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};
use fusee_proof::Hash;
use fusee_state::{KeyRange, Value};

use super::{ChainStoreError, manifest};
use crate::folder;

/// The version of the format.
const VERSION: u32 = 1;

/// The key of what the state is of.
const META: &[u8] = &[NOTE];

/// The first byte of a key that is not that of an entry.
pub(super) const NOTE: u8 = 0;

/// The first byte of the key of an entry.
const ENTRY: u8 = 1;

/// After the last key of an entry.
const END: &[u8] = &[2];

/// Maximum length of a state's key in bytes: one less than that of the table.
pub(super) const MAX_KEY: usize = 65_534;

/// The cache of blocks in bytes. Hot values have another one in front of it.
const BLOCK_CACHE: u64 = 64 << 20;

const TABLE: &str = "state";

/// The suffix of a folder that is not complete yet.
const UNFINISHED: &str = "new";

/// What a flat state is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Meta {
    pub(super) identity: [u8; 32],
    pub(super) height: u64,
    pub(super) root: Hash,
}

/// An open flat state. Clones share it.
#[derive(Clone)]
pub(super) struct Flat {
    database: Database,
    table: Keyspace,
    path: PathBuf,
}

/// One version of the flat state, which later ingestions do not change.
pub(super) struct View {
    snapshot: fjall::Snapshot,
    table: Keyspace,
    path: PathBuf,
}

impl Flat {
    /// Opens the flat state in a folder of its own, and creates it if it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, ChainStoreError> {
        if !path.try_exists().map_err(ChainStoreError::io(path))? {
            create(path)?;
        }
        manifest::check(path)?;
        guarded(path, || Self::open_existing(path))
    }

    fn open_existing(path: &Path) -> Result<Self, ChainStoreError> {
        let failed = ChainStoreError::state(path);
        // A second database of this folder would wait for its lock. The store's lock excludes it.
        let database = Database::builder(path)
            .worker_threads(1)
            .cache_size(BLOCK_CACHE)
            .open()
            .map_err(&failed)?;
        let table = database
            .keyspace(TABLE, KeyspaceCreateOptions::default)
            .map_err(&failed)?;
        Ok(Self {
            database,
            table,
            path: path.to_path_buf(),
        })
    }

    /// The state as it is now.
    pub(super) fn view(&self) -> View {
        View {
            snapshot: self.database.snapshot(),
            table: self.table.clone(),
            path: self.path.clone(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes and removes entries as `give` gives them, whose keys have to ascend. Readers see them
    /// and `meta` as a whole after that, or never. They are durable then.
    pub(super) fn ingest(
        &self,
        meta: &Meta,
        give: impl FnOnce(&mut Taker<'_>) -> Result<(), ChainStoreError>,
    ) -> Result<(), ChainStoreError> {
        self.ingest_with(&[(META.to_vec(), Some(meta.encode()))], give)
    }

    /// As [`Self::ingest`], with other notes than what the state is of. They are keys that ascend
    /// and begin with [`NOTE`].
    pub(super) fn ingest_with(
        &self,
        notes: &[Note],
        give: impl FnOnce(&mut Taker<'_>) -> Result<(), ChainStoreError>,
    ) -> Result<(), ChainStoreError> {
        let failed = ChainStoreError::state(&self.path);
        let mut ingestion = self.table.start_ingestion().map_err(&failed)?;
        for (key, value) in notes {
            let written = match value {
                Some(value) => ingestion.write(key.as_slice(), value.as_slice()),
                None => ingestion.write_tombstone(key.as_slice()),
            };
            written.map_err(&failed)?;
        }
        give(&mut |key, value| {
            let written = match value {
                Some(value) => ingestion.write(prefixed(key), value),
                None => ingestion.write_tombstone(prefixed(key)),
            };
            written.map_err(&failed)
        })?;
        ingestion.finish().map_err(&failed)?;
        // Ingestions do not tell that a compaction in the background has failed. This does.
        let synced = self.database.persist(PersistMode::SyncData);
        synced.map_err(&failed)
    }
}

/// A key that is not that of an entry, and its value. `None`: it is removed.
pub(super) type Note = (Vec<u8>, Option<Vec<u8>>);

/// Takes an entry to write, or a key to remove.
pub(super) type Taker<'a> = dyn FnMut(&[u8], Option<&[u8]>) -> Result<(), ChainStoreError> + 'a;

impl View {
    /// What the state is of, or `None` if it is empty.
    pub(super) fn meta(&self) -> Result<Option<Meta>, ChainStoreError> {
        let bytes = self.note(META)?;
        bytes
            .map(|bytes| Meta::decode(&bytes, &self.path))
            .transpose()
    }

    /// The value of a key that is not that of an entry.
    pub(super) fn note(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ChainStoreError> {
        let read = || self.snapshot.get(&self.table, key);
        let value = guarded(&self.path, || read().map_err(self.failed()))?;
        Ok(value.map(|value| value.to_vec()))
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Option<Value>, ChainStoreError> {
        let read = || self.snapshot.get(&self.table, prefixed(key));
        let value = guarded(&self.path, || read().map_err(self.failed()))?;
        Ok(value.map(|value| Value::from(&*value)))
    }

    /// The entries of a range, from both ends.
    pub(super) fn range(&self, range: KeyRange<'_>) -> Entries {
        let bounds = (
            Bound::Included(prefixed(range.start())),
            Bound::Excluded(prefixed(range.end())),
        );
        Entries {
            iter: self.snapshot.range(&self.table, bounds),
            path: self.path.clone(),
        }
    }

    /// All entries, or those from a key on.
    pub(super) fn entries(&self, from: &[u8]) -> Entries {
        let bounds = (
            Bound::Included(prefixed(from)),
            Bound::Excluded(END.to_vec()),
        );
        Entries {
            iter: self.snapshot.range(&self.table, bounds),
            path: self.path.clone(),
        }
    }

    fn failed(&self) -> impl Fn(fjall::Error) -> ChainStoreError {
        ChainStoreError::state(&self.path)
    }
}

/// Entries in ascending order of keys, or in descending order from the back.
pub(super) struct Entries {
    iter: fjall::Iter,
    path: PathBuf,
}

/// A key and its value.
pub(super) type Entry = (Vec<u8>, Value);

impl Entries {
    fn entry(&self, guard: Guard) -> Result<Entry, ChainStoreError> {
        let (key, value) = guard
            .into_inner()
            .map_err(ChainStoreError::state(&self.path))?;
        let key = key.get(1..).unwrap_or_default().to_vec();
        Ok((key, Value::from(&*value)))
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, ChainStoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let path = self.path.clone();
        let read = || match self.iter.next() {
            Some(guard) => self.entry(guard).map(Some),
            None => Ok(None),
        };
        guarded(&path, read).transpose()
    }
}

impl DoubleEndedIterator for Entries {
    fn next_back(&mut self) -> Option<Self::Item> {
        let path = self.path.clone();
        let read = || match self.iter.next_back() {
            Some(guard) => self.entry(guard).map(Some),
            None => Ok(None),
        };
        guarded(&path, read).transpose()
    }
}

impl Meta {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        bytes.extend(self.identity);
        bytes.extend(self.height.to_le_bytes());
        bytes.extend(self.root);
        bytes
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Self, ChainStoreError> {
        let cut = || ChainStoreError::damaged(path, "what it is of has another length");
        let (version, bytes) = bytes.split_first_chunk().ok_or_else(cut)?;
        let found = u32::from_le_bytes(*version);
        if found != VERSION {
            return Err(ChainStoreError::Version {
                path: path.to_path_buf(),
                found,
                expected: VERSION,
            });
        }
        let (identity, bytes) = bytes.split_first_chunk().ok_or_else(cut)?;
        let (height, root) = bytes.split_first_chunk().ok_or_else(cut)?;
        Ok(Self {
            identity: *identity,
            height: u64::from_le_bytes(*height),
            root: Hash::try_from(root).map_err(|_| cut())?,
        })
    }
}

/// Creates an empty flat state under another name and renames it, so that a crash leaves all or
/// nothing: the database itself cannot be opened if its creation was interrupted.
fn create(path: &Path) -> Result<(), ChainStoreError> {
    let unfinished = path.with_extension(UNFINISHED);
    remove(&unfinished)?;
    drop(guarded(path, || Flat::open_existing(&unfinished))?);
    // The database does not sync the folder in which it creates those of its tables.
    folder::sync_all(&unfinished)?;
    fs::rename(&unfinished, path).map_err(ChainStoreError::io(path))?;
    if let Some(parent) = path.parent() {
        folder::sync(parent)?;
    }
    Ok(())
}

/// Removes a folder, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), ChainStoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ChainStoreError::io(path)(error))
        }
        _ => Ok(()),
    }
}

/// Reads the database, which panics on some damaged files, and makes that an error.
fn guarded<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, ChainStoreError>,
) -> Result<T, ChainStoreError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let message = match panic.downcast_ref::<String>() {
            Some(message) => message,
            None => panic.downcast_ref().copied().unwrap_or("unknown panic"),
        };
        Err(ChainStoreError::damaged(path, message))
    })
}

fn prefixed(key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len().saturating_add(1));
    bytes.push(ENTRY);
    bytes.extend_from_slice(key);
    bytes
}

impl std::fmt::Debug for Flat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flat")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
