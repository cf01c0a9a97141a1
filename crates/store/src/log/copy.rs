//! Copies of a log: records of one log appended to a new one, with one sync for each file.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Files, Folder, Log, LogError, LogFile, Options, Reader};

impl Reader {
    /// Writes the records from a height on, up to `end`, into a new log in a folder of its own,
    /// which begins at that height and is durable then. Verifies each record.
    ///
    /// # Errors
    ///
    /// As [`Self::read`] for the records, and as [`Log::open`] and [`Log::append`] for the new log.
    pub fn copy(
        &self,
        from: u64,
        end: u64,
        folder: &Path,
        options: Options,
    ) -> Result<(), LogError> {
        let files = Arc::new(Deferred {
            folder: Folder::lock(folder)?,
            written: Mutex::default(),
        });
        let options = Options {
            first_height: from,
            note_interval: u64::MAX,
            ..options
        };
        let mut log = Log::open_in(Arc::<Deferred>::clone(&files), options)?;
        for record in self.records(from) {
            let record = record?;
            if record.height >= end {
                break;
            }
            log.append(&record.payload)?;
        }
        log.close()?;
        let synced = files.sync().and_then(|()| files.folder.sync_folder());
        synced.map_err(LogError::io(folder))
    }
}

/// A folder that nobody relies on before it is complete: files are synced when others are created.
#[derive(Debug)]
struct Deferred {
    folder: Folder,
    /// The last files that were created, in order.
    written: Mutex<VecDeque<Arc<dyn LogFile>>>,
}

/// How many files that were created last may still be written: a segment, and the file of the
/// acknowledged height that is created after it.
const WRITTEN: usize = 2;

impl Deferred {
    fn sync(&self) -> io::Result<()> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.iter().try_for_each(|file| file.sync())
    }
}

impl Files for Deferred {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.folder.list()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        self.sync()?;
        let file = self.folder.create(name)?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.push_back(Arc::clone(&file));
        if written.len() > WRITTEN {
            written.pop_front();
        }
        Ok(Arc::new(Unsynced(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        self.folder.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A file of which [`Deferred`] takes care.
#[derive(Debug)]
struct Unsynced(Arc<dyn LogFile>);

impl LogFile for Unsynced {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
