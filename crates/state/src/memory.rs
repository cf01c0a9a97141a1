//! State in memory: for tests, for genesis, and for embedders without persistence.

use std::collections::BTreeMap;

use crate::{Diff, Direction, KeyRange, StateError, StateReader, Value};

/// State in memory. Reading it never fails.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MemoryState {
    entries: BTreeMap<Vec<u8>, Value>,
}

impl MemoryState {
    /// Creates an empty state.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies the changes of `diff`.
    pub fn apply(&mut self, diff: &Diff) {
        for (key, value) in diff.iter() {
            match value {
                Some(value) => self.entries.insert(key.to_vec(), Value::from(value)),
                None => self.entries.remove(key),
            };
        }
    }

    /// All entries in ascending order of keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_ref()))
    }
}

/// If a key occurs twice, the later value counts.
impl<V: Into<Value>> FromIterator<(Vec<u8>, V)> for MemoryState {
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        Self {
            entries: entries.map(|(key, value)| (key, value.into())).collect(),
        }
    }
}

impl StateReader for MemoryState {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        Ok(self.entries.get(key).cloned())
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        let mut entries = self.entries.range::<[u8], _>(range.bounds());
        let entry = match direction {
            Direction::Ascending => entries.next(),
            Direction::Descending => entries.next_back(),
        };
        Ok(entry.map(|(key, value)| (key.clone(), Value::clone(value))))
    }
}
