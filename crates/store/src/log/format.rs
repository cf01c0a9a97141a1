//! The bytes of the log: segment header, record header and the file of the acknowledged height.
//!
//! Every byte of every file is covered by a checksum. `docs/log-format.md` has the tables. A change
//! of the layout needs another [`VERSION`].

use super::{Checksum, Damage};

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// The name of the file with the acknowledged height.
pub(super) const MARK: &str = "acknowledged";

/// The suffix of segments.
const SEGMENT_SUFFIX: &str = ".seg";

/// The suffix of a file that is not complete yet, and gets its name when it is.
pub(super) const UNFINISHED_SUFFIX: &str = ".new";

const SEGMENT_MAGIC: [u8; 8] = *b"fuseelog";
const MARK_MAGIC: [u8; 8] = *b"fuseeack";

/// The length of a checksum.
const CHECKSUM: usize = 32;

/// The length of the checksum of a record's header.
const HEADER_CHECK: usize = 16;

/// Magic number, version and identity, with which every file begins.
const PREFIX: usize = 8 + 4 + 32;

/// The length of a segment's header in bytes.
pub(super) const SEGMENT_HEADER: usize = PREFIX + 8 + CHECKSUM + 8 + 8 + CHECKSUM;

/// The length of a record's header in bytes.
pub(super) const RECORD_HEADER: usize = 4 + 8 + CHECKSUM + CHECKSUM + HEADER_CHECK;

/// The length in bytes of the file with the acknowledged height.
pub(super) const MARK_LENGTH: usize = PREFIX + 8 + 8 + CHECKSUM + CHECKSUM;

/// The checksum before the first record of a log.
pub(super) const GENESIS: Checksum = [0; CHECKSUM];

/// The name of the segment that begins at a height. Names sort by height.
pub(super) fn segment_name(first: u64) -> String {
    format!("{first:020}{SEGMENT_SUFFIX}")
}

/// The height in the name of a segment, if it is one.
pub(super) fn segment_height(name: &str) -> Option<u64> {
    let first = name.strip_suffix(SEGMENT_SUFFIX)?.parse().ok()?;
    (segment_name(first) == name).then_some(first)
}

/// A length as a number of the format.
pub(super) fn wide(length: usize) -> u64 {
    u64::try_from(length).expect("no address space has more than 64 bits")
}

/// The keys of the checksums of one log. Each kind of checksum has its own, derived from the
/// identity, so bytes of another kind or of another log never match.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    identity: [u8; 32],
    segment: [u8; 32],
    header: [u8; 32],
    record: [u8; 32],
    mark: [u8; 32],
}

impl Keys {
    pub(super) fn new(identity: [u8; 32]) -> Self {
        Self {
            identity,
            segment: blake3::derive_key("fusee block log 1: segment header", &identity),
            header: blake3::derive_key("fusee block log 1: record header", &identity),
            record: blake3::derive_key("fusee block log 1: record", &identity),
            mark: blake3::derive_key("fusee block log 1: acknowledged height", &identity),
        }
    }

    pub(super) fn identity(&self) -> [u8; 32] {
        self.identity
    }
}

/// Why a segment header or the file of the acknowledged height is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    Damage(Damage),
    Version(u32),
    OtherIdentity([u8; 32]),
}

/// The header of a segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct SegmentHeader {
    /// The height of its first record.
    pub(super) first: u64,
    /// The checksum of the record before its first.
    pub(super) previous: Checksum,
    /// The first height of the segment before. The first segment of a log names itself.
    pub(super) previous_first: u64,
    /// The length in bytes of the segment before, 0 if there was none.
    pub(super) previous_length: u64,
}

impl SegmentHeader {
    pub(super) fn encode(&self, keys: &Keys) -> Vec<u8> {
        let mut bytes = prefix(SEGMENT_MAGIC, keys);
        bytes.extend(self.first.to_le_bytes());
        bytes.extend(self.previous);
        bytes.extend(self.previous_first.to_le_bytes());
        bytes.extend(self.previous_length.to_le_bytes());
        seal(bytes, &keys.segment)
    }

    pub(super) fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, Refusal> {
        let fields = &mut open(bytes, SEGMENT_MAGIC, keys, |keys| keys.segment)?;
        let mut decoded = || {
            Some(Self {
                first: u64::from_le_bytes(take(fields)?),
                previous: take(fields)?,
                previous_first: u64::from_le_bytes(take(fields)?),
                previous_length: u64::from_le_bytes(take(fields)?),
            })
        };
        decoded().ok_or(Refusal::Damage(Damage::HeaderCut))
    }
}

/// The acknowledged height, as far as it was noted, and the height at which the log begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Mark {
    /// The first height of the first segment that is kept.
    pub(super) first: u64,
    /// The height after the last acknowledged one.
    pub(super) next: u64,
    /// The checksum of the last acknowledged record.
    pub(super) checksum: Checksum,
}

impl Mark {
    pub(super) fn encode(&self, keys: &Keys) -> Vec<u8> {
        let mut bytes = prefix(MARK_MAGIC, keys);
        bytes.extend(self.first.to_le_bytes());
        bytes.extend(self.next.to_le_bytes());
        bytes.extend(self.checksum);
        seal(bytes, &keys.mark)
    }

    pub(super) fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, Refusal> {
        let fields = &mut open(bytes, MARK_MAGIC, keys, |keys| keys.mark)?;
        let mut decoded = || {
            Some(Self {
                first: u64::from_le_bytes(take(fields)?),
                next: u64::from_le_bytes(take(fields)?),
                checksum: take(fields)?,
            })
        };
        decoded().ok_or(Refusal::Damage(Damage::HeaderCut))
    }
}

/// The header of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RecordHeader {
    /// The length of the payload in bytes.
    pub(super) length: u32,
    pub(super) height: u64,
    /// The checksum of the record before.
    pub(super) previous: Checksum,
    /// The checksum of this record.
    pub(super) checksum: Checksum,
}

impl RecordHeader {
    pub(super) fn new(
        length: u32,
        height: u64,
        previous: Checksum,
        payload: &[u8],
        keys: &Keys,
    ) -> Self {
        let mut header = Self {
            length,
            height,
            previous,
            checksum: GENESIS,
        };
        header.checksum = header.expected(payload, keys);
        header
    }

    /// The checksum that the record has with a payload.
    pub(super) fn expected(&self, payload: &[u8], keys: &Keys) -> Checksum {
        let mut hasher = blake3::Hasher::new_keyed(&keys.record);
        hasher.update(&self.length.to_le_bytes());
        hasher.update(&self.height.to_le_bytes());
        hasher.update(&self.previous);
        hasher.update(payload);
        hasher.finalize().into()
    }

    /// Appends the header to `bytes`.
    pub(super) fn encode(&self, keys: &Keys, bytes: &mut Vec<u8>) {
        let mut fields = Vec::with_capacity(RECORD_HEADER);
        fields.extend(self.length.to_le_bytes());
        fields.extend(self.height.to_le_bytes());
        fields.extend(self.previous);
        fields.extend(self.checksum);
        let check = header_check(&fields, keys);
        bytes.extend(fields);
        bytes.extend(check);
    }

    /// The header at the start of `bytes`.
    pub(super) fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, Damage> {
        let bytes = bytes.get(..RECORD_HEADER).ok_or(Damage::HeaderCut)?;
        let Some((fields, check)) = bytes.split_last_chunk::<HEADER_CHECK>() else {
            return Err(Damage::HeaderCut);
        };
        if header_check(fields, keys) != *check {
            return Err(Damage::Header);
        }
        let fields = &mut &*fields;
        let mut decoded = || {
            Some(Self {
                length: u32::from_le_bytes(take(fields)?),
                height: u64::from_le_bytes(take(fields)?),
                previous: take(fields)?,
                checksum: take(fields)?,
            })
        };
        decoded().ok_or(Damage::HeaderCut)
    }
}

fn header_check(fields: &[u8], keys: &Keys) -> [u8; HEADER_CHECK] {
    let mut check = [0; HEADER_CHECK];
    let mut hasher = blake3::Hasher::new_keyed(&keys.header);
    hasher.update(fields).finalize_xof().fill(&mut check);
    check
}

fn prefix(magic: [u8; 8], keys: &Keys) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SEGMENT_HEADER);
    bytes.extend(magic);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(keys.identity);
    bytes
}

/// Appends the checksum.
fn seal(mut bytes: Vec<u8>, key: &[u8; 32]) -> Vec<u8> {
    let checksum = blake3::keyed_hash(key, &bytes);
    bytes.extend(checksum.as_bytes());
    bytes
}

/// Checks prefix and checksum, and returns the fields between them.
fn open<'a>(
    bytes: &'a [u8],
    magic: [u8; 8],
    keys: &Keys,
    key: impl Fn(&Keys) -> [u8; 32],
) -> Result<&'a [u8], Refusal> {
    let cut = || Refusal::Damage(Damage::HeaderCut);
    let rest = &mut &*bytes;
    if take(rest).ok_or_else(cut)? != magic {
        return Err(Refusal::Damage(Damage::Magic));
    }
    // Other versions may have another layout, so nothing behind the version is read before.
    let version = u32::from_le_bytes(take(rest).ok_or_else(cut)?);
    if version != VERSION {
        return Err(Refusal::Version(version));
    }
    let identity: [u8; 32] = take(rest).ok_or_else(cut)?;
    let (covered, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or_else(cut)?;
    let (fields, _) = rest.split_last_chunk::<CHECKSUM>().ok_or_else(cut)?;
    // With the keys of the identity in the file: a changed bit is damage, not another chain.
    let found = Keys::new(identity);
    if blake3::keyed_hash(&key(&found), covered) != *checksum {
        return Err(Refusal::Damage(Damage::Header));
    }
    if identity != keys.identity {
        return Err(Refusal::OtherIdentity(identity));
    }
    Ok(fields)
}

/// Removes `N` bytes from the start.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
