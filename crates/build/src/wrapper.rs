//! A wrapper of rustc, so that the folder of a build makes no difference to the program.
//!
//! Cargo hashes the absolute folder of a path dependency into the metadata of that crate and of all
//! that use it, and the order of functions and constants follows from those. Panics have the paths
//! of sources. What is the same everywhere takes the place of both.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Called by cargo as `RUSTC_WRAPPER`: the compiler, and its arguments.
const SCRIPT: &str = r#"#!/bin/sh
# Runs rustc so that the folder of the build makes no difference to a contract.
rustc=$1
shift
case ${CARGO_MANIFEST_DIR-} in
    '' | "$FUSEE_SYSROOT"/* | "${CARGO_HOME:-$HOME/.cargo}"/*) metadata= ;;
    *) metadata=$CARGO_PKG_NAME-$CARGO_PKG_VERSION ;;
esac
for argument do
    shift
    case $argument in
        metadata=*) argument=metadata=${metadata:-${argument#metadata=}} ;;
    esac
    set -- "$@" "$argument"
done
if [ -n "${CARGO_MANIFEST_DIR-}" ]; then
    set -- "$@" \
        "--remap-path-prefix=$CARGO_MANIFEST_DIR=/$CARGO_PKG_NAME-$CARGO_PKG_VERSION" \
        "--remap-path-prefix=$FUSEE_TARGET=/target" \
        "--remap-path-prefix=$FUSEE_SYSROOT/lib/rustlib/src/rust=/rust"
fi
exec "$rustc" "$@"
"#;

/// Writes the wrapper into a folder, where there is a shell to run it.
pub(crate) fn write(folder: &Path) -> io::Result<Option<PathBuf>> {
    if !cfg!(unix) {
        return Ok(None);
    }
    let file = folder.join("rustc.sh");
    if std::fs::read_to_string(&file).is_ok_and(|found| found == SCRIPT) {
        return Ok(Some(file));
    }
    // Another process may run it at this moment, so it is replaced and not written over.
    let mut script = tempfile::Builder::new();
    #[cfg(unix)]
    script.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755));
    let mut script = script.tempfile_in(folder)?;
    script.write_all(SCRIPT.as_bytes())?;
    script.into_temp_path().persist(&file)?;
    Ok(Some(file))
}
