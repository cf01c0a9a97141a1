//! The read set: the keys that a transaction read from its base.
//!
//! Two runs of the same transaction on the same base have equal read sets. If another transaction
//! writes no key of a transaction's read set, then running it first does not change the result.

use std::collections::BTreeMap;

use crate::Value;

/// The keys that were read from the base, in ascending order.
///
/// Created by a [`Journal`](crate::Journal). Two read sets are equal if their keys are equal.
#[derive(Clone, Debug, Default)]
pub struct ReadSet {
    values: BTreeMap<Vec<u8>, BaseValue>,
}

/// The base's value of a key that was read.
#[derive(Clone, Debug)]
pub(crate) enum BaseValue {
    /// The value, or `None` if the key does not exist.
    Known(Option<Value>),
    /// The caller had the value in a cache.
    Unknown,
}

impl ReadSet {
    /// The keys, in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.values.keys().map(Vec::as_slice)
    }

    /// Whether `key` was read.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.values.contains_key(key)
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn value(&self, key: &[u8]) -> Option<&BaseValue> {
        self.values.get(key)
    }

    pub(crate) fn insert(&mut self, key: Vec<u8>, value: BaseValue) {
        self.values.insert(key, value);
    }
}

impl PartialEq for ReadSet {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ReadSet {}
