//! The file layer of the log: the few operations that it needs, in one folder.
//!
//! The log knows files by these traits only, so that a test can lose, tear and fail what an
//! operating system can. [`Folder`] is the implementation on a real file system.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::LogError;
use crate::folder::{self, Lock};

/// The files of one folder. Names are relative to it and have no separators.
///
/// Nothing is durable until it is synced: the content of a file by [`LogFile::sync`], and its
/// creation, renaming and removal by [`Files::sync_folder`].
pub trait Files: fmt::Debug + Send + Sync {
    /// The path of a file, for messages.
    fn path(&self, name: &str) -> PathBuf;

    /// The names of all files and folders, in any order. A name that is not UTF-8 is returned with
    /// replacement characters.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates an empty file, in place of one of this name.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn create(&self, name: &str) -> io::Result<Arc<dyn LogFile>>;

    /// Opens an existing file to read and write.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>>;

    /// Renames a file atomically, in place of one that has the new name.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Handles that are open remain readable.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renamings and removals durable.
    ///
    /// # Errors
    ///
    /// Those of the operating system. Then any of them may be durable or not.
    fn sync_folder(&self) -> io::Result<()>;
}

/// An open file.
pub trait LogFile: fmt::Debug + Send + Sync {
    /// The length in bytes.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn length(&self) -> io::Result<u64>;

    /// Reads up to `buffer.len()` bytes at an offset. Returns their number, 0 at the end.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes up to `bytes.len()` bytes at an offset. Returns their number.
    ///
    /// # Errors
    ///
    /// Those of the operating system. Then any part may be written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file off at a length.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Makes the content and the length durable.
    ///
    /// # Errors
    ///
    /// Those of the operating system. Then any part of what was written since the last successful
    /// sync may be durable or not, and a later sync does not make up for it: what the system still
    /// shows may never reach the disk.
    fn sync(&self) -> io::Result<()>;
}

/// Writes all bytes at an offset, in one write unless the system accepts only a part of them.
pub(super) fn write_all_at(file: &dyn LogFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    let (mut rest, mut offset) = (bytes, offset);
    while !rest.is_empty() {
        match file.write_at(rest, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                rest = rest.get(written..).ok_or(io::ErrorKind::InvalidData)?;
                offset = offset.saturating_add(super::format::wide(written));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills `buffer` from an offset on, or up to the end of the file. Returns the number of bytes.
pub(super) fn read_up_to(file: &dyn LogFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(super::format::wide(filled))) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A folder of the file system, locked against other processes as long as this lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: Lock,
}

impl Folder {
    /// Creates the folder if it is missing, durably, and locks it.
    ///
    /// # Errors
    ///
    /// [`LogError::Locked`] if another handle has it locked, [`LogError::Full`] or [`LogError::Io`]
    /// if the operating system fails.
    pub fn lock(path: &Path) -> Result<Self, LogError> {
        folder::create(path)?;
        Ok(Self {
            _lock: Lock::take(path)?,
            path: path.to_path_buf(),
        })
    }
}

impl Folder {
    /// Whether a folder is there, and has files of a log. Locks nothing.
    pub(crate) fn has_files(path: &Path) -> Result<bool, LogError> {
        match list(path) {
            Ok(names) => Ok(!names.is_empty()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(LogError::io(path)(error)),
        }
    }
}

impl Files for Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        list(&self.path)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(true).read(true).write(true);
        Ok(Arc::new(options.open(self.path(name))?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).open(self.path(name))?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        folder::sync(&self.path).map_err(|failure| failure.source)
    }
}

fn list(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != folder::LOCK {
            names.push(name);
        }
    }
    Ok(names)
}

impl LogFile for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(self, buffer, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(self, buffer, offset);
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_at(self, bytes, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_write(self, bytes, offset);
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
