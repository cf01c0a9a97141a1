//! What an application adds to the [data folder](DataFolder) of its chain, and how a restored
//! snapshot becomes the chain.
//!
//! | name | content |
//! |---|---|
//! | `snapshots/` | for each snapshot a folder of its height, and the header of its block |
//! | `restored.import/`, `base.new` | a restore that is under way |
//! | `restored/` | a restore that is complete: it replaces `chain/` |
//!
//! The step that makes a restore complete is one rename. What follows it is done again when the
//! application is opened after a crash.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use fusee_chain::{Chain, DataFolder, Options, write_header};
use fusee_ledger::{Genesis, Header, Ledger};
use fusee_store::chain::snapshot::Import;

use crate::AppError;

/// The folder of an application.
#[derive(Debug)]
pub(crate) struct Folder(DataFolder);

impl Folder {
    /// Completes a restore.
    pub(crate) fn open(folder: DataFolder) -> Result<Self, AppError> {
        let folder = Self(folder);
        let snapshots = folder.snapshots();
        fs::create_dir_all(&snapshots).map_err(AppError::io(&snapshots))?;
        if exists(&folder.restored())? {
            folder.install()?;
        }
        Ok(folder)
    }

    /// The genesis of the chain.
    pub(crate) const fn genesis(&self) -> &Genesis {
        self.0.genesis()
    }

    fn new_base(&self) -> PathBuf {
        self.0.path().join("base.new")
    }

    /// Where the store of a restore is made.
    pub(crate) fn restored(&self) -> PathBuf {
        self.0.path().join("restored")
    }

    /// Where a restore is until it is complete.
    fn import(&self) -> PathBuf {
        Import::folder(&self.restored())
    }

    /// The folder of the snapshots.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.0.path().join("snapshots")
    }

    /// Opens the chain.
    pub(crate) fn open_chain(&self, ledger: Ledger, options: Options) -> Result<Chain, AppError> {
        Ok(self.0.chain(ledger, options)?)
    }

    /// Notes the header of the block whose snapshot is restored.
    pub(crate) fn begin_restore(&self, base: &Header) -> Result<(), AppError> {
        Ok(write_header(&self.new_base(), base)?)
    }

    /// Forgets a restore that is under way.
    pub(crate) fn abandon_restore(&self) -> Result<(), AppError> {
        remove_folder(&self.import())
    }

    /// Makes the restored store the chain, which is not open.
    pub(crate) fn install(&self) -> Result<(), AppError> {
        let base = self.new_base();
        // It was moved already if a crash has ended this step before.
        if exists(&base)? {
            fs::rename(&base, self.0.base()).map_err(AppError::io(&base))?;
        }
        remove_folder(&self.0.store())?;
        let restored = self.restored();
        fs::rename(&restored, self.0.store()).map_err(AppError::io(&restored))?;
        sync_folder(self.0.path())
    }
}

/// Removes a folder, if it is there.
pub(crate) fn remove_folder(path: &Path) -> Result<(), AppError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(AppError::io(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn exists(path: &Path) -> Result<bool, AppError> {
    path.try_exists().map_err(AppError::io(path))
}

fn sync_folder(path: &Path) -> Result<(), AppError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(AppError::io(path))
}
