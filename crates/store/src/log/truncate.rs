//! Truncation: removes the last records, on purpose.
//!
//! The acknowledged height is lowered first, then segments are removed, the last one first, and
//! then the last one that stays is cut. So a crash leaves a log that opens, with some more records
//! than were asked for: repeat the truncation.

use super::format::{Mark, SEGMENT_HEADER, segment_name, wide};
use super::reader::Segment;
use super::segment::{read_header, write_mark};
use super::{Log, LogError};

/// How much is read at a time, in bytes.
const CHUNK: usize = 256 << 10;

impl Log {
    /// Removes the record at height `next` and all above it, durably, and closes the log. Does
    /// nothing if there is no such record.
    ///
    /// # Errors
    ///
    /// [`LogError::NotKept`] if `next` is below the first height. [`LogError::Damaged`] if the
    /// segment that stays last does not verify. Up to then, nothing was modified.
    /// [`LogError::Full`] or [`LogError::Io`] if the operating system fails.
    pub fn truncate(mut self, next: u64) -> Result<(), LogError> {
        if next >= self.next {
            return self.close();
        }
        self.guard(|log| log.cut_from(next))
    }

    fn cut_from(&mut self, next: u64) -> Result<(), LogError> {
        let segments = self.shared.visible().segments.clone();
        let first = self.first_height();
        let not_kept = LogError::NotKept {
            height: next,
            first,
        };
        if next < first {
            return Err(not_kept);
        }
        let stays = |segment: &&Segment| segment.first < next || segment.first == first;
        let last = *segments.iter().rfind(stays).ok_or(not_kept)?;

        let files = &*self.shared.files;
        let path = self.path(last.first);
        let failed = LogError::io(&path);
        let file = files.open(&segment_name(last.first)).map_err(&failed)?;
        let header = read_header(&*file, last.first, &path, &self.shared.keys)?;
        let begin = wide(SEGMENT_HEADER);
        let mut walk = self.reader().walk(last, begin, last.first, CHUNK)?;
        walk.previous = Some(header.previous);
        while walk.height < next {
            walk.step()?;
        }
        let mark = Mark {
            first,
            next,
            checksum: walk.previous.unwrap_or(header.previous),
        };
        write_mark(files, &mark, &self.shared.keys)?;
        // Nothing of this handle is to be noted when it is dropped.
        self.noted = self.next;
        for segment in segments.iter().rev() {
            if segment.first > last.first {
                let name = segment_name(segment.first);
                let removed = files.remove(&name).and_then(|()| files.sync_folder());
                removed.map_err(LogError::io(&files.path(&name)))?;
            }
        }
        let cut = file.truncate(walk.offset).and_then(|()| file.sync());
        cut.map_err(failed)
    }
}
