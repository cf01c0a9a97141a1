//! Files that are written whole: a new segment, and the file of the acknowledged height.
//!
//! Each is complete and durable before it has its name, so a file with a name and a bad header is
//! damaged, never unfinished.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::files::{Files, LogFile, read_up_to, write_all_at};
use super::format::{
    Keys, MARK, MARK_LENGTH, Mark, Refusal, SEGMENT_HEADER, SegmentHeader, UNFINISHED_SUFFIX,
    VERSION, segment_name, wide,
};
use super::{Damage, LogError};

/// Writes a file under another name, syncs it, renames it and syncs the folder.
pub(super) fn create(
    files: &dyn Files,
    name: &str,
    content: &[u8],
) -> Result<Arc<dyn LogFile>, LogError> {
    let unfinished = format!("{name}{UNFINISHED_SUFFIX}");
    let path = files.path(name);
    let created = || -> io::Result<_> {
        let file = files.create(&unfinished)?;
        write_all_at(&*file, content, 0)?;
        file.sync()?;
        files.rename(&unfinished, name)?;
        files.sync_folder()?;
        Ok(file)
    };
    created().map_err(LogError::io(&path))
}

/// Creates a segment.
pub(super) fn create_segment(
    files: &dyn Files,
    header: &SegmentHeader,
    keys: &Keys,
) -> Result<Arc<dyn LogFile>, LogError> {
    create(files, &segment_name(header.first), &header.encode(keys))
}

/// Reads the header of the segment with the name of a height.
pub(super) fn read_header(
    file: &dyn LogFile,
    first: u64,
    path: &Path,
    keys: &Keys,
) -> Result<SegmentHeader, LogError> {
    let mut bytes = [0; SEGMENT_HEADER];
    let read = read_up_to(file, &mut bytes, 0).map_err(LogError::io(path))?;
    let bytes = bytes.get(..read).unwrap_or_default();
    let header = SegmentHeader::decode(bytes, keys);
    let header = header.map_err(|refusal| refused(refusal, first, path, keys))?;
    if header.first != first {
        let damage = Damage::Name {
            found: header.first,
        };
        return Err(refused(Refusal::Damage(damage), first, path, keys));
    }
    Ok(header)
}

/// Writes the file of the acknowledged height in place of the one before, atomically.
pub(super) fn write_mark(files: &dyn Files, mark: &Mark, keys: &Keys) -> Result<(), LogError> {
    create(files, MARK, &mark.encode(keys)).map(drop)
}

/// Reads the file of the acknowledged height.
pub(super) fn read_mark(files: &dyn Files, keys: &Keys) -> Result<Mark, LogError> {
    let path = files.path(MARK);
    let failed = LogError::io(&path);
    let file = files.open(MARK).map_err(&failed)?;
    let mut bytes = [0; MARK_LENGTH];
    let read = read_up_to(&*file, &mut bytes, 0).map_err(&failed)?;
    let mark = Mark::decode(bytes.get(..read).unwrap_or_default(), keys);
    let mark = mark.map_err(|refusal| refused(refusal, 0, &path, keys))?;
    let (found, expected) = (file.length().map_err(&failed)?, wide(MARK_LENGTH));
    if found != expected {
        let damage = Damage::Length { found, expected };
        return Err(refused(Refusal::Damage(damage), mark.next, &path, keys));
    }
    Ok(mark)
}

fn refused(refusal: Refusal, height: u64, path: &Path, keys: &Keys) -> LogError {
    let path = path.to_path_buf();
    match refusal {
        Refusal::Damage(damage) => LogError::Damaged {
            path,
            offset: 0,
            height,
            damage,
        },
        Refusal::Version(found) => LogError::Version {
            path,
            found,
            expected: VERSION,
        },
        Refusal::OtherIdentity(found) => LogError::OtherIdentity {
            path,
            found,
            expected: keys.identity(),
        },
    }
}
