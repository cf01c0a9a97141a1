//! Backup: a copy of the store in another folder, which opens, made while blocks go on.
//!
//! It has the flat state of one checkpoint and all kept blocks up to the head of the moment at
//! which it was begun. Nothing is deleted by retention meanwhile.

use std::path::Path;
use std::sync::Arc;

use super::flat::Flat;
use super::unfinished::Unfinished;
use super::{ChainStore, ChainStoreError, Head, LOG, STATE};
use crate::folder::Lock;

impl ChainStore {
    /// Writes a copy of the store into a new folder, durably, and returns its head. Restoring it is
    /// opening it, or a copy of it.
    ///
    /// A backup that a kill interrupts leaves a folder whose name ends with `.unfinished`, which
    /// can be removed.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Exists`] if the folder exists, [`ChainStoreError::InsideStore`] if it is
    /// in the folder of the store. [`ChainStoreError::NoGenesis`] before the first block.
    /// [`ChainStoreError::Log`] or [`ChainStoreError::Damaged`] if the store is damaged: all that
    /// is copied is verified. [`ChainStoreError::Full`] or [`ChainStoreError::Io`] if the operating
    /// system fails.
    pub fn backup(&self, target: &Path) -> Result<Head, ChainStoreError> {
        let unfinished = Unfinished::create(target, &self.folder)?;
        // Held until all is copied. Taken before the version, whose blocks it keeps.
        let held = Arc::clone(&self.lock_writer().backups);
        let version = self.version(None)?;
        // A store that is being made is not to be opened.
        let lock = Lock::take(unfinished.path())?;
        if let Some(meta) = version.base.view.meta()? {
            let flat = Flat::open(&unfinished.path().join(STATE))?;
            flat.ingest(&meta, |take| {
                version.base.view.entries(b"").try_for_each(|entry| {
                    let (key, value) = entry?;
                    take(&key, Some(&value))
                })
            })?;
        }
        let first = self.reader.first_height();
        let end = version.height().saturating_add(1);
        let log = self.options.log(first);
        self.reader
            .copy(first, end, &unfinished.path().join(LOG), log)?;
        drop((held, lock));
        unfinished.finish()?;
        Ok(Head {
            height: version.height(),
            root: version.root(),
        })
    }
}
