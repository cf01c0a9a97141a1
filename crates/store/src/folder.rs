//! Folders of a store: durable creation, and the lock that excludes other processes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The name of the lock file in a folder.
pub(crate) const LOCK: &str = "lock";

/// An operation of the operating system that failed, with its path.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) path: PathBuf,
    /// Of the kind `WouldBlock` if, and only if, another handle has the folder locked, and of the
    /// kind `NotADirectory` if there is something else in place of a folder.
    pub(crate) source: io::Error,
}

impl Failure {
    fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// An exclusive lock, released on drop or when the process ends, even by a crash.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    pub(crate) fn take(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let file = options.open(&path).map_err(Failure::at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::at(folder)(io::ErrorKind::WouldBlock.into()))
            }
            Err(TryLockError::Error(error)) => Err(Failure::at(&path)(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not sufficient: a child process that is being started may share it.
        // If unlocking fails, closing remains.
        let _ = self.0.unlock();
    }
}

/// Creates a folder and its parents, durably.
pub(crate) fn create(folder: &Path) -> Result<(), Failure> {
    let failed = Failure::at(folder);
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => return Err(failed(io::ErrorKind::NotADirectory.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let parent = match folder.parent() {
        None => return Err(failed(io::ErrorKind::NotFound.into())),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    create(parent)?;
    match fs::create_dir(folder) {
        // Another process has created it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(failed)?,
    }
    sync(parent)
}

/// Makes the entries of a folder durable. Platforms where folders cannot be opened as files do this
/// themselves.
pub(crate) fn sync(folder: &Path) -> Result<(), Failure> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(Failure::at(folder))?;
    }
    Ok(())
}

/// As [`sync`], for a folder and all folders below it.
pub(crate) fn sync_all(folder: &Path) -> Result<(), Failure> {
    let failed = Failure::at(folder);
    for entry in fs::read_dir(folder).map_err(&failed)? {
        let path = entry.map_err(&failed)?.path();
        if path.is_dir() {
            sync_all(&path)?;
        }
    }
    sync(folder)
}
