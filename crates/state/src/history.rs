//! Histories: what became of one key, version after version.

use crate::Value;

/// A version, and the value that it gave to a key. `None`: it removed the key.
type Change = (u64, Option<Value>);

/// The values of a key that was changed, by the versions that changed it.
///
/// Most keys are changed once, so the last change is here without an allocation.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// The earlier changes, in ascending order of versions.
    before: Vec<Change>,
    last: Change,
}

impl History {
    /// The first change of a key. `None`: the key was removed.
    pub(crate) const fn new(version: u64, value: Option<Value>) -> Self {
        Self {
            before: Vec::new(),
            last: (version, value),
        }
    }

    /// Adds the change of a version above all that are known.
    pub(crate) fn push(&mut self, version: u64, value: Option<Value>) {
        let before = std::mem::replace(&mut self.last, (version, value));
        self.before.push(before);
    }

    /// Forgets what is seen at no version from `oldest` on. `None`: all but the last change.
    pub(crate) fn forget(&mut self, oldest: Option<u64>) {
        let dead = match oldest {
            Some(oldest) if oldest < self.last.0 => visible(&self.before, oldest).saturating_sub(1),
            _ => self.before.len(),
        };
        self.before.drain(..dead);
    }

    /// What became of the key up to a version. `None` if it was not changed up to there.
    pub(crate) fn at(&self, version: u64) -> Option<&Option<Value>> {
        let (made, value) = &self.last;
        if *made <= version {
            return Some(value);
        }
        let last = visible(&self.before, version).checked_sub(1)?;
        self.before.get(last).map(|(_, value)| value)
    }

    /// The last value. `None`: the key was removed.
    pub(crate) const fn last(&self) -> Option<&Value> {
        self.last.1.as_ref()
    }

    /// The version of the last change.
    pub(crate) const fn last_version(&self) -> u64 {
        self.last.0
    }

    /// The last value, without the rest.
    pub(crate) fn into_last(self) -> Option<Value> {
        self.last.1
    }

    /// The number of changes that are known.
    pub(crate) const fn count(&self) -> usize {
        self.before.len().saturating_add(1)
    }

    /// Whether any known change gave the key a value.
    pub(crate) fn has_value(&self) -> bool {
        let mut before = self.before.iter();
        self.last.1.is_some() || before.any(|(_, value)| value.is_some())
    }
}

/// The number of changes up to a version.
fn visible(changes: &[Change], version: u64) -> usize {
    changes.partition_point(|(made, _)| *made <= version)
}
