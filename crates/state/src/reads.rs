//! The read set: the keys and the ranges that a transaction read from its base.
//!
//! Two runs of the same transaction on the same base have equal read sets. If another transaction
//! writes no key that a transaction's read set contains, then running it first does not change the
//! result.

use std::collections::BTreeMap;

use crate::Value;
use crate::ranges::Ranges;

/// The keys that were read from the base, and the ranges in which it was searched, in ascending
/// order.
///
/// Of a range, the transaction knows which keys exist, and the values of those that it read as
/// well.
///
/// Created by a [`Journal`](crate::Journal). Two read sets are equal if their keys and ranges are
/// equal.
#[derive(Clone, Debug, Default)]
pub struct ReadSet {
    values: BTreeMap<Vec<u8>, BaseValue>,
    ranges: Ranges,
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

    /// The ranges that were searched: each from a first key to an end that it does not include.
    /// They are disjoint, and none begins where another one ends.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.ranges.iter()
    }

    /// Whether `key` was read, by itself or in a range.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.values.contains_key(key) || self.ranges.contains(key)
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.ranges.iter().len() == 0
    }

    /// The number of keys that were read by themselves.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn value(&self, key: &[u8]) -> Option<&BaseValue> {
        self.values.get(key)
    }

    /// Records a search from `start` to `end`, without `end`.
    pub(crate) fn insert_range(&mut self, start: Vec<u8>, end: Vec<u8>) {
        self.ranges.insert(start, end);
    }

    pub(crate) fn insert(&mut self, key: Vec<u8>, value: BaseValue) {
        self.values.insert(key, value);
    }
}

impl PartialEq for ReadSet {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter()) && self.ranges == other.ranges
    }
}

impl Eq for ReadSet {}
