//! A folder that is made under another name, and gets its own when it is complete.
//!
//! Its name until then is one that nothing has: what others have made is neither used nor removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ChainStoreError;
use crate::folder;

/// The suffix of the folder until it is complete.
const UNFINISHED: &str = "unfinished";

/// A folder that is being made. It is removed if it is dropped before it is complete.
#[derive(Debug)]
pub(super) struct Unfinished {
    target: PathBuf,
    path: PathBuf,
    is_finished: bool,
}

impl Unfinished {
    /// Makes a folder beside `target`, where nothing may be, and which may not be inside of
    /// `store`.
    pub(super) fn create(target: &Path, store: &Path) -> Result<Self, ChainStoreError> {
        // Without a slash at the end, which makes a name no place for a new folder.
        let target = target.components().as_path().to_path_buf();
        if target.try_exists().map_err(ChainStoreError::io(&target))? {
            return Err(ChainStoreError::Exists { path: target });
        }
        check_outside(&target, store)?;
        if let Some(parent) = parent(&target) {
            folder::create(parent)?;
        }
        for number in 0_u32.. {
            let mut name = target.as_os_str().to_owned();
            name.push(format!(".{number}.{UNFINISHED}"));
            let path = PathBuf::from(name);
            match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ChainStoreError::io(&path)(error)),
                Ok(()) => {
                    return Ok(Self {
                        target,
                        path,
                        is_finished: false,
                    });
                }
            }
        }
        Err(ChainStoreError::Exists { path: target })
    }

    /// Where the folder is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the folder its own name, durably.
    pub(super) fn finish(mut self) -> Result<(), ChainStoreError> {
        folder::sync(&self.path)?;
        fs::rename(&self.path, &self.target).map_err(ChainStoreError::io(&self.target))?;
        self.is_finished = true;
        folder::sync(parent(&self.target).unwrap_or(Path::new(".")))?;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_finished {
            // There is an error already, which says more.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn parent(path: &Path) -> Option<&Path> {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
}

/// Checks that a path is not inside of a store, which refuses to open with a foreign folder in it.
fn check_outside(target: &Path, store: &Path) -> Result<(), ChainStoreError> {
    let absolute = std::path::absolute(target).map_err(ChainStoreError::io(target))?;
    let store = fs::canonicalize(store).map_err(ChainStoreError::io(store))?;
    let there = absolute.ancestors().find(|path| path.exists());
    let there = there.map(fs::canonicalize).transpose();
    match there.map_err(ChainStoreError::io(target))? {
        Some(there) if there.starts_with(&store) => Err(ChainStoreError::InsideStore {
            path: target.to_path_buf(),
        }),
        _ => Ok(()),
    }
}
