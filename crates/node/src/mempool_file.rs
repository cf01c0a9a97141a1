//! The file `waiting` in the data folder: what waited when the node was shut down.
//!
//! It is the version, and the list of the encoded transactions, by borsh. It is written as a whole
//! or not at all, and removed when its transactions wait again.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use tempfile::NamedTempFile;

use crate::{Mempool, NodeError};

const FILE: &str = "waiting";

/// The version of the format: its first byte.
const VERSION: u8 = 1;

/// The transactions that waited, those of each sender in the order of their nonces.
pub(crate) fn read(folder: &Path) -> Result<Vec<Vec<u8>>, NodeError> {
    let path = folder.join(FILE);
    let failed = failed(&path);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    match borsh::from_slice(&bytes) {
        Ok((VERSION, waiting)) => Ok(waiting),
        Ok((version, _)) => {
            let message = format!("it has version {version}, this program reads {VERSION}");
            Err(failed(io::Error::other(message)))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Removes the file.
pub(crate) fn remove(folder: &Path) -> Result<(), NodeError> {
    let path = folder.join(FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&path)(error)),
        _ => Ok(()),
    }
}

/// Writes what waits.
pub(crate) fn write(folder: &Path, mempool: &Mempool) -> Result<(), NodeError> {
    let waiting = mempool.transactions();
    if waiting.is_empty() {
        return remove(folder);
    }
    let path = folder.join(FILE);
    let bytes = borsh::to_vec(&(VERSION, waiting)).map_err(failed(&path))?;
    let mut file = NamedTempFile::new_in(folder).map_err(failed(&path))?;
    let written = file
        .write_all(&bytes)
        .and_then(|()| file.as_file().sync_all());
    written.map_err(failed(&path))?;
    let persisted = file.persist(&path).map_err(|error| error.error);
    persisted.map(drop).map_err(failed(&path))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> NodeError {
    move |source| NodeError::Waiting {
        path: path.to_path_buf(),
        source,
    }
}
