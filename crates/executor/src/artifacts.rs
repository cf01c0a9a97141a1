//! The folder of artifacts: compiled programs that outlive the process.
//!
//! It is a cache: whatever is wrong with it, programs are compiled again. A file is written under
//! another name, synced and renamed, so that what has an artifact's name is whole; it is verified
//! all the same when it is opened. Processes may share a folder.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use fusee_engine::{Artifact, ArtifactKey, Mismatch, Program};
use tempfile::NamedTempFile;

/// What the names of unfinished files begin with.
const UNFINISHED: &str = ".unfinished-";

/// What the names of artifacts end with.
const SUFFIX: &str = ".artifact";

/// A folder of artifacts.
#[derive(Debug)]
pub(crate) struct Artifacts {
    folder: PathBuf,
    /// Bytes of all files together.
    budget: u64,
}

impl Artifacts {
    /// Opens a folder, or makes it.
    pub(crate) fn open(folder: &Path, budget: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        check_private(folder)?;
        let artifacts = Self {
            folder: folder.to_owned(),
            budget,
        };
        artifacts.remove_unfinished()?;
        Ok(artifacts)
    }

    /// The artifact for this key, if there is one and it is sound. One that is not is removed.
    pub(crate) fn find(&self, key: &ArtifactKey) -> Option<Artifact> {
        let path = self.path(key);
        let file = File::open(&path).ok()?;
        match Artifact::open(file, key) {
            Ok(artifact) => Some(artifact),
            Err(mismatch) => {
                tracing::warn!(
                    path = %path.display(),
                    reason = %mismatch,
                    "an artifact cannot be used: the program is compiled again"
                );
                if !matches!(mismatch, Mismatch::Io(_)) {
                    // If it stays, it is only found wanting again.
                    let _ = fs::remove_file(&path);
                }
                None
            }
        }
    }

    /// Keeps what a program was compiled to.
    pub(crate) fn keep(&self, key: &ArtifactKey, program: &Program, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&self.folder)?;
        Artifact::write(&mut file, program, &key.engine, code)?;
        file.flush()?;
        file.as_file().sync_all()?;
        persist(file, &self.path(key))?;
        File::open(&self.folder)?.sync_all()?;
        self.make_room()
    }

    fn path(&self, key: &ArtifactKey) -> PathBuf {
        let short = |digest: &dyn ToString| digest.to_string().chars().take(16).collect::<String>();
        self.folder.join(format!(
            "{}-{}-{}{SUFFIX}",
            key.code,
            short(&key.rules),
            short(&key.engine)
        ))
    }

    /// Removes the oldest files, as long as there are more bytes than the budget.
    fn make_room(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Another process may have removed it.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if entry.file_name().to_string_lossy().ends_with(SUFFIX) {
                files.push((metadata.modified()?, entry.path(), metadata.len()));
            }
        }
        let mut bytes = files
            .iter()
            .fold(0_u64, |sum, (.., length)| sum.saturating_add(*length));
        files.sort();
        for (_, path, length) in files {
            if bytes <= self.budget {
                break;
            }
            let _ = fs::remove_file(path);
            bytes = bytes.saturating_sub(length);
        }
        Ok(())
    }

    /// Removes what a process left that was killed. If it is alive, it finds its file gone, and keeps nothing.
    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

/// Whoever can write into the folder can have code of theirs run.
#[cfg(unix)]
fn check_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    const OTHERS_WRITE: u32 = 0o002;
    if fs::metadata(folder)?.permissions().mode() & OTHERS_WRITE == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!(
            "everybody may write into `{}`, and what is there is run: `chmod o-w` it",
            folder.display()
        ),
    ))
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> io::Result<()> {
    Ok(())
}
