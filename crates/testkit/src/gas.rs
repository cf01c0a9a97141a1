//! Gas in a file: what calls cost, against which later tests are held.
//!
//! The file has a line for each name, in order: the gas, and the name. It is written where it is
//! missing or `UPDATE_EXPECT` is set, and its difference is reviewed like code.

use std::{collections::BTreeMap, fmt, fs, path::Path};

/// The gas of named calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GasSnapshot(BTreeMap<String, u64>);

/// Calls that cost more or less than in the file, or are not in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasDifference(Vec<Change>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    name: String,
    before: Option<u64>,
    after: Option<u64>,
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
    /// [`GasDifference`] if a call costs another amount, is new, or is gone.
    ///
    /// # Panics
    ///
    /// If the file cannot be read or written, or is malformed.
    pub fn check(&self, file: impl AsRef<Path>, per_mille: u64) -> Result<(), GasDifference> {
        let file = file.as_ref();
        let update = std::env::var_os("UPDATE_EXPECT").is_some();
        if update || !file.exists() {
            let written = fs::write(file, self.to_string());
            written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            return Ok(());
        }
        let text = fs::read_to_string(file);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let before = Self::parse(&text).unwrap_or_else(|line| {
            panic!(
                "{}: `{line}` is not a line of gas and a name",
                file.display()
            )
        });
        let difference = before.difference(self, per_mille);
        match difference.0.is_empty() {
            true => Ok(()),
            false => Err(difference),
        }
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
        GasDifference(changes.collect())
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
        writeln!(
            formatter,
            "the gas of {} calls differs from the file:",
            self.0.len()
        )?;
        for Change {
            name,
            before,
            after,
        } in &self.0
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
        formatter.write_str("if this is wanted, run the test with UPDATE_EXPECT=1")
    }
}

impl std::error::Error for GasDifference {}

#[cfg(test)]
mod tests;
