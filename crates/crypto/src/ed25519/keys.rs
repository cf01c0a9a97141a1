//! Points of public keys, kept from batch to batch.
//!
//! A key is the encoding of a point, and to decode it takes a fifth of the time of a signature in
//! a batch. So the points of the keys that signed are kept. They affect time alone.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use curve25519_dalek::{EdwardsPoint, edwards::CompressedEdwardsY};
use foldhash::fast::RandomState;
use indexmap::{IndexMap, map::Entry};

use crate::ED25519_KEY_BYTES;

type Points = IndexMap<[u8; ED25519_KEY_BYTES], EdwardsPoint, RandomState>;

/// Points of the Ed25519 keys that signed last. Threads can share it.
///
/// Each takes about 300 bytes. The default keeps none.
#[derive(Debug, Default)]
pub struct Ed25519Keys {
    /// The most points of a generation.
    generation: usize,
    generations: Mutex<Generations>,
}

/// Keys that are used move to the young generation. Once that is full, it is the old one, and the
/// old one is dropped.
#[derive(Debug, Default)]
struct Generations {
    young: Points,
    old: Points,
}

impl Ed25519Keys {
    /// Keeps the points of the `most` keys that signed last, or of half as many, if others signed
    /// between.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            generation: most / 2,
            generations: Mutex::default(),
        }
    }

    /// The number of keys whose points are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        let generations = self.lock();
        generations
            .young
            .len()
            .saturating_add(generations.old.len())
    }

    /// Whether no points are kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The points of keys, in their order. `None` if one is not a point.
    pub(super) fn points(&self, keys: &[&[u8; ED25519_KEY_BYTES]]) -> Option<Vec<EdwardsPoint>> {
        let kept: Vec<_> = {
            let generations = self.lock();
            let kept = keys.iter().map(|key| generations.find(key));
            kept.collect()
        };
        // An iterator of options does not say how many there are, and growing would copy them.
        let mut points = Vec::with_capacity(keys.len());
        for (key, kept) in keys.iter().zip(kept) {
            points.push(kept.or_else(|| CompressedEdwardsY(**key).decompress())?);
        }
        Some(points)
    }

    /// Keeps the points of keys.
    pub(super) fn keep(&self, keys: &[&[u8; ED25519_KEY_BYTES]], points: &[EdwardsPoint]) {
        let mut generations = self.lock();
        for (key, point) in keys.iter().zip(points) {
            generations.keep(key, point, self.generation);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn find(&self, key: &[u8; ED25519_KEY_BYTES]) -> Option<EdwardsPoint> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn keep(&mut self, key: &[u8; ED25519_KEY_BYTES], point: &EdwardsPoint, generation: usize) {
        if generation == 0 {
            return;
        }
        if self.young.len() == generation && !self.young.contains_key(key) {
            self.old = mem::take(&mut self.young);
        }
        if let Entry::Vacant(new) = self.young.entry(*key) {
            new.insert(*point);
            self.old.swap_remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
