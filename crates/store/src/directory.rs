//! The directory of a store: the database file, a lock file, and temporarily an unfinished file.
//!
//! Guarantees: nothing is written to a directory with foreign files, one process at a time has the
//! store open, and the database file is either complete or missing.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::panic;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use redb::Database;

use crate::error::At;
use crate::folder::{self, LOCK, Lock};
use crate::{Foreign, StoreError, format};

const FILE: &str = "state.redb";
const UNFINISHED: &str = "state.redb.new";

/// The first bytes of a database file.
const DATABASE_MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// Maximum size of the database's page cache in bytes.
const CACHE_BYTES: usize = 128 << 20;

/// The open database of a store.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) path: PathBuf,
    pub(crate) database: Database,
    /// Excludes other processes. Declared last, so that it is dropped after the database is closed.
    pub(crate) _lock: Lock,
}

/// Opens the store in `directory`. Creates the directory and the store if they are missing.
pub(crate) fn open(directory: &Path) -> Result<OpenFile, StoreError> {
    folder::create(directory)?;
    let path = directory.join(FILE);
    if !has_database(&path)? {
        inspect_siblings(directory)?;
    }
    let lock = Lock::take(directory)?;
    // Checked again with the lock held, because another process may have created it meanwhile.
    if !has_database(&path)? {
        create_file(directory, &path)?;
    }
    let database = open_verified(&path)?;
    Ok(OpenFile {
        path,
        database,
        _lock: lock,
    })
}

/// Opens the database file and verifies the checksum of every page.
///
/// The database itself does so only after a crash. Otherwise it does not verify what it reads: it
/// returns damaged values, and panics on damaged pages, possibly while unwinding, which aborts.
fn open_verified(path: &Path) -> Result<Database, StoreError> {
    let opened = panic::catch_unwind(|| {
        let recovered = Rc::new(Cell::new(false));
        let recovering = Rc::clone(&recovered);
        let mut database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .set_repair_callback(move |_| recovering.set(true))
            .open(path)
            .at(path)?;
        if !recovered.get() {
            database.check_integrity().at(path)?;
        }
        Ok(database)
    });
    opened.unwrap_or_else(|panic| {
        let message = match panic.downcast_ref::<String>() {
            Some(message) => message,
            None => panic.downcast_ref().copied().unwrap_or("unknown panic"),
        };
        Err(StoreError::corrupt(path, message))
    })
}

/// Whether the file exists. Fails if the file is not a database. Does not modify it.
fn has_database(path: &Path) -> Result<bool, StoreError> {
    let foreign = |found| StoreError::Foreign {
        path: path.to_path_buf(),
        found,
    };
    let failed = |error| StoreError::io(path, error);
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.is_file() => return Err(foreign(Foreign::NoFile)),
        Ok(_) => {}
    }
    let mut start = [0; DATABASE_MAGIC.len()];
    let mut file = File::open(path).map_err(failed)?;
    match file.read_exact(&mut start) {
        Ok(()) if start == DATABASE_MAGIC => Ok(true),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(failed(error)),
        _ => Err(foreign(Foreign::OtherKind)),
    }
}

/// Checks that a directory has no files except those of a store that is being created, or whose
/// creation was interrupted by a crash.
fn inspect_siblings(directory: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(directory, error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if ![FILE, UNFINISHED, LOCK].iter().any(|ours| name == *ours) {
            return Err(StoreError::Foreign {
                path: directory.to_path_buf(),
                found: Foreign::OtherFiles,
            });
        }
    }
    Ok(())
}

/// Creates an empty store under a temporary name and renames it, so that a crash leaves no partial
/// store. The caller holds the lock.
fn create_file(directory: &Path, path: &Path) -> Result<(), StoreError> {
    let unfinished = directory.join(UNFINISHED);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io(&unfinished, error));
        }
        _ => {}
    }
    let database = Database::create(&unfinished).at(&unfinished)?;
    let transaction = database.begin_write().at(&unfinished)?;
    format::initialize(&transaction, &unfinished)?;
    transaction.commit().at(&unfinished)?;
    drop(database);
    fs::rename(&unfinished, path).map_err(|error| StoreError::io(path, error))?;
    Ok(folder::sync(directory)?)
}
