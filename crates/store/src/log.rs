//! The block log: an append-only history of blocks in one folder, one durable write each.
//!
//! [`Log::append`] returns after the record is durable. After any crash the log opens with every
//! record whose append had returned, and at most the one that was being appended. A record has a
//! length, its height, the checksum of the record before, its own checksum and a payload, which the
//! log does not interpret. Damage of any byte is detected when the byte is read, and named with
//! file, offset and height.
//!
//! Opening verifies the headers of all segments and the records of the last one. Reading verifies
//! every record that it returns, and [`Reader::verify`] the whole log. `docs/log-format.md` has the
//! format, and what opening decides.
//!
//! ```
//! use fusee_store::log::{Log, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let root = tempfile::tempdir()?;
//! let mut log = Log::open(root.path(), Options::new([7; 32]))?;
//! let height = log.append(b"the first block")?;
//!
//! let reader = log.reader();
//! assert_eq!(reader.read(height)?.as_deref(), Some(b"the first block".as_slice()));
//! log.close()?;
//! # Ok(())
//! # }
//! ```

mod copy;
mod error;
mod files;
mod format;
mod opening;
mod reader;
mod segment;
mod truncate;
mod walk;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub use error::{Damage, LogError};
pub use files::{Files, Folder, LogFile};
pub use reader::{Reader, Record, Records};

use files::write_all_at;
use format::{Keys, Mark, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentHeader, wide};
use reader::{Segment, Shared, Visible};

use crate::text::with_causes;

/// A checksum of 32 bytes: keyed BLAKE3.
type Checksum = [u8; 32];

/// Maximum length of a payload in bytes.
const MAX_PAYLOAD: u32 = 1 << 30;

/// How a log is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Identifies the chain or store. A log of another identity is refused.
    pub identity: [u8; 32],
    /// The height of the first record of a new log (default: 0). An existing log keeps its own.
    pub first_height: u64,
    /// Maximum length of a segment in bytes, but for one with a single larger record (default:
    /// 64 MiB). Opening reads the last segment, and retention deletes whole segments.
    pub segment_bytes: u64,
    /// After how many appends the acknowledged height is noted in a file of its own (default: 64).
    /// Noting takes two syncs. See [`Log::note`].
    pub note_interval: u64,
}

impl Options {
    /// The defaults for a log of an identity.
    #[must_use]
    pub fn new(identity: [u8; 32]) -> Self {
        Self {
            identity,
            first_height: 0,
            segment_bytes: 64 << 20,
            note_interval: 64,
        }
    }
}

/// What opening has cut off: the rest of a record whose append had not returned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cut {
    /// The height of the record.
    pub height: u64,
    /// Where it began in the last segment, in bytes.
    pub offset: u64,
    /// How many bytes were cut off.
    pub bytes: u64,
    /// What was wrong with it.
    pub damage: Damage,
}

/// What retention may delete.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// The lowest height to keep. Segments with this height or a higher one stay whole.
    pub keep_from: u64,
    /// The lowest height that something else still needs, such as the state behind the log: it is
    /// kept, whatever `keep_from` says.
    pub limit: u64,
}

/// A segment that retention has deleted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Deleted {
    /// The file.
    pub path: PathBuf,
    /// The heights of its records.
    pub heights: Range<u64>,
    /// Its length in bytes.
    pub bytes: u64,
}

/// An open log, which one thread appends to.
///
/// After a write or sync has failed, what the disk has is not known. So nothing is tried again: all
/// later writes are refused with [`LogError::Poisoned`], and the log has to be opened anew.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    options: Options,
    /// The last segment.
    file: Arc<dyn LogFile>,
    /// Its first height and its length in bytes.
    segment: Segment,
    next: u64,
    /// The checksum of the last record.
    checksum: Checksum,
    /// The height after the last one that is noted.
    noted: u64,
    cut: Option<Cut>,
    /// The message of the first error.
    failure: Option<String>,
    /// The record that is being written.
    buffer: Vec<u8>,
}

impl Log {
    /// Opens the log in a folder of its own, and creates both if they are missing.
    ///
    /// # Errors
    ///
    /// [`LogError::Locked`] if the log is already open. [`LogError::Foreign`],
    /// [`LogError::Version`], [`LogError::OtherIdentity`] or [`LogError::Missing`] if the folder is
    /// not that of this log, or lacks a file. [`LogError::Damaged`] if acknowledged bytes have
    /// changed. Up to then, nothing was modified. [`LogError::Full`] or [`LogError::Io`] if the
    /// operating system fails.
    pub fn open(folder: &Path, options: Options) -> Result<Self, LogError> {
        Self::open_in(Arc::new(Folder::lock(folder)?), options)
    }

    /// As [`Self::open`], in another file layer.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_in(files: Arc<dyn Files>, options: Options) -> Result<Self, LogError> {
        let keys = Keys::new(options.identity);
        let opened = opening::open(&*files, &keys, options.first_height)?;
        let segment = *opened.segments.last().ok_or_else(|| LogError::Missing {
            path: files.path(&format::segment_name(options.first_height)),
        })?;
        let visible = Visible {
            segments: opened.segments,
            next: opened.next,
            offsets: opened.offsets,
            indexes: BTreeMap::new(),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                files,
                keys,
                visible: Mutex::new(visible),
            }),
            options,
            file: opened.file,
            segment,
            next: opened.next,
            checksum: opened.checksum,
            noted: opened.next,
            cut: opened.cut,
            failure: None,
            buffer: Vec::new(),
        })
    }

    /// A reader of the acknowledged records, now and later.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// The lowest height that is kept.
    #[must_use]
    pub fn first_height(&self) -> u64 {
        self.shared.visible().first()
    }

    /// The height of the next record.
    #[must_use]
    pub fn next_height(&self) -> u64 {
        self.next
    }

    /// What opening has cut off, if anything.
    #[must_use]
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// Appends a record and returns its height. It is durable then, by one write and one sync, and
    /// readers see it.
    ///
    /// # Errors
    ///
    /// [`LogError::TooLarge`] for a payload of more than 1 GiB. [`LogError::Full`] or
    /// [`LogError::Io`] if the operating system fails: then the record may or may not be in the log
    /// when it is opened anew. [`LogError::Poisoned`] after that.
    pub fn append(&mut self, payload: &[u8]) -> Result<u64, LogError> {
        let too_large = || LogError::TooLarge {
            found: wide(payload.len()),
            limit: u64::from(MAX_PAYLOAD),
        };
        let length = u32::try_from(payload.len()).map_err(|_| too_large())?;
        if length > MAX_PAYLOAD {
            return Err(too_large());
        }
        self.guard(|log| log.write(length, payload))
    }

    /// Notes the acknowledged height in a file of its own, durably. A bad record below it is damage
    /// for certain, where a bad last record above it can also be the rest of an append that a crash
    /// interrupted.
    ///
    /// Happens by itself when the log is opened or closed, and every
    /// [`note_interval`](Options::note_interval) appends.
    ///
    /// # Errors
    ///
    /// [`LogError::Full`] or [`LogError::Io`] if the operating system fails, [`LogError::Poisoned`]
    /// after that.
    pub fn note(&mut self) -> Result<(), LogError> {
        let first = self.first_height();
        self.guard(|log| log.write_mark(first))
    }

    /// Deletes the segments whose records are all below both heights of `retention`, but never the
    /// last one. Returns what it has deleted, lowest height first.
    ///
    /// Readers that have reached such a segment can finish it.
    ///
    /// # Errors
    ///
    /// [`LogError::Full`] or [`LogError::Io`] if the operating system fails: then the log finishes
    /// the deletion when it is opened anew. [`LogError::Poisoned`] after that.
    pub fn prune(&mut self, retention: Retention) -> Result<Vec<Deleted>, LogError> {
        self.guard(|log| log.delete_below(retention.keep_from.min(retention.limit)))
    }

    /// Notes the acknowledged height and closes the log. Dropping it does the same, but ignores
    /// errors, which lose nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::note`].
    pub fn close(mut self) -> Result<(), LogError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), LogError> {
        if self.noted == self.next && self.failure.is_none() {
            return Ok(());
        }
        self.note()
    }

    /// Refuses to go on after a failure, and remembers one.
    fn guard<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        if let Some(cause) = &self.failure {
            return Err(LogError::Poisoned {
                path: self.shared.files.path(""),
                cause: cause.clone(),
            });
        }
        let result = act(self);
        if let Err(error) = &result {
            self.failure = Some(with_causes(error));
        }
        result
    }

    fn write(&mut self, length: u32, payload: &[u8]) -> Result<u64, LogError> {
        // Before the write: after it, a failure would refuse a record that is durable.
        if self.next.saturating_sub(self.noted) >= self.options.note_interval {
            self.write_mark(self.first_height())?;
        }
        let record_length = wide(RECORD_HEADER).saturating_add(u64::from(length));
        let has_records = self.next > self.segment.first;
        let end = self.segment.length.saturating_add(record_length);
        if has_records && end > self.options.segment_bytes {
            self.begin_segment()?;
        }
        let (keys, height, offset) = (&self.shared.keys, self.next, self.segment.length);
        let header = RecordHeader::new(length, height, self.checksum, payload, keys);
        self.buffer.clear();
        header.encode(keys, &mut self.buffer);
        self.buffer.extend_from_slice(payload);
        let written = write_all_at(&*self.file, &self.buffer, offset);
        let synced = written.and_then(|()| self.file.sync());
        synced.map_err(|error| LogError::io(&self.path(self.segment.first))(error))?;

        self.segment.length = offset.saturating_add(record_length);
        self.next = height.saturating_add(1);
        self.checksum = header.checksum;
        let mut visible = self.shared.visible();
        visible.next = self.next;
        visible.offsets.push(offset);
        if let Some(last) = visible.segments.last_mut() {
            *last = self.segment;
        }
        Ok(height)
    }

    /// Creates the next segment. All records of the one before are durable.
    fn begin_segment(&mut self) -> Result<(), LogError> {
        let header = SegmentHeader {
            first: self.next,
            previous: self.checksum,
            previous_first: self.segment.first,
            previous_length: self.segment.length,
        };
        self.file = segment::create_segment(&*self.shared.files, &header, &self.shared.keys)?;
        self.segment = Segment {
            first: self.next,
            length: wide(SEGMENT_HEADER),
        };
        let mut visible = self.shared.visible();
        visible.offsets.clear();
        visible.segments.push(self.segment);
        Ok(())
    }

    fn write_mark(&mut self, first: u64) -> Result<(), LogError> {
        let mark = Mark {
            first,
            next: self.next,
            checksum: self.checksum,
        };
        segment::write_mark(&*self.shared.files, &mark, &self.shared.keys)?;
        self.noted = self.next;
        Ok(())
    }

    fn delete_below(&mut self, bound: u64) -> Result<Vec<Deleted>, LogError> {
        let segments = self.shared.visible().segments.clone();
        let mut deleted = Vec::new();
        let mut first = self.first_height();
        for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
            if next.first > bound {
                break;
            }
            deleted.push(Deleted {
                path: self.path(segment.first),
                heights: segment.first..next.first,
                bytes: segment.length,
            });
            first = next.first;
        }
        if deleted.is_empty() {
            return Ok(deleted);
        }
        // Noted first: without it, a crash would leave a log whose first segments are missing.
        self.write_mark(first)?;
        let mut visible = self.shared.visible();
        visible.segments.drain(..deleted.len());
        visible.indexes = visible.indexes.split_off(&first);
        drop(visible);
        let files = &self.shared.files;
        for one in &deleted {
            let removed = files.remove(&format::segment_name(one.heights.start));
            removed.map_err(LogError::io(&one.path))?;
        }
        files.sync_folder().map_err(LogError::io(&files.path("")))?;
        Ok(deleted)
    }

    fn path(&self, first: u64) -> PathBuf {
        self.shared.files.path(&format::segment_name(first))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.failure.is_none() {
            // Without it, opening writes the records above the noted height once more.
            let _ = self.finish();
        }
    }
}
