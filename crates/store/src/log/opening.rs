//! Opening: what is complete, what is a torn tail, and what is damage.
//!
//! Nothing is written before all that opening reads has verified. A torn tail is cut. Records above
//! the noted height are written once more and synced, because a sync that failed before the log was
//! opened may have left them in the memory of the operating system alone.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::files::{Files, LogFile, read_up_to, write_all_at};
use super::format::{
    GENESIS, Keys, MARK, Mark, SEGMENT_HEADER, SegmentHeader, UNFINISHED_SUFFIX, segment_height,
    segment_name, wide,
};
use super::reader::{Segment, Visible};
use super::segment::{create_segment, read_header, read_mark, write_mark};
use super::walk::{Flaw, Start, Stop, Walk};
use super::{Checksum, Cut, Damage, LogError};

/// How much is read or rewritten at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// A log that is ready for appends.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) segments: Vec<Segment>,
    /// The last segment.
    pub(super) file: Arc<dyn LogFile>,
    /// The offsets of its records.
    pub(super) offsets: Vec<u64>,
    pub(super) next: u64,
    /// The checksum of the last record.
    pub(super) checksum: Checksum,
    pub(super) cut: Option<Cut>,
}

/// The files of a log.
#[derive(Debug, Default)]
struct Names {
    /// By first height.
    segments: Vec<u64>,
    has_mark: bool,
    unfinished: Vec<String>,
}

impl Names {
    fn list(files: &dyn Files) -> Result<Self, LogError> {
        let mut names = Self::default();
        for name in files.list().map_err(LogError::io(&files.path("")))? {
            let finished = name.strip_suffix(UNFINISHED_SUFFIX);
            if let Some(first) = segment_height(&name) {
                names.segments.push(first);
            } else if name == MARK {
                names.has_mark = true;
            } else if finished.is_some_and(|name| name == MARK || segment_height(name).is_some()) {
                names.unfinished.push(name);
            } else {
                let path = files.path(&name);
                return Err(LogError::Foreign { path });
            }
        }
        names.segments.sort_unstable();
        Ok(names)
    }
}

/// Opens the log, and creates one that begins at height `first` if there is none.
pub(super) fn open(files: &dyn Files, keys: &Keys, first: u64) -> Result<Opened, LogError> {
    let names = Names::list(files)?;
    if !names.has_mark {
        return create(files, keys, first, &names);
    }
    let Checked {
        mark,
        deleted,
        last,
        scanned,
    } = check(files, keys, &names)?;
    let changed = scanned.make_durable(&mark)?;
    // The height at which the log begins has to be durable before what is below it is removed. The
    // removals need not be: the next opening does what a crash undoes.
    files.sync_folder().map_err(LogError::io(&files.path("")))?;
    let deleted = deleted.into_iter().map(segment_name);
    let leftovers: Vec<String> = deleted.chain(names.unfinished).collect();
    remove(files, &leftovers)?;
    if changed {
        let mark = Mark {
            first: mark.first,
            next: scanned.next,
            checksum: scanned.checksum,
        };
        write_mark(files, &mark, keys)?;
    }
    let mut segments = last.before;
    segments.push(Segment {
        first: last.header.first,
        length: scanned.end,
    });
    Ok(Opened {
        segments,
        file: last.file,
        offsets: scanned.offsets,
        next: scanned.next,
        checksum: scanned.checksum,
        cut: scanned.cut,
    })
}

/// What opening has found, before it writes anything.
#[derive(Debug)]
struct Checked {
    mark: Mark,
    /// The first heights of segments that retention has deleted, and a crash has kept.
    deleted: Vec<u64>,
    last: Last,
    scanned: Scanned,
}

fn check(files: &dyn Files, keys: &Keys, names: &Names) -> Result<Checked, LogError> {
    let mark = read_mark(files, keys)?;
    let (deleted, kept): (Vec<u64>, Vec<u64>) =
        (names.segments.iter()).partition(|height| **height < mark.first);
    let last = check_segments(files, keys, &mark, &kept)?;
    let scanned = scan_last(files, keys, &mark, &last)?;
    Ok(Checked {
        mark,
        deleted,
        last,
        scanned,
    })
}

/// What opening would find, without writing anything: the records, and what it would cut. `None` if
/// there is no log, or one whose creation a crash has interrupted.
pub(super) fn inspect(
    files: &dyn Files,
    keys: &Keys,
) -> Result<Option<(Visible, Option<Cut>)>, LogError> {
    let names = Names::list(files)?;
    if !names.has_mark {
        return leftovers(files, keys, &names).map(|_| None);
    }
    let Checked { last, scanned, .. } = check(files, keys, &names)?;
    let mut segments = last.before;
    segments.push(Segment {
        first: last.header.first,
        length: scanned.end,
    });
    let visible = Visible {
        segments,
        next: scanned.next,
        offsets: scanned.offsets,
        indexes: BTreeMap::new(),
    };
    Ok(Some((visible, scanned.cut)))
}

/// The files of a log whose creation a crash has interrupted: the segment comes first, and the file
/// of the acknowledged height after it.
fn leftovers(files: &dyn Files, keys: &Keys, names: &Names) -> Result<Vec<String>, LogError> {
    let mut leftovers = names.unfinished.clone();
    for &height in &names.segments {
        let name = segment_name(height);
        let path = files.path(&name);
        let file = files.open(&name).map_err(LogError::io(&path))?;
        read_header(&*file, height, &path, keys)?;
        let length = file.length().map_err(LogError::io(&path))?;
        if length > wide(SEGMENT_HEADER) || names.segments.len() > 1 {
            let path = files.path(MARK);
            return Err(LogError::Missing { path });
        }
        leftovers.push(name);
    }
    Ok(leftovers)
}

/// Creates a log, or finishes what a crash interrupted.
fn create(files: &dyn Files, keys: &Keys, first: u64, names: &Names) -> Result<Opened, LogError> {
    remove(files, &leftovers(files, keys, names)?)?;
    let header = SegmentHeader {
        first,
        previous: GENESIS,
        previous_first: first,
        previous_length: 0,
    };
    let file = create_segment(files, &header, keys)?;
    let mark = Mark {
        first,
        next: first,
        checksum: GENESIS,
    };
    write_mark(files, &mark, keys)?;
    let length = wide(SEGMENT_HEADER);
    Ok(Opened {
        segments: vec![Segment { first, length }],
        file,
        offsets: Vec::new(),
        next: first,
        checksum: GENESIS,
        cut: None,
    })
}

fn remove(files: &dyn Files, names: &[String]) -> Result<(), LogError> {
    for name in names {
        let path = files.path(name);
        files.remove(name).map_err(LogError::io(&path))?;
    }
    Ok(())
}

/// The last segment, which is the only one that can have a torn tail, and those before it.
#[derive(Debug)]
struct Last {
    before: Vec<Segment>,
    header: SegmentHeader,
    file: Arc<dyn LogFile>,
    path: PathBuf,
    length: u64,
}

/// Checks the headers of all segments, that none is missing, and that all but the last have the
/// length that they had when the next was begun.
fn check_segments(
    files: &dyn Files,
    keys: &Keys,
    mark: &Mark,
    kept: &[u64],
) -> Result<Last, LogError> {
    let missing = |first| LogError::Missing {
        path: files.path(&segment_name(first)),
    };
    let mut last: Option<Last> = None;
    for &first in kept {
        let name = segment_name(first);
        let path = files.path(&name);
        let file = files.open(&name).map_err(LogError::io(&path))?;
        let header = read_header(&*file, first, &path, keys)?;
        let length = file.length().map_err(LogError::io(&path))?;
        let before = match last {
            None if first == mark.first => Vec::new(),
            None => return Err(missing(mark.first)),
            Some(last) => last.followed_by(&header, missing)?,
        };
        last = Some(Last {
            before,
            header,
            file,
            path,
            length,
        });
    }
    last.ok_or_else(|| missing(mark.first))
}

impl Last {
    /// Checks that a segment follows. Returns all segments before it.
    fn followed_by(
        mut self,
        next: &SegmentHeader,
        missing: impl Fn(u64) -> LogError,
    ) -> Result<Vec<Segment>, LogError> {
        let first = self.header.first;
        if next.previous_first > first {
            return Err(missing(next.previous_first));
        }
        let damage = if next.previous_first < first {
            Damage::Order {
                found: next.previous_first,
            }
        } else if next.previous_length != self.length {
            Damage::Length {
                found: self.length,
                expected: next.previous_length,
            }
        } else {
            let length = self.length;
            self.before.push(Segment { first, length });
            return Ok(self.before);
        };
        Err(LogError::Damaged {
            path: self.path,
            offset: self.length.min(next.previous_length),
            height: next.first,
            damage,
        })
    }
}

/// What the last segment has.
#[derive(Debug)]
struct Scanned {
    file: Arc<dyn LogFile>,
    path: PathBuf,
    offsets: Vec<u64>,
    /// Where the last good record ends.
    end: u64,
    /// Where the first record above the noted height begins.
    noted: u64,
    next: u64,
    checksum: Checksum,
    cut: Option<Cut>,
}

/// Verifies the records of the last segment, and tells a torn tail from damage.
fn scan_last(
    files: &dyn Files,
    keys: &Keys,
    mark: &Mark,
    last: &Last,
) -> Result<Scanned, LogError> {
    let path = files.path(&segment_name(last.header.first));
    let start = Start {
        file: Arc::clone(&last.file),
        path: path.clone(),
        end: last.length,
        offset: wide(SEGMENT_HEADER),
        height: last.header.first,
        previous: Some(last.header.previous),
    };
    let mut walk = Walk::new(start, keys, CHUNK);
    let mut offsets = Vec::new();
    let mut noted = walk.offset;
    let cut = loop {
        if walk.height == mark.next {
            noted = walk.offset;
            check_noted(&walk, mark)?;
        }
        let offset = walk.offset;
        match walk.step() {
            Ok(Some(_)) => offsets.push(offset),
            Ok(None) => break None,
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Bad(flaw)) => break Some(torn(flaw, mark, last.length)?),
        }
    };
    if walk.height < mark.next {
        return Err(LogError::Damaged {
            path,
            offset: walk.offset,
            height: walk.height,
            damage: Damage::Ends {
                acknowledged: mark.next,
            },
        });
    }
    Ok(Scanned {
        file: Arc::clone(&last.file),
        path,
        offsets,
        end: walk.offset,
        noted,
        next: walk.height,
        checksum: walk.previous.unwrap_or(last.header.previous),
        cut,
    })
}

/// Checks that the last acknowledged record is the one that was noted.
fn check_noted(walk: &Walk, mark: &Mark) -> Result<(), LogError> {
    if walk.previous == Some(mark.checksum) {
        return Ok(());
    }
    Err(LogError::Damaged {
        path: walk.path().to_path_buf(),
        offset: walk.offset,
        height: mark.next,
        damage: Damage::Chain,
    })
}

/// A bad record is a torn tail if it is above the noted height, and no sign says that it was
/// durable.
fn torn(flaw: Flaw, mark: &Mark, length: u64) -> Result<Cut, LogError> {
    if flaw.height < mark.next || !flaw.may_be_torn {
        return Err(flaw.into());
    }
    Ok(Cut {
        height: flaw.height,
        offset: flaw.offset,
        bytes: length.saturating_sub(flaw.offset),
        damage: flaw.damage,
    })
}

impl Scanned {
    /// Cuts a torn tail, and makes durable the records that may not be. Returns whether anything is
    /// above the noted height.
    fn make_durable(&self, mark: &Mark) -> Result<bool, LogError> {
        let failed = LogError::io(&self.path);
        if self.cut.is_some() {
            self.file.truncate(self.end).map_err(&failed)?;
        }
        let mut offset = self.noted;
        while offset < self.end {
            let rest = usize::try_from(self.end - offset).unwrap_or(CHUNK);
            let mut part = vec![0; rest.min(CHUNK)];
            let read = read_up_to(&*self.file, &mut part, offset).map_err(&failed)?;
            if read < part.len() {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
            write_all_at(&*self.file, &part, offset).map_err(&failed)?;
            offset = offset.saturating_add(wide(read));
        }
        if self.cut.is_some() || self.noted < self.end {
            self.file.sync().map_err(&failed)?;
        }
        Ok(self.next > mark.next)
    }
}
