//! Capsules of transactions that are executed in a data folder, in files.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use fusee::chain::Capsule;

use crate::{
    args::CapsuleArgs,
    failure::{Exit, Failure},
};

/// Writes the first capsule to the file of the flags, if they name one, and compares all. Returns
/// the name of the file, and whether all are the same.
pub(super) fn keep(
    flags: &CapsuleArgs,
    capsules: Vec<Capsule>,
) -> Result<(Option<String>, bool), Failure> {
    let Some(path) = &flags.capsule else {
        return Ok((None, true));
    };
    let mut encoded = Vec::new();
    for capsule in capsules {
        let capsule = match flags.capsule_without_code {
            true => capsule.without_code(),
            false => capsule,
        };
        encoded.push(capsule.encode()?);
    }
    let Some(first) = encoded.first() else {
        return Ok((None, true));
    };
    write(path, first)?;
    let is_same = encoded.iter().all(|other| other == first);
    Ok((Some(path.display().to_string()), is_same))
}

/// Writes a capsule, also in the place of another capsule, and of nothing else.
fn write(path: &Path, capsule: &[u8]) -> Result<(), Failure> {
    let shown = path.display();
    let failed = |error: io::Error| {
        let error = anyhow::Error::new(error).context(format!("cannot write `{shown}`"));
        Failure::new(Exit::Usage, error)
            .next("nothing was committed; choose a file in an existing folder")
    };
    if let Ok(old) = fs::read(path)
        && Capsule::decode(&old).is_err()
    {
        return Err(
            Failure::usage(format!("`{shown}` exists, and is no capsule"))
                .next("nothing was committed; choose another file"),
        );
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(capsule).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
