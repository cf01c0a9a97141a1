//! The manifests of the flat state's database, verified before it is opened.
//!
//! The database has a folder for each of its tables, with a manifest `v<number>`, and the file
//! `current` with the number and the checksum of the one that holds. It does not verify them, and
//! on a damaged one it panics, aborts, or removes a table as one that was never complete.

use std::fs;
use std::path::Path;

use twox_hash::XxHash3_128;

use super::ChainStoreError;

/// The folder with a folder of each table.
const TABLES: &str = "keyspaces";

/// The file that names the manifest: its number (8 bytes) and its checksum (16), little-endian, and
/// the kind of the checksum (1): 0, XXH3 of 128 bits.
const CURRENT: &str = "current";

/// The tables of a complete database: that of its own, and the state.
const COUNT: usize = 2;

/// Checks that all tables of a complete database are there, each with its manifest.
pub(super) fn check(path: &Path) -> Result<(), ChainStoreError> {
    let damaged = |reason: String| Err(ChainStoreError::damaged(path, reason));
    let tables = path.join(TABLES);
    let mut found = 0_usize;
    for entry in fs::read_dir(&tables).map_err(ChainStoreError::io(&tables))? {
        let table = entry.map_err(ChainStoreError::io(&tables))?.path();
        found = found.saturating_add(1);
        let current = table.join(CURRENT);
        let Some(bytes) = read(&current)? else {
            return damaged(format!("{} is missing", current.display()));
        };
        let Some((number, checksum)) = decode(&bytes) else {
            return damaged(format!("{} is malformed", current.display()));
        };
        let manifest = table.join(format!("v{number}"));
        let Some(content) = read(&manifest)? else {
            let (current, manifest) = (current.display(), manifest.display());
            return damaged(format!("{manifest} is missing, or {current} is wrong"));
        };
        if XxHash3_128::oneshot(&content) != checksum {
            let (current, manifest) = (current.display(), manifest.display());
            return damaged(format!("{manifest} has another checksum than {current}"));
        }
    }
    match found < COUNT {
        true => damaged(format!(
            "{} has {found} tables of {COUNT}",
            tables.display()
        )),
        false => Ok(()),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, ChainStoreError> {
    let exists = path.try_exists().and_then(|exists| match exists {
        true => fs::read(path).map(Some),
        false => Ok(None),
    });
    exists.map_err(ChainStoreError::io(path))
}

fn decode(bytes: &[u8]) -> Option<(u64, u128)> {
    let (number, rest) = bytes.split_first_chunk()?;
    let (checksum, kind) = rest.split_first_chunk()?;
    let decoded = (u64::from_le_bytes(*number), u128::from_le_bytes(*checksum));
    (kind == [0]).then_some(decoded)
}
