//! The files of the flat state's database, verified before it is opened.
//!
//! The database has a folder for each of its keyspaces. The file `current` there has the number and
//! the checksum of the manifest `v<number>`, which has the numbers and checksums of the tables. The
//! database compares none of these checksums: on a damaged file it panics, aborts, or removes a
//! keyspace as one that was never complete.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use twox_hash::XxHash3_128;

use super::ChainStoreError;

/// The file with the version of the database's format: three letters and a number.
const VERSION: (&str, &[u8; 3], u8) = ("version", b"FJL", 3);

/// The folder with a folder of each keyspace.
const KEYSPACES: &str = "keyspaces";

/// The keyspaces of a complete database: that of its own, and the state.
const COUNT: usize = 2;

/// The file that names the manifest: its number (8 bytes), the checksum (16, little-endian), and
/// the kind of the checksum (1).
const CURRENT: &str = "current";

/// The folder of the tables of a keyspace. The file of a table has its number as the name.
pub(super) const TABLES: &str = "tables";

/// The kind of all checksums: XXH3 of 128 bits.
const XXH3: u8 = 0;

/// How much is read at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// Checks that all keyspaces of a complete database are there, with the manifests and tables that
/// belong to them. Reads all of them.
pub(super) fn check(path: &Path) -> Result<(), ChainStoreError> {
    let damaged = |reason: String| ChainStoreError::damaged(path, reason);
    check_version(path, damaged)?;
    let keyspaces = path.join(KEYSPACES);
    let mut found = 0_usize;
    for entry in fs::read_dir(&keyspaces).map_err(ChainStoreError::io(&keyspaces))? {
        let keyspace = entry.map_err(ChainStoreError::io(&keyspaces))?.path();
        found = found.saturating_add(1);
        let (manifest, content) = read_manifest(&keyspace, damaged)?;
        let tables = decode_tables(&content);
        let tables = tables.ok_or_else(|| damaged(format!("{} is malformed", manifest.display())));
        for (number, checksum) in tables? {
            let table = keyspace.join(TABLES).join(number.to_string());
            if required(&table, hash(&table), damaged)? != checksum {
                let (table, manifest) = (table.display(), manifest.display());
                return Err(damaged(format!(
                    "{table} has another checksum than in {manifest}"
                )));
            }
        }
    }
    match found < COUNT {
        true => {
            let keyspaces = keyspaces.display();
            Err(damaged(format!(
                "{keyspaces} has {found} folders instead of {COUNT}"
            )))
        }
        false => Ok(()),
    }
}

fn check_version(
    path: &Path,
    damaged: impl Fn(String) -> ChainStoreError,
) -> Result<(), ChainStoreError> {
    let (name, letters, expected) = VERSION;
    let path = path.join(name);
    let bytes = required(&path, fs::read(&path), &damaged)?;
    match bytes.strip_prefix(letters) {
        Some(&[found]) if found == expected => Ok(()),
        Some(&[found]) => Err(ChainStoreError::Version {
            path,
            found: found.into(),
            expected: expected.into(),
        }),
        _ => Err(damaged(format!("{} is malformed", path.display()))),
    }
}

/// The manifest that `current` names, and its content.
fn read_manifest(
    keyspace: &Path,
    damaged: impl Fn(String) -> ChainStoreError,
) -> Result<(PathBuf, Vec<u8>), ChainStoreError> {
    let current = keyspace.join(CURRENT);
    let bytes = required(&current, fs::read(&current), &damaged)?;
    let decoded = decode_current(&bytes);
    let (number, checksum) =
        decoded.ok_or_else(|| damaged(format!("{} is malformed", current.display())))?;
    let manifest = keyspace.join(format!("v{number}"));
    let content = fs::read(&manifest).map_err(|error| match error.kind() {
        // Either of both can be the one that is damaged.
        io::ErrorKind::NotFound => {
            let (current, manifest) = (current.display(), manifest.display());
            damaged(format!("{manifest} is missing, which {current} names"))
        }
        _ => ChainStoreError::io(&manifest)(error),
    })?;
    match XxHash3_128::oneshot(&content) == checksum {
        true => Ok((manifest, content)),
        false => {
            let (current, manifest) = (current.display(), manifest.display());
            Err(damaged(format!(
                "{manifest} has another checksum than in {current}"
            )))
        }
    }
}

/// What was read of a file that has to be there.
fn required<T>(
    path: &Path,
    read: io::Result<T>,
    damaged: impl Fn(String) -> ChainStoreError,
) -> Result<T, ChainStoreError> {
    read.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => damaged(format!("{} is missing", path.display())),
        _ => ChainStoreError::io(path)(error),
    })
}

fn hash(path: &Path) -> io::Result<u128> {
    let mut file = File::open(path)?;
    let mut hasher = XxHash3_128::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish_128()),
            Ok(read) => hasher.write(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn decode_current(bytes: &[u8]) -> Option<(u64, u128)> {
    let (number, rest) = bytes.split_first_chunk()?;
    let (checksum, kind) = rest.split_first_chunk()?;
    let decoded = (u64::from_le_bytes(*number), u128::from_le_bytes(*checksum));
    (kind == [XXH3]).then_some(decoded)
}

/// The numbers and checksums of the tables of a manifest.
fn decode_tables(manifest: &[u8]) -> Option<Vec<(u64, u128)>> {
    let archive = sfa::Reader::from_reader(&mut Cursor::new(manifest)).ok()?;
    let section = archive.toc().section(b"tables")?;
    let start = usize::try_from(section.pos()).ok()?;
    let length = usize::try_from(section.len()).ok()?;
    let mut rest = manifest.get(start..)?.get(..length)?;
    let mut tables = Vec::new();
    for _ in 0..u8::from_le_bytes(take(&mut rest)?) {
        for _ in 0..u8::from_le_bytes(take(&mut rest)?) {
            for _ in 0..u32::from_le_bytes(take(&mut rest)?) {
                let number = u64::from_le_bytes(take(&mut rest)?);
                if take(&mut rest)? != [XXH3] {
                    return None;
                }
                tables.push((number, u128::from_le_bytes(take(&mut rest)?)));
                // The sequence number of what was ingested.
                take::<8>(&mut rest)?;
            }
        }
    }
    rest.is_empty().then_some(tables)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}
