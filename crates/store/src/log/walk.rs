//! A walk over the records of one segment, which verifies each.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{LogFile, read_up_to};
use super::format::{Keys, RECORD_HEADER, RecordHeader, wide};
use super::{Checksum, Damage, LogError};

/// A position in a segment.
#[derive(Debug)]
pub(super) struct Walk {
    window: Window,
    path: PathBuf,
    keys: Keys,
    /// Where the segment ends, in bytes.
    end: u64,
    /// Where the next record begins, in bytes.
    pub(super) offset: u64,
    /// The height of the next record.
    pub(super) height: u64,
    /// The checksum of the record before, if it is known.
    pub(super) previous: Option<Checksum>,
}

/// Where a walk begins.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) file: Arc<dyn LogFile>,
    pub(super) path: PathBuf,
    pub(super) end: u64,
    pub(super) offset: u64,
    pub(super) height: u64,
    pub(super) previous: Option<Checksum>,
}

/// Why a walk cannot go on.
#[derive(Debug)]
pub(super) enum Stop {
    Error(LogError),
    Bad(Flaw),
}

/// A record that does not verify.
#[derive(Debug)]
pub(super) struct Flaw {
    path: PathBuf,
    pub(super) offset: u64,
    pub(super) height: u64,
    pub(super) damage: Damage,
    /// Whether a write of this record that was cut off by a crash explains the flaw.
    pub(super) may_be_torn: bool,
}

impl From<Flaw> for LogError {
    fn from(flaw: Flaw) -> Self {
        Self::Damaged {
            path: flaw.path,
            offset: flaw.offset,
            height: flaw.height,
            damage: flaw.damage,
        }
    }
}

impl From<Stop> for LogError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Error(error) => error,
            Stop::Bad(flaw) => flaw.into(),
        }
    }
}

impl Walk {
    /// A walk that reads at least `chunk` bytes at a time.
    pub(super) fn new(start: Start, keys: &Keys, chunk: usize) -> Self {
        Self {
            window: Window::new(start.file, chunk, start.end),
            path: start.path,
            keys: keys.clone(),
            end: start.end,
            offset: start.offset,
            height: start.height,
            previous: start.previous,
        }
    }

    /// Whether all records were walked over.
    pub(super) fn is_at_end(&self) -> bool {
        self.offset >= self.end
    }

    /// The path of the segment.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The payload of the next record, or `None` at the end of the segment.
    pub(super) fn step(&mut self) -> Result<Option<&[u8]>, Stop> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        let begin = self.offset.saturating_add(wide(RECORD_HEADER));
        let payload_end = begin.saturating_add(u64::from(header.length));
        if payload_end > self.end {
            return Err(self.flaw(Damage::PayloadCut, true));
        }
        let length = usize::try_from(header.length).map_err(|_| self.too_large())?;
        let payload = self.window.bytes(begin, length);
        let payload = payload.map_err(|error| Stop::Error(LogError::io(&self.path)(error)))?;
        if payload.len() == length && header.expected(payload, &self.keys) == header.checksum {
            self.advance(payload_end, &header);
            // Borrowed anew, because the borrow checker extends the first borrow to all returns.
            let payload = self.window.bytes(begin, length);
            return payload
                .map(Some)
                .map_err(|error| Stop::Error(LogError::io(&self.path)(error)));
        }
        // A later record is written only after this one was synced.
        Err(self.flaw(Damage::Record, payload_end == self.end))
    }

    /// Walks over the next record by its header, without reading the payload.
    pub(super) fn skip(&mut self) -> Result<bool, Stop> {
        let Some(header) = self.header()? else {
            return Ok(false);
        };
        let begin = self.offset.saturating_add(wide(RECORD_HEADER));
        let payload_end = begin.saturating_add(u64::from(header.length));
        if payload_end > self.end {
            return Err(self.flaw(Damage::PayloadCut, true));
        }
        self.advance(payload_end, &header);
        Ok(true)
    }

    /// The verified header of the next record, or `None` at the end of the segment.
    fn header(&mut self) -> Result<Option<RecordHeader>, Stop> {
        if self.is_at_end() {
            return Ok(None);
        }
        let rest = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        let bytes = self.window.bytes(self.offset, RECORD_HEADER.min(rest));
        let bytes = bytes.map_err(|error| Stop::Error(LogError::io(&self.path)(error)))?;
        let decoded = RecordHeader::decode(bytes, &self.keys);
        let header = decoded.map_err(|damage| self.flaw(damage, true))?;
        // No crash makes a header whose checksum matches.
        if header.height != self.height {
            let found = header.height;
            return Err(self.flaw(Damage::Height { found }, false));
        }
        if self.previous.is_some_and(|known| known != header.previous) {
            return Err(self.flaw(Damage::Chain, false));
        }
        Ok(Some(header))
    }

    fn advance(&mut self, offset: u64, header: &RecordHeader) {
        self.offset = offset;
        self.height = header.height.saturating_add(1);
        self.previous = Some(header.checksum);
    }

    fn flaw(&self, damage: Damage, may_be_torn: bool) -> Stop {
        Stop::Bad(Flaw {
            path: self.path.clone(),
            offset: self.offset,
            height: self.height,
            damage,
            may_be_torn,
        })
    }

    fn too_large(&self) -> Stop {
        Stop::Error(LogError::io(&self.path)(io::ErrorKind::OutOfMemory.into()))
    }
}

/// A part of a file in memory.
#[derive(Debug)]
struct Window {
    file: Arc<dyn LogFile>,
    chunk: usize,
    /// The end of what is read ahead.
    end: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn new(file: Arc<dyn LogFile>, chunk: usize, end: u64) -> Self {
        Self {
            file,
            chunk,
            end,
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// The bytes at an offset, fewer at the end of the file.
    fn bytes(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        if self.range(offset, length).is_none() {
            let rest = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
            self.bytes.resize(length.max(self.chunk.min(rest)), 0);
            let read = read_up_to(&*self.file, &mut self.bytes, offset)?;
            self.bytes.truncate(read);
            self.start = offset;
        }
        let available = self.range(offset, length).or_else(|| self.bytes.get(..));
        Ok(available.unwrap_or_default())
    }

    fn range(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let begin = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(begin..begin.checked_add(length)?)
    }
}
