//! The artifact folder: a cache of compiled programs on disk.
//!
//! If an artifact is missing or damaged, the program is compiled again. A file is written under a
//! temporary name, synced and renamed, so that a file with an artifact's name is complete. Opening
//! it verifies its checksum nevertheless. Processes may share a folder.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use fusee_engine::{Artifact, ArtifactKey, Mismatch, Program};
use tempfile::NamedTempFile;

/// The prefix of temporary files.
const UNFINISHED: &str = ".unfinished-";

/// The suffix of artifacts.
const SUFFIX: &str = ".artifact";

/// A folder of artifacts.
#[derive(Debug)]
pub(crate) struct Artifacts {
    folder: PathBuf,
    /// The maximum size of all artifacts together, in bytes.
    budget: u64,
}

impl Artifacts {
    /// Opens a folder. Creates it if it does not exist.
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

    /// The artifact with this key. Removes the file if it is damaged or of another key.
    pub(crate) fn find(&self, key: &ArtifactKey) -> Option<Artifact> {
        let path = self.path(key);
        let file = File::open(&path).ok()?;
        match Artifact::open(file, key) {
            Ok(artifact) => Some(artifact),
            Err(mismatch) => {
                tracing::warn!(
                    path = %path.display(),
                    reason = %mismatch,
                    "failed to open an artifact; the program is compiled again"
                );
                if !matches!(mismatch, Mismatch::Io(_)) {
                    // If this fails, the next process detects the same mismatch.
                    let _ = fs::remove_file(&path);
                }
                None
            }
        }
    }

    /// Stores the compiled code of a program.
    pub(crate) fn store(
        &self,
        key: &ArtifactKey,
        program: &Program,
        code: &[u8],
    ) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&self.folder)?;
        Artifact::write(&mut file, program, &key.engine, code)?;
        file.flush()?;
        file.as_file().sync_all()?;
        persist(file, &self.path(key))?;
        File::open(&self.folder)?.sync_all()?;
        self.remove_oldest()
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

    /// Removes the oldest artifacts until the rest fits the budget.
    fn remove_oldest(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Another process may have removed the file.
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

    /// Removes the temporary files of killed processes. If such a process is alive, its artifact is
    /// not stored.
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

/// Fails if all users can write into the folder, since its files contain native code that is
/// executed.
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
            "`{}` is writable for all users, but its files contain native code that is executed: \
             run `chmod o-w` on it",
            folder.display()
        ),
    ))
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> io::Result<()> {
    Ok(())
}
