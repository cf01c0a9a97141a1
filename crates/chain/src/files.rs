//! Small files that are written at once and durably, and whose damage is noticed: an encoding, and
//! the BLAKE3 hash of it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fusee_ledger::{DecodeError, Header};
use tempfile::NamedTempFile;

use crate::ChainError;

/// The length of the checksum in bytes.
const CHECKSUM: usize = blake3::OUT_LEN;

/// Writes a header into a file, durably, in the place of another one.
///
/// # Errors
///
/// [`ChainError::Io`] if the operating system fails.
pub fn write_header(path: &Path, header: &Header) -> Result<(), ChainError> {
    let folder = folder_of(path);
    let file = temporary(folder, &header.encode())?;
    let kept = file.persist(path);
    kept.map_err(|error| ChainError::io(path)(error.error))?;
    sync(folder)
}

/// Reads a header from a file that [`write_header`] wrote. `None` if there is no file.
///
/// # Errors
///
/// [`ChainError::BaseFile`] if it is damaged, [`ChainError::NewerFile`] if a newer version of this
/// program wrote it. [`ChainError::Io`] if the operating system fails.
pub fn read_header(path: &Path) -> Result<Option<Header>, ChainError> {
    read(path, Header::decode, |path, source| ChainError::BaseFile {
        path,
        source,
    })
}

/// Writes a file at once, unless there is one. Whose it is then, the caller has to look.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), ChainError> {
    let folder = folder_of(path);
    match temporary(folder, bytes)?.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(ChainError::io(path)(error.error)),
    }
    sync(folder)
}

/// Reads what a file has. `None` if there is no file. `damaged` makes the error.
pub(crate) fn read<T>(
    path: &Path,
    decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
    damaged: impl FnOnce(PathBuf, DecodeError) -> ChainError,
) -> Result<Option<T>, ChainError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ChainError::io(path)(error)),
    };
    match verified(&bytes).and_then(decode) {
        Ok(content) => Ok(Some(content)),
        Err(DecodeError::Version { found, expected }) => Err(ChainError::NewerFile {
            path: path.to_path_buf(),
            found,
            expected,
        }),
        Err(source) => Err(damaged(path.to_path_buf(), source)),
    }
}

/// The content, by its checksum.
fn verified(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    match bytes.split_last_chunk::<CHECKSUM>() {
        Some((content, checksum)) if blake3::hash(content) == *checksum => Ok(content),
        _ => {
            let message = "the checksum is not that of the content";
            Err(io::Error::new(io::ErrorKind::InvalidData, message).into())
        }
    }
}

/// Writes a file that has no name yet, durably.
fn temporary(folder: &Path, bytes: &[u8]) -> Result<NamedTempFile, ChainError> {
    let failed = ChainError::io(folder);
    let mut file = NamedTempFile::new_in(folder).map_err(&failed)?;
    let checksum = blake3::hash(bytes);
    let written = file
        .write_all(bytes)
        .and_then(|()| file.write_all(checksum.as_bytes()))
        .and_then(|()| file.as_file().sync_all());
    written.map_err(&failed)?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the names in a folder durable, where folders can be opened as files.
fn sync(folder: &Path) -> Result<(), ChainError> {
    if cfg!(unix) {
        let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(ChainError::io(folder))?;
    }
    Ok(())
}
