//! Sets of locals, as words of 64 bits.

use std::iter;

/// A set of locals, and how many they are.
pub(super) struct LocalSet {
    words: Vec<u64>,
    count: u64,
}

impl LocalSet {
    /// The empty set, of so many words.
    pub(super) fn none(words: usize) -> Self {
        Self {
            words: vec![0; words],
            count: 0,
        }
    }

    /// The number of locals in the set.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn words(&self) -> impl Iterator<Item = u64> {
        self.words.iter().copied()
    }

    pub(super) fn insert(&mut self, local: u32) {
        if let Some((word, bit)) = place(local)
            && let Some(word) = self.words.get_mut(word)
        {
            self.count = self.count.saturating_add(u64::from(*word & bit == 0));
            *word |= bit;
        }
    }

    pub(super) fn remove(&mut self, local: u32) {
        if let Some((word, bit)) = place(local)
            && let Some(word) = self.words.get_mut(word)
        {
            self.count = self.count.saturating_sub(u64::from(*word & bit != 0));
            *word &= !bit;
        }
    }

    pub(super) fn clear(&mut self) {
        self.words.fill(0);
        self.count = 0;
    }

    /// Adds another set, which may have fewer words. Returns how many locals were in one of the two
    /// sets only.
    pub(super) fn unite(&mut self, other: impl Iterator<Item = u64>) -> u64 {
        let mut different = 0_u64;
        self.count = 0;
        for (word, other) in self.words.iter_mut().zip(other.chain(iter::repeat(0))) {
            different = different.saturating_add(ones(*word ^ other));
            *word |= other;
            self.count = self.count.saturating_add(ones(*word));
        }
        different
    }

    /// Swaps the set with another one.
    pub(super) fn swap<'a>(&mut self, other: impl Iterator<Item = &'a mut u64>) {
        self.count = 0;
        for (word, other) in self.words.iter_mut().zip(other) {
            std::mem::swap(word, other);
            self.count = self.count.saturating_add(ones(*word));
        }
    }
}

/// The word and the bit of a local in a set.
pub(super) fn place(local: u32) -> Option<(usize, u64)> {
    let word = usize::try_from(local / 64).ok()?;
    Some((word, 1 << (local % 64)))
}

/// The number of locals in a word.
pub(super) fn ones(word: u64) -> u64 {
    u64::from(word.count_ones())
}

/// The words of the last of several sets.
pub(super) fn last_mut<T>(sets: &mut [T], words: usize) -> &mut [T] {
    let begin = sets.len().saturating_sub(words);
    sets.get_mut(begin..).unwrap_or_default()
}
