//! Export: writes the chunks of a version into a folder.
//!
//! The state is ordered by key and the chunks by path. So one scan hands the entries to a file for
//! each chunk, and each of these is sorted by itself.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use fusee_proof::{Hash, path, value_hash};

use super::subtree::Subtree;
use super::{
    Entry, MANIFEST, MAX_BITS, Manifest, Rest, SnapshotError, chunk_name, chunk_of, encode_entry,
    encode_header,
};
use crate::chain::unfinished::Unfinished;
use crate::chain::{ChainStore, ChainStoreError, Head, Version};

/// How many bytes of entries are in memory before they are written to their files.
const BUFFER: usize = 64 << 20;

impl ChainStore {
    /// Writes a snapshot of the state after a block, by default the head, into a new folder: the
    /// file [`MANIFEST`], and one for each [chunk](chunk_name). Blocks go on meanwhile.
    ///
    /// Chunks are made so that they have about `chunk_bytes` bytes or fewer, and are at most
    /// 65,536. Nodes that give the same number write the same bytes. Numbers below 64 KiB are for
    /// tests: a state of some size then has a file for each few entries.
    ///
    /// A snapshot that a kill interrupts leaves a folder whose name ends with `.unfinished`, which
    /// can be removed.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Exists`] if the folder exists, [`ChainStoreError::InsideStore`] if it is
    /// in the folder of the store. [`ChainStoreError::NotServed`] or
    /// [`ChainStoreError::NoGenesis`] if there is no such version. [`ChainStoreError::Full`] or
    /// [`ChainStoreError::Io`] if the operating system fails.
    pub fn export(
        &self,
        height: Option<u64>,
        target: &Path,
        chunk_bytes: u64,
    ) -> Result<Manifest, SnapshotError> {
        let unfinished = Unfinished::create(target, &self.folder)?;
        let version = self.version(height)?;
        let manifest = Manifest {
            identity: self.options.identity,
            head: Head {
                height: version.height(),
                root: version.root(),
            },
            bits: bits(&version, chunk_bytes)?,
        };
        write(&version, &manifest, unfinished.path())?;
        write_file(&unfinished.path().join(MANIFEST), &[&manifest.encode()])?;
        unfinished.finish()?;
        Ok(manifest)
    }
}

/// The least number of bits that makes chunks small enough, by the bytes of all entries.
fn bits(version: &Version, chunk_bytes: u64) -> Result<u8, ChainStoreError> {
    let mut all = 0_u64;
    for entry in version.entries() {
        let (key, value) = entry?;
        let bytes = key.len().saturating_add(value.len()).saturating_add(8);
        all = all.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
    let fits = |bits: &u8| all.checked_shr(u32::from(*bits)).unwrap_or(0) <= chunk_bytes;
    Ok((0..MAX_BITS).find(fits).unwrap_or(MAX_BITS))
}

fn write(version: &Version, manifest: &Manifest, folder: &Path) -> Result<(), ChainStoreError> {
    distribute(version, manifest, folder)?;
    // Each level of the tree from the chunks up, which have the root in common.
    let mut level = Vec::new();
    let mut counts = Vec::new();
    for number in 0..manifest.chunks() {
        let entries = read_part(folder, number)?;
        let leaves: Vec<(Hash, Hash)> = entries
            .iter()
            .map(|(path, (_, value))| (*path, value_hash(value)))
            .collect();
        level.push(Subtree::of(&leaves, usize::from(manifest.bits)));
        let mut bytes = Vec::new();
        for (_, (key, value)) in &entries {
            encode_entry(key, value, &mut bytes);
        }
        counts.push(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        write_file(&folder.join(part_name(number)), &[&bytes])?;
    }
    let mut levels = vec![level];
    for _ in 0..manifest.bits {
        let below = levels.last().map(Vec::as_slice).unwrap_or_default();
        let above = below.chunks_exact(2).map(|halves| match halves {
            [left, right] => left.clone().join(right.clone()),
            _ => Subtree::Empty,
        });
        let above = above.collect();
        levels.push(above);
    }
    for (number, count) in (0..manifest.chunks()).zip(counts) {
        let header = encode_header(number, &siblings(&levels, number), count);
        let part = folder.join(part_name(number));
        let entries = fs::read(&part).map_err(ChainStoreError::io(&part))?;
        write_file(&folder.join(chunk_name(number)), &[&header, &entries])?;
        fs::remove_file(&part).map_err(ChainStoreError::io(&part))?;
    }
    Ok(())
}

/// What stands beside the way to a chunk, from the root on. `levels` begin with the chunks.
fn siblings(levels: &[Vec<Subtree>], number: u32) -> Vec<Subtree> {
    let mut at = usize::try_from(number).unwrap_or(usize::MAX);
    let mut siblings = Vec::new();
    for level in levels.iter().filter(|level| level.len() > 1) {
        siblings.extend(level.get(at ^ 1).cloned());
        at /= 2;
    }
    siblings.reverse();
    siblings
}

/// Writes the entries of each chunk into a file, in the order of their keys.
fn distribute(
    version: &Version,
    manifest: &Manifest,
    folder: &Path,
) -> Result<(), ChainStoreError> {
    let mut parts: Vec<Vec<u8>> = (0..manifest.chunks()).map(|_| Vec::new()).collect();
    let mut buffered = 0;
    for entry in version.entries() {
        let (key, value) = entry?;
        let number = chunk_of(&path(&key), manifest.bits);
        let part = usize::try_from(number)
            .ok()
            .and_then(|at| parts.get_mut(at));
        if let Some(part) = part {
            encode_entry(&key, &value, part);
        }
        buffered = key
            .len()
            .saturating_add(value.len())
            .saturating_add(buffered);
        if buffered > BUFFER {
            append(&mut parts, folder)?;
            buffered = 0;
        }
    }
    append(&mut parts, folder)
}

fn append(parts: &mut [Vec<u8>], folder: &Path) -> Result<(), ChainStoreError> {
    for (number, part) in (0..).zip(parts) {
        let path = folder.join(part_name(number));
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(part));
        written.map_err(ChainStoreError::io(&path))?;
        part.clear();
    }
    Ok(())
}

/// The entries of a chunk with their paths, in ascending order of these.
fn read_part(folder: &Path, number: u32) -> Result<Vec<(Hash, Entry)>, ChainStoreError> {
    let file = folder.join(part_name(number));
    let bytes = fs::read(&file).map_err(ChainStoreError::io(&file))?;
    let mut rest = Rest(&bytes);
    let mut entries = Vec::new();
    while let (Some(key), Some(value)) = (rest.part(), rest.part()) {
        entries.push((path(key), (key.to_vec(), value.to_vec())));
    }
    entries.sort_unstable_by_key(|(path, _)| *path);
    Ok(entries)
}

fn part_name(number: u32) -> String {
    format!("{number:05}.part")
}

/// Writes a file durably.
fn write_file(path: &Path, parts: &[&[u8]]) -> Result<(), ChainStoreError> {
    let written = fs::File::create(path).and_then(|mut file| {
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()
    });
    written.map_err(ChainStoreError::io(path))
}
