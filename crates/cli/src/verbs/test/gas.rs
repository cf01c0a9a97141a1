//! Comparisons of gas, which the gas snapshots of the test kit write.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::{
    failure::{Exit, Failure},
    numbers::grouped,
    table::{Align, aligned},
};

/// A file of a gas snapshot, beside what the tests measured.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct GasFile {
    /// The file, from the folder of the contract.
    file: String,
    /// The gas of named calls in the file. `None` if there is none.
    before: Option<BTreeMap<String, u64>>,
    /// The gas that the tests measured.
    now: BTreeMap<String, u64>,
}

/// A folder that the tests write comparisons to.
pub(super) fn folder() -> Result<TempDir, Failure> {
    tempfile::tempdir().map_err(|error| {
        let error = anyhow::Error::new(error).context("cannot make a temporary folder");
        Failure::new(Exit::Host, error).next("set TMPDIR to a folder that can be written to")
    })
}

/// The comparisons in a folder, by their files.
pub(super) fn read(folder: &Path, contract: &Path) -> Result<Vec<GasFile>, Failure> {
    let failed = |error: anyhow::Error| {
        let error = error.context("the comparison of gas cannot be read");
        Failure::new(Exit::Host, error).next("use a test kit of the same version as this program")
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(error.into()))? {
        let text = entry.and_then(|entry| fs::read_to_string(entry.path()));
        let text = text.map_err(|error| failed(error.into()))?;
        let mut file: GasFile =
            serde_json::from_str(&text).map_err(|error| failed(error.into()))?;
        let contract = contract.canonicalize();
        let contract = contract.map_err(|error| failed(error.into()))?;
        if let Ok(within) = Path::new(&file.file).strip_prefix(contract) {
            file.file = within.display().to_string();
        }
        files.push(file);
    }
    files.sort_by(|left, right| left.file.cmp(&right.file));
    Ok(files)
}

/// The calls whose gas differs, by file.
pub(super) fn text(files: &[GasFile]) -> String {
    if files.is_empty() {
        return "no test compares gas: `GasSnapshot` of the test kit does\n".to_owned();
    }
    let texts: Vec<_> = files.iter().map(GasFile::text).collect();
    texts.join("\n")
}

impl GasFile {
    fn text(&self) -> String {
        let Some(before) = &self.before else {
            let (file, calls) = (&self.file, self.now.len());
            return format!(
                "gas: there is no {file}, which would have {calls} calls\n  \
                 next: write it by `fusee test --update-gas`\n"
            );
        };
        let names: BTreeSet<_> = before.keys().chain(self.now.keys()).collect();
        let cell = |gas: Option<&u64>| gas.map_or_else(|| "-".to_owned(), |gas| grouped(*gas));
        let head = [
            format!("gas, {}", self.file),
            "before".into(),
            "now".into(),
            "change".into(),
        ];
        let mut rows = vec![head];
        let mut equal = 0_usize;
        for name in names {
            let (before, now) = (before.get(name), self.now.get(name));
            if before == now {
                equal = equal.saturating_add(1);
                continue;
            }
            rows.push([name.clone(), cell(before), cell(now), change(before, now)]);
        }
        let columns = [Align::Left, Align::Right, Align::Right, Align::Right];
        format!("{}{equal} calls as before\n", aligned(0, columns, &rows))
    }
}

/// `+94 (+0.3%)`.
fn change(before: Option<&u64>, now: Option<&u64>) -> String {
    match (before, now) {
        (Some(before), Some(now)) => {
            let sign = if now > before { '+' } else { '-' };
            let difference = now.abs_diff(*before);
            let tenths = u128::from(difference)
                .saturating_mul(1_000)
                .checked_div((*before).into())
                .unwrap_or_default();
            let (percent, tenth) = (tenths / 10, tenths % 10);
            format!("{sign}{} ({sign}{percent}.{tenth}%)", grouped(difference))
        }
        (None, Some(_)) => "new".to_owned(),
        _ => "gone".to_owned(),
    }
}
