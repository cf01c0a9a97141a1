//! Wasmtime's compiled artifacts, on disk.

use std::{fs, path::PathBuf, process};

use anyhow::Result;
use wasmtime::{Engine, Module};

use super::into_anyhow;

/// A file with compiled code, which goes when this does.
#[derive(Debug)]
pub(super) struct Artifact(PathBuf);

impl Artifact {
    pub(super) fn write(engine: &Engine, wasm: &[u8]) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("fusee-bench-{}.artifact", process::id()));
        fs::write(&path, engine.precompile_module(wasm).map_err(into_anyhow)?)?;
        Ok(Self(path))
    }

    /// Maps the file. Nothing checks that it is whole.
    #[expect(unsafe_code, reason = "Wasmtime trusts artifacts, and says so")]
    pub(super) fn load(&self, engine: &Engine) -> Result<Module> {
        // SAFETY: `write` wrote the file with such an engine, under a name that is this process's
        // own.
        unsafe { Module::deserialize_file(engine, &self.0) }.map_err(into_anyhow)
    }
}

impl Drop for Artifact {
    fn drop(&mut self) {
        // A file that stays behind in the folder for such files does no harm.
        let _ = fs::remove_file(&self.0);
    }
}
