//! The artifact folder: a cache of prepared and compiled programs on disk.
//!
//! The artifact of a compiler has compiled code, that of an interpreter only the metered program.
//! If an artifact is missing or damaged, the program is prepared or compiled again. A file is
//! written under a temporary name and renamed, so that a file with an artifact's name is complete
//! unless the machine crashed. Opening it verifies its checksum. Processes may share a folder.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use fusee_engine::{Artifact, ArtifactKey, Mismatch, Program};
use tempfile::NamedTempFile;

use crate::runs::Counter;

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
    /// The size of all artifacts, as far as this process knows: when it last listed the folder, and
    /// what it has stored since. Listing the folder for each artifact would take longer than
    /// storing it.
    used: AtomicU64,
    /// Compiled programs that were loaded, and those that had to be compiled.
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
}

impl Artifacts {
    /// Opens a folder. Creates it if it does not exist.
    pub(crate) fn open(folder: &Path, budget: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        check_private(folder)?;
        let artifacts = Self {
            folder: folder.to_owned(),
            budget,
            used: AtomicU64::new(0),
            hits: Counter::default(),
            misses: Counter::default(),
        };
        artifacts.remove_unfinished()?;
        artifacts.remove_oldest(budget)?;
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
                    "failed to open an artifact; the program is prepared again"
                );
                if !matches!(mismatch, Mismatch::Io(_)) {
                    // If this fails, the next process detects the same mismatch.
                    let _ = fs::remove_file(&path);
                }
                None
            }
        }
    }

    /// Stores a program with its compiled code. The code is empty for an interpreter.
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
        let bytes = file.as_file().metadata()?.len();
        persist(file, &self.path(key))?;
        let used = self.used.fetch_add(bytes, Ordering::Relaxed);
        if used.saturating_add(bytes) > self.budget {
            // Makes room for more than one, since it lists the folder.
            self.remove_oldest(self.budget / 8 * 7)?;
        }
        Ok(())
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

    /// Removes the oldest artifacts until the rest has at most this many bytes.
    fn remove_oldest(&self, most: u64) -> io::Result<()> {
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
            if bytes <= most {
                break;
            }
            let _ = fs::remove_file(path);
            bytes = bytes.saturating_sub(length);
        }
        self.used.store(bytes, Ordering::Relaxed);
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
