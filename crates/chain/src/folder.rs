//! The data folder of a chain: its genesis in the file `genesis`, and its store in `chain`. If the
//! chain goes on from a snapshot, the file `base` has the header of that block. The file `made`
//! says that there is a chain: one that is lost is missed, and no new one takes its place.
//!
//! Programs can keep more in it, for example compiled code. The genesis is written once, durably,
//! and never changed: a folder has it completely, or not at all. Both files end with a checksum.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fusee_ledger::{Genesis, Header, Ledger};
use fusee_store::chain::ChainStore;
use fusee_store::chain::snapshot::Import;

use crate::{Chain, ChainError, Options, files};

/// The file of the encoded genesis.
const GENESIS: &str = "genesis";

/// The file of the header that the chain goes on from.
const BASE: &str = "base";

/// The file that says that there is a chain. It is empty but for its checksum.
const MADE: &str = "made";

/// The folder of the store.
const CHAIN: &str = "chain";

/// The file of a store of the first kind, which committed transactions without blocks.
const OLD: &str = "state.redb";

/// The data folder of a chain.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
    genesis: Genesis,
}

impl DataFolder {
    /// Opens a data folder. `None` if there is no folder, or nothing in it.
    ///
    /// # Errors
    ///
    /// [`ChainError::OldFolder`] or [`ChainError::ForeignFolder`] if the folder has something else
    /// than a chain. [`ChainError::NoGenesis`] if the genesis is missing beside a chain,
    /// [`ChainError::GenesisFile`] if it is damaged, [`ChainError::NewerFile`] if a newer version
    /// of this program wrote it. [`ChainError::Io`] if the operating system fails.
    pub fn open(path: &Path) -> Result<Option<Self>, ChainError> {
        // Listed before the genesis is read: a process that makes the folder at the same time
        // writes the genesis first, so nothing of it is listed while the genesis is missing.
        let checked = check_empty(path);
        let damaged = |path, source| ChainError::GenesisFile { path, source };
        let Some(genesis) = files::read(&path.join(GENESIS), Genesis::decode, damaged)? else {
            return checked.map(|()| None);
        };
        Ok(Some(Self {
            path: path.to_path_buf(),
            genesis,
        }))
    }

    /// Makes the data folder of a new chain, or opens that of a chain with the same genesis.
    ///
    /// # Errors
    ///
    /// [`ChainError::Genesis`] if no chain can have the genesis. [`ChainError::OtherGenesis`] if
    /// the folder has another chain. Otherwise as [`open`](Self::open).
    pub fn create(path: &Path, genesis: Genesis) -> Result<Self, ChainError> {
        genesis.check()?;
        if Self::open(path)?.is_none() {
            fs::create_dir_all(path).map_err(ChainError::io(path))?;
            files::write_new(&path.join(GENESIS), &genesis.encode())?;
        }
        // Of two processes at the same time, one has written it.
        match Self::open(path)? {
            Some(folder) if folder.genesis == genesis => Ok(folder),
            _ => Err(ChainError::OtherGenesis {
                path: path.to_path_buf(),
            }),
        }
    }

    /// Makes a data folder for a copy of the chain, with all of this one but the store. Until the
    /// store is there ([`store`](Self::store)), the chain of the copy counts as lost.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn copy(&self, path: &Path) -> Result<Self, ChainError> {
        let copy = Self::create(path, self.genesis.clone())?;
        if let Some(base) = files::read_header(&self.base())? {
            copy.keep_base(&base)?;
        }
        files::write_new(&path.join(MADE), &[])?;
        Ok(copy)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path.join(CHAIN)
    }

    /// The file of the header that the chain goes on from, if it goes on from a snapshot.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        self.path.join(BASE)
    }

    /// The genesis.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The options of the chain's store, with their defaults.
    #[must_use]
    pub fn options(&self) -> Options {
        Chain::options(&self.genesis)
    }

    /// Opens the chain, and makes it if there was none yet.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnfinishedImport`] while a snapshot is imported into the folder of the store.
    /// [`ChainError::NoChain`] if there was a chain, and the store is missing. Otherwise as
    /// [`Chain::open_after`], and as [`read_header`](crate::read_header) for the header of the
    /// snapshot.
    pub fn chain(&self, ledger: Ledger, options: Options) -> Result<Chain, ChainError> {
        let (store, genesis) = (self.store(), &self.genesis);
        let base = self.check()?;
        let chain = match base {
            None => Chain::open(&store, genesis, ledger, options)?,
            Some(base) => Chain::open_after(base, &store, genesis, ledger, options)?,
        };
        // After the genesis was committed: a chain whose making a crash has ended is made anew.
        let made = self.path.join(MADE);
        if !exists(&made)? {
            files::write_new(&made, &[])?;
        }
        Ok(chain)
    }

    /// Checks that nothing is missing, without opening the chain. Changes nothing. Returns the
    /// header that the chain goes on from, if it goes on from a snapshot.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnfinishedImport`] while a snapshot is imported. [`ChainError::NoChain`] if
    /// there was a chain, and its store is missing. [`ChainError::BaseFile`] if the header is
    /// damaged. [`ChainError::Io`] if the operating system fails.
    pub fn check(&self) -> Result<Option<Header>, ChainError> {
        let import = Import::folder(&self.store());
        if exists(&import)? {
            return Err(ChainError::UnfinishedImport { path: import });
        }
        let base = files::read_header(&self.base())?;
        let had_chain = base.is_some() || exists(&self.path.join(MADE))?;
        if had_chain && !ChainStore::exists(&self.store())? {
            let path = self.store();
            return Err(ChainError::NoChain { path });
        }
        Ok(base)
    }

    /// Keeps the header of the block whose state a snapshot is of, before the snapshot is
    /// [imported](fusee_store::chain::snapshot::Import) into the folder of the store.
    ///
    /// # Errors
    ///
    /// [`ChainError::Io`] if the operating system fails.
    pub fn keep_base(&self, header: &Header) -> Result<(), ChainError> {
        files::write_header(&self.base(), header)
    }
}

fn exists(path: &Path) -> Result<bool, ChainError> {
    path.try_exists().map_err(ChainError::io(path))
}

/// Checks that a folder that has no genesis is missing or empty. Hidden files may be in it: those
/// of a genesis that was not finished.
fn check_empty(path: &Path) -> Result<(), ChainError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ChainError::io(path)(error)),
    };
    for entry in entries {
        let name = entry.map_err(ChainError::io(path))?.file_name();
        let path = path.join(&name);
        if name == OLD {
            return Err(ChainError::OldFolder { path });
        }
        if [CHAIN, BASE, MADE].iter().any(|ours| name == *ours) {
            let path = path.with_file_name(GENESIS);
            return Err(ChainError::NoGenesis { path });
        }
        if !name.to_string_lossy().starts_with('.') {
            return Err(ChainError::ForeignFolder { path });
        }
    }
    Ok(())
}
