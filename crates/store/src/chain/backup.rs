//! Backup: a copy of the store in another folder, which opens, made while blocks go on.
//!
//! It has the flat state of one checkpoint and all kept blocks up to the head of the moment at
//! which it was begun. Nothing is deleted by retention meanwhile.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::flat::{self, Flat};
use super::{ChainStore, ChainStoreError, Head, LOG, STATE};
use crate::folder::{self, Lock};

/// The suffix of a backup that is not complete.
const UNFINISHED: &str = "unfinished";

impl ChainStore {
    /// Writes a copy of the store into a new folder, durably, and returns its head. Restoring it is
    /// opening it, or a copy of it.
    ///
    /// A backup that is interrupted leaves a folder whose name ends with `.unfinished`, which the
    /// next one replaces.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Exists`] if the folder exists. [`ChainStoreError::NoGenesis`] before the
    /// first block. [`ChainStoreError::Log`] or [`ChainStoreError::Damaged`] if the store is
    /// damaged: all that is copied is verified. [`ChainStoreError::Full`] or
    /// [`ChainStoreError::Io`] if the operating system fails.
    pub fn backup(&self, target: &Path) -> Result<Head, ChainStoreError> {
        if target.try_exists().map_err(ChainStoreError::io(target))? {
            return Err(ChainStoreError::Exists {
                path: target.to_path_buf(),
            });
        }
        // Held until all is copied. Taken before the version, whose blocks it keeps.
        let held = Arc::clone(&self.lock_writer().backups);
        let version = self.version(None)?;
        let mut name = target.as_os_str().to_owned();
        name.push(".");
        name.push(UNFINISHED);
        let unfinished = Path::new(&name);
        flat::remove(unfinished)?;
        folder::create(unfinished)?;
        // A store that is being made is not to be opened.
        let lock = Lock::take(unfinished)?;
        if let Some(meta) = version.base.view.meta()? {
            let flat = Flat::open(&unfinished.join(STATE))?;
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
        self.reader.copy(first, end, &unfinished.join(LOG), log)?;
        drop((held, lock));
        folder::sync(unfinished)?;
        fs::rename(unfinished, target).map_err(ChainStoreError::io(target))?;
        if let Some(parent) = target
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            folder::sync(parent)?;
        }
        Ok(Head {
            height: version.height(),
            root: version.root(),
        })
    }
}
