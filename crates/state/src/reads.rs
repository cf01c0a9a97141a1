//! The read set: the keys whose answers a transaction took from its base.
//!
//! Two runs of the same transaction on the same base have equal read sets. A transaction whose
//! read set no other transaction wrote comes to the same result after that other transaction.

use std::collections::BTreeMap;

use crate::Value;

/// Keys that were read from the base, in ascending order.
///
/// A [`Journal`](crate::Journal) makes it. Two read sets are equal if their keys are.
#[derive(Clone, Debug, Default)]
pub struct ReadSet {
    answers: BTreeMap<Vec<u8>, Answer>,
}

/// What the base says of a key that was read.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The value, or that there is none.
    Known(Option<Value>),
    /// The caller had it in a cache.
    Unknown,
}

impl ReadSet {
    /// The keys, in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.answers.keys().map(Vec::as_slice)
    }

    /// Whether `key` was read.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.answers.contains_key(key)
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// How many keys were read.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    pub(crate) fn answer(&self, key: &[u8]) -> Option<&Answer> {
        self.answers.get(key)
    }

    pub(crate) fn insert(&mut self, key: Vec<u8>, answer: Answer) {
        self.answers.insert(key, answer);
    }
}

impl PartialEq for ReadSet {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ReadSet {}
