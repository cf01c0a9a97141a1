//! Readers of the log: concurrent with appends, they see acknowledged records only.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::files::{Files, LogFile};
use super::format::{Keys, SEGMENT_HEADER, segment_name, wide};
use super::walk::{Start, Walk};
use super::{Cut, Damage, LogError, opening, segment};

/// How much an iterator reads at a time, in bytes.
const CHUNK: usize = 256 << 10;

/// How much a read of one record reads at first, in bytes.
const PAGE: usize = 4 << 10;

/// For how many segments that are no longer written the offsets of their records are kept in
/// memory, 8 bytes a record.
const INDEXES: usize = 16;

/// Reads the records of a log. Cheap to clone, and usable from any thread while the log is appended
/// to. A failed append does not end it: what was acknowledged stays readable.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<Shared>,
}

/// A record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The height.
    pub height: u64,
    /// The bytes that were appended.
    pub payload: Vec<u8>,
}

/// What the log and its readers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) files: Arc<dyn Files>,
    pub(super) keys: Keys,
    pub(super) visible: Mutex<Visible>,
}

/// The acknowledged part of the log.
#[derive(Debug)]
pub(super) struct Visible {
    /// Without gaps, in the order of their heights. Never empty.
    pub(super) segments: Vec<Segment>,
    /// The height after the last acknowledged one.
    pub(super) next: u64,
    /// The offsets of the records of the last segment.
    pub(super) offsets: Vec<u64>,
    /// Offsets of the records of other segments, by first height.
    pub(super) indexes: BTreeMap<u64, Arc<Vec<u64>>>,
}

/// The acknowledged part of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// The height of its first record.
    pub(super) first: u64,
    /// The length in bytes.
    pub(super) length: u64,
}

impl Visible {
    pub(super) fn first(&self) -> u64 {
        self.segments.first().map_or(self.next, |first| first.first)
    }

    /// The segment with a height, and whether it is the last.
    fn segment(&self, height: u64) -> Option<(Segment, bool)> {
        let after = self.segments.partition_point(|one| one.first <= height);
        let found = self.segments.get(after.checked_sub(1)?)?;
        Some((*found, after == self.segments.len()))
    }
}

impl Shared {
    pub(super) fn visible(&self) -> MutexGuard<'_, Visible> {
        // Each change is one assignment after all that can fail, so a panic leaves it whole.
        self.visible.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Reads a log that is not open, and changes nothing. Returns what opening would cut off, too,
    /// or `None` if there is no log. Verifies what [opening](super::Log::open) does.
    ///
    /// # Errors
    ///
    /// As [`Log::open`](super::Log::open).
    pub fn inspect(
        files: Arc<dyn Files>,
        identity: [u8; 32],
    ) -> Result<Option<(Self, Option<Cut>)>, LogError> {
        let keys = Keys::new(identity);
        let Some((visible, cut)) = opening::inspect(&*files, &keys)? else {
            return Ok(None);
        };
        let shared = Shared {
            files,
            keys,
            visible: Mutex::new(visible),
        };
        Ok(Some((Self::new(Arc::new(shared)), cut)))
    }

    /// The lowest height that is kept.
    #[must_use]
    pub fn first_height(&self) -> u64 {
        self.shared.visible().first()
    }

    /// The height after the last acknowledged one.
    #[must_use]
    pub fn next_height(&self) -> u64 {
        self.shared.visible().next
    }

    /// The payload of the record at a height, or `None` if none is acknowledged yet.
    ///
    /// The first read in a segment that is no longer written reads the headers of its records.
    ///
    /// # Errors
    ///
    /// [`LogError::NotKept`] below the first height, [`LogError::Damaged`] if the record does not
    /// verify, [`LogError::Missing`] or [`LogError::Io`] if it cannot be read.
    pub fn read(&self, height: u64) -> Result<Option<Vec<u8>>, LogError> {
        let Some((segment, offset)) = self.locate(height)? else {
            return Ok(None);
        };
        let mut walk = self.walk(segment, offset, height, PAGE)?;
        Ok(walk.step()?.map(<[u8]>::to_vec))
    }

    /// The records from a height on, up to the last one that is acknowledged now, in order.
    /// Verifies each, and that each follows the one before. Ends after the first error.
    ///
    /// # Errors
    ///
    /// As [`Self::read`], each for its record.
    pub fn records(&self, from: u64) -> Records {
        Records {
            end: self.next_height(),
            next: from,
            walk: None,
            reader: self.clone(),
        }
    }

    /// Reads and verifies the whole log. Returns the number of records.
    ///
    /// # Errors
    ///
    /// The first [`LogError::Damaged`], [`LogError::Missing`] or [`LogError::Io`].
    pub fn verify(&self) -> Result<u64, LogError> {
        let mut count = 0;
        for record in self.records(self.first_height()) {
            record?;
            count += 1;
        }
        Ok(count)
    }

    /// The segment of an acknowledged height, and the offset of its record.
    fn locate(&self, height: u64) -> Result<Option<(Segment, u64)>, LogError> {
        let (segment, first) = {
            let visible = self.shared.visible();
            if height >= visible.next {
                return Ok(None);
            }
            let Some((segment, is_last)) = visible.segment(height) else {
                let first = visible.first();
                return Err(LogError::NotKept { height, first });
            };
            if height == segment.first {
                return Ok(Some((segment, wide(SEGMENT_HEADER))));
            }
            let index = usize::try_from(height - segment.first).ok();
            let offset = if is_last {
                index.and_then(|index| visible.offsets.get(index))
            } else {
                let offsets = visible.indexes.get(&segment.first);
                offsets.and_then(|offsets| offsets.get(index?))
            };
            if let Some(offset) = offset {
                return Ok(Some((segment, *offset)));
            }
            (segment, segment.first)
        };
        let offsets = Arc::new(self.index(segment)?);
        let index = usize::try_from(height - first).ok();
        let offset = index.and_then(|index| offsets.get(index).copied());
        let mut visible = self.shared.visible();
        if visible.indexes.len() >= INDEXES {
            visible.indexes.pop_first();
        }
        visible.indexes.insert(first, offsets);
        drop(visible);
        match offset {
            Some(offset) => Ok(Some((segment, offset))),
            None => Err(self.ends(segment, height)),
        }
    }

    /// The offsets of the records of a segment, by their headers.
    fn index(&self, segment: Segment) -> Result<Vec<u64>, LogError> {
        let start = wide(SEGMENT_HEADER);
        let mut walk = self.walk(segment, start, segment.first, PAGE)?;
        let mut offsets = Vec::new();
        loop {
            let offset = walk.offset;
            if !walk.skip()? {
                return Ok(offsets);
            }
            offsets.push(offset);
        }
    }

    pub(super) fn walk(
        &self,
        segment: Segment,
        offset: u64,
        height: u64,
        chunk: usize,
    ) -> Result<Walk, LogError> {
        let start = Start {
            file: self.open(segment)?,
            path: self.shared.files.path(&segment_name(segment.first)),
            end: segment.length,
            offset,
            height,
            previous: None,
        };
        Ok(Walk::new(start, &self.shared.keys, chunk))
    }

    fn open(&self, segment: Segment) -> Result<Arc<dyn LogFile>, LogError> {
        let name = segment_name(segment.first);
        let path = self.shared.files.path(&name);
        match self.shared.files.open(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let first = self.first_height();
                let height = segment.first;
                // Retention may have deleted it since it was looked up.
                Err(if height < first {
                    LogError::NotKept { height, first }
                } else {
                    LogError::Missing { path }
                })
            }
            opened => opened.map_err(LogError::io(&path)),
        }
    }

    fn ends(&self, segment: Segment, height: u64) -> LogError {
        LogError::Damaged {
            path: self.shared.files.path(&segment_name(segment.first)),
            offset: segment.length,
            height,
            damage: Damage::Ends {
                acknowledged: self.next_height(),
            },
        }
    }
}

/// An iterator over records, see [`Reader::records`].
#[derive(Debug)]
pub struct Records {
    reader: Reader,
    next: u64,
    end: u64,
    walk: Option<Walk>,
}

impl Iterator for Records {
    type Item = Result<Record, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let read = self.read();
        self.next = match read {
            Ok(_) => self.next.saturating_add(1),
            Err(_) => self.end,
        };
        Some(read)
    }
}

impl Records {
    fn read(&mut self) -> Result<Record, LogError> {
        let height = self.next;
        if self.walk.as_ref().is_none_or(Walk::is_at_end) {
            let next = self.enter(height)?;
            self.walk = Some(next);
        }
        let payload = match &mut self.walk {
            Some(walk) => walk.step()?.map(<[u8]>::to_vec),
            None => None,
        };
        let payload = payload.ok_or(LogError::NotKept {
            height,
            first: self.reader.first_height(),
        })?;
        Ok(Record { height, payload })
    }

    /// Opens the segment with a height, which has to follow the one before.
    fn enter(&self, height: u64) -> Result<Walk, LogError> {
        let reader = &self.reader;
        let Some((segment, offset)) = reader.locate(height)? else {
            return Err(LogError::NotKept {
                height,
                first: reader.first_height(),
            });
        };
        let mut walk = reader.walk(segment, offset, height, CHUNK)?;
        if height != segment.first {
            return match &self.walk {
                None => Ok(walk),
                Some(_) => Err(reader.ends(segment, height)),
            };
        }
        let file = reader.open(segment)?;
        let header = segment::read_header(&*file, segment.first, walk.path(), &reader.shared.keys)?;
        walk.previous = Some(header.previous);
        match self.walk.as_ref().map(|before| before.previous) {
            Some(Some(previous)) if previous != header.previous => Err(LogError::Damaged {
                path: walk.path().to_path_buf(),
                offset: 0,
                height,
                damage: Damage::Chain,
            }),
            _ => Ok(walk),
        }
    }
}
