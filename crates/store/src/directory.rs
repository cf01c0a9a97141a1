//! The directory of a store: the file itself, a lock, and at times a file in the making.
//!
//! Guarantees that nothing is written into a directory that holds something else, that one
//! process at a time has the store, and that the file is there completely or not at all.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::panic;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use redb::Database;

use crate::error::At;
use crate::{Foreign, StoreError, format};

const FILE: &str = "state.redb";
const UNFINISHED: &str = "state.redb.new";
const LOCK: &str = "lock";

/// What a database file begins with.
const DATABASE_MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// Bytes of the file that the database keeps in memory, at most.
const CACHE_BYTES: usize = 128 << 20;

/// A store's file, open.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) path: PathBuf,
    pub(crate) database: Database,
    /// Held, never read: keeps others away. Last, so that the database is closed by then.
    pub(crate) _lock: Lock,
}

/// What keeps others away, until it is dropped or the process ends, be it by a crash.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    pub(crate) fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(LOCK);
        let failed = |error| StoreError::io(&path, error);
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
                path: directory.to_path_buf(),
            }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is just being started has it too.
        // If unlocking fails, closing is what is left.
        let _ = self.0.unlock();
    }
}

/// Opens the file of the store in `directory`, and makes both if they are missing.
pub(crate) fn open(directory: &Path) -> Result<OpenFile, StoreError> {
    create_directory(directory)?;
    let path = directory.join(FILE);
    if !has_database(&path)? {
        inspect_siblings(directory)?;
    }
    let lock = Lock::take(directory)?;
    // Asked again: only now can nobody else be making it.
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

/// Opens the file and compares every page of it with its checksum.
///
/// The database itself does so only after a crash. Otherwise it takes what it reads as it is: a
/// damaged value is returned, and a damaged page panics, in the worst case twice, which aborts.
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

/// Whether the file is there. Looks at it without touching it, and fails if it is no database.
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

/// Makes sure that a directory has nothing in it but what belongs to a store: one that is being
/// made, or that a crash left half made.
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

/// Makes an empty store under another name and then gives it its own, so that a crash in between
/// leaves no half of a store. The caller has the lock.
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
    sync_directory(directory)
}

/// Makes a directory and those above it, and makes them last.
fn create_directory(directory: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(directory, error);
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => return Err(failed(io::ErrorKind::NotADirectory.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let parent = match directory.parent() {
        None => return Err(failed(io::ErrorKind::NotFound.into())),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    create_directory(parent)?;
    match fs::create_dir(directory) {
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(failed)?,
    }
    sync_directory(parent)
}

/// Makes the names in a directory last. Where a directory cannot be opened as a file, the
/// platform does so itself.
fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| StoreError::io(directory, error))?;
    }
    Ok(())
}
