//! Gas in a file: what calls cost, against which later tests are held.
//!
//! The file has a line for each name, in order: the gas, and the name. Its difference is reviewed
//! like code. Where it is missing it is written, unless `fusee test --check` runs the tests: then
//! the test fails. `UPDATE_EXPECT` writes it again. `fusee test --diff` compares without failing.

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

/// The variable of `fusee test --update-gas`.
const UPDATE: &str = "UPDATE_EXPECT";

/// The variable of `fusee test --check`: a file that is missing is a failure.
const CHECK: &str = "FUSEE_GAS_CHECK";

/// The variable of `fusee test --diff`: the folder that comparisons are written to.
const DIFF: &str = "FUSEE_GAS_DIFF";

/// The gas of named calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GasSnapshot(BTreeMap<String, u64>);

/// Calls that cost more or less than in the file, or are not in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasDifference {
    file: FileState,
    changes: Vec<Change>,
}

/// Whether there is a file to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FileState {
    Found,
    Missing(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    name: String,
    before: Option<u64>,
    after: Option<u64>,
}

/// What a comparison does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    /// Fails where the gas differs, and writes a file that is missing.
    Keep,
    /// Writes the file.
    Update,
    /// Fails where the gas differs, or the file is missing.
    Check,
    /// Writes the comparison into this folder.
    Diff(PathBuf),
}

impl Mode {
    fn of_the_environment() -> Self {
        match (env::var_os(DIFF), env::var_os(UPDATE), env::var_os(CHECK)) {
            (Some(folder), _, _) => Self::Diff(folder.into()),
            (None, Some(_), _) => Self::Update,
            (None, None, Some(_)) => Self::Check,
            (None, None, None) => Self::Keep,
        }
    }
}

impl GasSnapshot {
    /// No calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the gas of a call. A name stands for one call.
    pub fn record(&mut self, name: &str, gas: u64) {
        self.0.insert(name.to_owned(), gas);
    }

    /// Compares with the file, and tells what differs by more than so many per mille. Compilers
    /// change: 0 is for machines whose code is in the repository.
    ///
    /// # Errors
    ///
    /// [`GasDifference`] if a call costs another amount, is new, or is gone; with `fusee test
    /// --check` also if there is no file.
    ///
    /// # Panics
    ///
    /// If the file cannot be read or written, or is malformed.
    pub fn check(&self, file: impl AsRef<Path>, per_mille: u64) -> Result<(), GasDifference> {
        self.check_as(&Mode::of_the_environment(), file.as_ref(), per_mille)
    }

    fn check_as(&self, mode: &Mode, file: &Path, per_mille: u64) -> Result<(), GasDifference> {
        let fail = |error: &dyn fmt::Display| -> ! { panic!("{}: {error}", file.display()) };
        let is_there = file.exists();
        let before = match fs::read_to_string(file) {
            _ if *mode == Mode::Update || !is_there => Self::new(),
            Ok(text) => Self::parse(&text).unwrap_or_else(|line| {
                fail(&format!("`{line}` is not a line of gas and a name"));
            }),
            Err(error) => fail(&error),
        };
        let missing = || GasDifference {
            file: FileState::Missing(file.to_owned()),
            ..before.difference(self, 0)
        };
        match mode {
            Mode::Check if !is_there => return Err(missing()),
            Mode::Keep | Mode::Check if is_there => {
                let difference = before.difference(self, per_mille);
                return match difference.changes.is_empty() {
                    true => Ok(()),
                    false => Err(difference),
                };
            }
            Mode::Diff(folder) => {
                let report = self.report(file, is_there.then_some(&before));
                write_new(folder, &report).unwrap_or_else(|error| fail(&error));
            }
            Mode::Keep | Mode::Update | Mode::Check => {
                let written = fs::write(file, self.to_string());
                written.unwrap_or_else(|error| fail(&error));
            }
        }
        Ok(())
    }

    /// A comparison, as `fusee test --diff` reads it.
    fn report(&self, file: &Path, before: Option<&Self>) -> Value {
        let file = env::current_dir().map_or_else(|_| file.to_owned(), |folder| folder.join(file));
        json!({
            "file": file.display().to_string(),
            "before": before.map(|before| &before.0),
            "now": self.0,
        })
    }

    /// What differs from this to later gas by more than so many per mille.
    #[must_use]
    pub fn difference(&self, later: &Self, per_mille: u64) -> GasDifference {
        let mut names: Vec<_> = self.0.keys().chain(later.0.keys()).collect();
        names.sort();
        names.dedup();
        let changes = names.into_iter().filter_map(|name| {
            let (before, after) = (self.0.get(name).copied(), later.0.get(name).copied());
            let is_same = match (before, after) {
                (Some(before), Some(after)) => {
                    let allowed = u128::from(before).saturating_mul(per_mille.into());
                    let found = u128::from(before.abs_diff(after)).saturating_mul(1_000);
                    found <= allowed
                }
                _ => false,
            };
            let name = name.clone();
            (!is_same).then_some(Change {
                name,
                before,
                after,
            })
        });
        GasDifference {
            file: FileState::Found,
            changes: changes.collect(),
        }
    }

    /// The snapshot in a text, or the line that is malformed.
    fn parse(text: &str) -> Result<Self, String> {
        let mut snapshot = Self::new();
        for line in text.lines() {
            let words = line.trim().split_once(' ');
            match words.and_then(|(gas, name)| Some((gas.parse().ok()?, name))) {
                Some((gas, name)) => snapshot.record(name, gas),
                None => return Err(line.to_owned()),
            }
        }
        Ok(snapshot)
    }
}

/// Writes a file into a folder that tests of other processes write to as well.
fn write_new(folder: &Path, report: &Value) -> std::io::Result<()> {
    let mut number = 0_u32;
    loop {
        let file = folder.join(format!("{number}.json"));
        match fs::File::create_new(file) {
            Ok(mut file) => return file.write_all(report.to_string().as_bytes()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                number = number.saturating_add(1);
            }
            Err(error) => return Err(error),
        }
    }
}

impl fmt::Display for GasSnapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, gas) in &self.0 {
            writeln!(formatter, "{gas:>12} {name}")?;
        }
        Ok(())
    }
}

impl fmt::Display for GasDifference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            FileState::Found => {
                let count = self.changes.len();
                writeln!(formatter, "the gas of {count} calls differs from the file:")?;
            }
            FileState::Missing(file) => {
                let file = file.display();
                writeln!(
                    formatter,
                    "there is no file `{file}` to hold the gas against:"
                )?;
            }
        }
        for Change {
            name,
            before,
            after,
        } in &self.changes
        {
            match (before, after) {
                (Some(before), Some(after)) => {
                    let more = i128::from(*after).saturating_sub((*before).into());
                    writeln!(
                        formatter,
                        "  {name}: {before} before, {after} now ({more:+})"
                    )?;
                }
                (None, Some(after)) => writeln!(formatter, "  {name}: new, {after}")?,
                (Some(before), None) => writeln!(formatter, "  {name}: {before} before, gone")?,
                (None, None) => {}
            }
        }
        formatter.write_str(
            "if this is wanted, write the file by `fusee test --update-gas`, or UPDATE_EXPECT=1",
        )
    }
}

impl std::error::Error for GasDifference {}

#[cfg(test)]
mod tests;
