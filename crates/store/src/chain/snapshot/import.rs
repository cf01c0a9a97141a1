//! Import: makes a store of the chunks of a snapshot, which come in any order.
//!
//! A chunk is verified, and then its entries and the fact that it is there are written at once. So
//! an import that was killed goes on with the chunks that are missing.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Manifest, SnapshotError, verify};
use crate::chain::flat::{Flat, Meta, NOTE, Note};
use crate::chain::{ChainStore, ChainStoreError, Head, LOG, Options, STATE};
use crate::folder::{self, Lock};
use crate::log::Log;

/// The suffix of the folder of an import that is not finished.
const UNFINISHED: &str = ".import";

/// The second byte of the key under which the manifest is.
const MANIFEST_NOTE: u8 = 1;

/// The second byte of the keys of imported chunks.
const CHUNK_NOTE: u8 = 2;

/// An import that is not finished. It can be dropped, and goes on when it is begun again.
pub struct Import {
    target: PathBuf,
    unfinished: PathBuf,
    options: Options,
    manifest: Manifest,
    flat: Flat,
    _lock: Lock,
}

impl Import {
    /// Begins to import a snapshot into a new folder, or goes on. The manifest may come from
    /// anyone; `trusted` is the head whose root the caller trusts, for example from a block header
    /// with the signatures of the validators.
    ///
    /// Until it is finished, the import is in a [folder](Self::folder) whose name ends with
    /// `.import`.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Untrusted`] if the manifest is of another chain or head.
    /// [`SnapshotError::OtherImport`] if another import into this folder was begun.
    /// [`SnapshotError::Store`] with [`ChainStoreError::Exists`] if the folder exists,
    /// [`ChainStoreError::Locked`] if another process imports into it, or as [`ChainStore::open`].
    pub fn begin(
        target: &Path,
        options: Options,
        manifest: Manifest,
        trusted: Head,
    ) -> Result<Self, SnapshotError> {
        if manifest.head != trusted || manifest.identity != options.identity {
            let height = trusted.height;
            return Err(SnapshotError::Untrusted { height });
        }
        // Without a slash at the end.
        let target = target.components().as_path();
        if target.try_exists().map_err(ChainStoreError::io(target))? {
            return Err(SnapshotError::Store(ChainStoreError::Exists {
                path: target.to_path_buf(),
            }));
        }
        let unfinished = Self::folder(target);
        folder::create(&unfinished).map_err(ChainStoreError::from)?;
        let lock = Lock::take(&unfinished).map_err(ChainStoreError::from)?;
        let flat = Flat::open(&unfinished.join(STATE))?;
        let encoded = manifest.encode();
        match flat.view().note(&manifest_note())? {
            None => flat.ingest_with(&[(manifest_note(), Some(encoded))], |_| Ok(()))?,
            Some(known) if known == encoded => {}
            Some(_) => return Err(SnapshotError::OtherImport),
        }
        Ok(Self {
            target: target.to_path_buf(),
            unfinished,
            options,
            manifest,
            flat,
            _lock: lock,
        })
    }

    /// The folder in which an import into `target` is until it is finished.
    #[must_use]
    pub fn folder(target: &Path) -> PathBuf {
        let mut name = target.components().as_path().as_os_str().to_owned();
        name.push(UNFINISHED);
        PathBuf::from(name)
    }

    /// The numbers of the chunks that are not imported yet, in ascending order.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Store`] if the folder cannot be read.
    pub fn missing(&self) -> Result<Vec<u32>, SnapshotError> {
        let view = self.flat.view();
        let mut missing = Vec::new();
        for number in 0..self.manifest.chunks() {
            if view.note(&chunk_note(number))?.is_none() {
                missing.push(number);
            }
        }
        Ok(missing)
    }

    /// Verifies a chunk, and imports it durably.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Chunk`] if it does not verify: then nothing of it is imported, and another
    /// one of the number can be. [`SnapshotError::Store`] if it cannot be written.
    pub fn add(&self, number: u32, chunk: &[u8]) -> Result<(), SnapshotError> {
        let mut entries = verify(&self.manifest, number, chunk)?;
        entries.sort_unstable();
        let note: Note = (chunk_note(number), Some(Vec::new()));
        self.flat.ingest_with(&[note], |take| {
            entries
                .iter()
                .try_for_each(|(key, value)| take(key, Some(value)))
        })?;
        Ok(())
    }

    /// Makes the store of the imported state, and opens it, which verifies the root once more. Its
    /// first block is that after the snapshot.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Incomplete`] if chunks are missing. Otherwise as [`ChainStore::open`].
    pub fn finish(self) -> Result<ChainStore, SnapshotError> {
        let missing = self.missing()?;
        if let Some(&first) = missing.first() {
            let count = missing.len();
            return Err(SnapshotError::Incomplete { count, first });
        }
        let Manifest { identity, head, .. } = self.manifest;
        let log = self.options.log(head.height.saturating_add(1));
        let made = Log::open(&self.unfinished.join(LOG), log).and_then(Log::close);
        made.map_err(ChainStoreError::from)?;
        let meta = Meta {
            identity,
            height: head.height,
            root: head.root,
        };
        // The notes of the import stay, so that a finish that was killed can be repeated.
        self.flat.ingest(&meta, |_| Ok(()))?;
        let Self {
            target,
            unfinished,
            options,
            flat,
            _lock: lock,
            ..
        } = self;
        drop((flat, lock));
        folder::sync(&unfinished).map_err(ChainStoreError::from)?;
        fs::rename(&unfinished, &target).map_err(ChainStoreError::io(&target))?;
        if let Some(parent) = target
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            folder::sync(parent).map_err(ChainStoreError::from)?;
        }
        Ok(ChainStore::open(&target, options)?)
    }
}

fn manifest_note() -> Vec<u8> {
    vec![NOTE, MANIFEST_NOTE]
}

fn chunk_note(number: u32) -> Vec<u8> {
    let mut key = vec![NOTE, CHUNK_NOTE];
    key.extend(number.to_be_bytes());
    key
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("target", &self.target)
            .field("manifest", &self.manifest)
            .finish_non_exhaustive()
    }
}
