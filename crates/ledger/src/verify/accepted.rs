//! Which transactions had valid signatures before: what a node has checked when it came in is not
//! verified again in its block.
//!
//! A transaction is known by a digest of all that its verification depends on: the id, which is the
//! hash of what is signed, and the signatures with their keys. So another signature is another
//! entry, and no verdict changes.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use fusee_crypto::sha256;

use crate::SignedTransaction;

type Digest = [u8; 32];

/// Digests of the transactions that were accepted last. Threads can share it.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The most digests of a generation.
    generation: usize,
    generations: Mutex<Generations>,
}

/// Once the young generation is full, it is the old one, and the old one is dropped.
#[derive(Debug, Default)]
struct Generations {
    young: BTreeSet<Digest>,
    old: BTreeSet<Digest>,
}

impl Accepted {
    /// Remembers the `most` transactions that were accepted last, or half as many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            generation: most / 2,
            generations: Mutex::default(),
        }
    }

    pub(super) fn add(&self, transaction: &SignedTransaction) {
        if self.generation == 0 {
            return;
        }
        let digest = digest(transaction);
        let mut generations = self.lock();
        if generations.young.len() >= self.generation {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(digest);
    }

    /// Which of these transactions were accepted, in their order.
    pub(super) fn find(&self, transactions: &[&SignedTransaction]) -> Vec<bool> {
        if self.lock().is_empty() {
            return vec![false; transactions.len()];
        }
        let digests: Vec<_> = transactions.iter().map(|it| digest(it)).collect();
        let generations = self.lock();
        let found = digests.iter().map(|digest| generations.has(digest));
        found.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        let generations = self.generations.lock();
        generations.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    fn has(&self, digest: &Digest) -> bool {
        self.young.contains(digest) || self.old.contains(digest)
    }
}

/// All that the verification of a transaction depends on. The accounts are part of what is signed,
/// and so of the id.
fn digest(transaction: &SignedTransaction) -> Digest {
    let mut bytes = transaction.id().as_bytes().to_vec();
    transaction.write_authorizations(&mut bytes);
    sha256(&bytes)
}

#[cfg(test)]
mod tests;
