//! Sets of keys as ranges.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

/// The successor of a key: no key is between them.
pub(crate) fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// A set of keys, as disjoint ranges: each from a first key to an end that it does not include. No
/// range begins where another one ends, so equal sets have equal ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    ends: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Ranges {
    /// Adds the keys from `start` to `end`, without `end`.
    pub(crate) fn insert(&mut self, start: Vec<u8>, end: Vec<u8>) {
        if start >= end {
            return;
        }
        let (mut first, mut last) = (start, end);
        if let Some((start, end)) = self.up_to(&first)
            && *end >= first
        {
            (first, last) = (start.clone(), last.max(end.clone()));
        }
        let touched = |ends: &BTreeMap<Vec<u8>, Vec<u8>>, first: &[u8], last: &[u8]| {
            let mut touched = ends.range::<[u8], _>((Included(first), Included(last)));
            touched.next().map(|(start, _)| start.clone())
        };
        while let Some(start) = touched(&self.ends, &first, &last) {
            let end = self.ends.remove(&start);
            last = last.max(end.unwrap_or_default());
        }
        self.ends.insert(first, last);
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.end_of(key).is_some()
    }

    /// The end of the range that has `key`.
    pub(crate) fn end_of(&self, key: &[u8]) -> Option<&[u8]> {
        let (_, end) = self.up_to(key)?;
        (end.as_slice() > key).then_some(end)
    }

    /// The first key of the range that has all keys just before `end`.
    pub(crate) fn start_of(&self, end: &[u8]) -> Option<&[u8]> {
        let mut before = self.ends.range::<[u8], _>((Unbounded, Excluded(end)));
        let (start, found) = before.next_back()?;
        (found.as_slice() >= end).then_some(start)
    }

    /// The ranges in ascending order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.ends
            .iter()
            .map(|(start, end)| (start.as_slice(), end.as_slice()))
    }

    /// The last range that begins at `key` or before.
    fn up_to(&self, key: &[u8]) -> Option<(&Vec<u8>, &Vec<u8>)> {
        let mut before = self.ends.range::<[u8], _>((Unbounded, Included(key)));
        before.next_back()
    }
}

#[cfg(test)]
mod tests;
