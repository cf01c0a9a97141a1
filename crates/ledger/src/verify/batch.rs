//! A verifier of batch after batch: on several threads, with the keys of those that signed before,
//! and without verifying again what it was told to remember.
//!
//! The results are those of [`verify`](crate::verify), whatever the threads, the keys and what is
//! remembered.

use std::{num::NonZeroUsize, panic, thread};

use fusee_crypto::Ed25519Keys;

use super::{accepted::Accepted, verify_with};
use crate::{Invalid, SignedTransaction};

/// The fewest transactions for which a thread is started: about a millisecond of work.
const FEWEST_TRANSACTIONS: usize = 64;

/// Verifies the signatures of batches of transactions. Threads can share it.
#[derive(Debug)]
pub struct BatchVerifier {
    threads: NonZeroUsize,
    keys: Ed25519Keys,
    accepted: Accepted,
}

/// How many transactions are remembered: more than a mempool has by default.
const REMEMBERED: usize = 65_536;

impl BatchVerifier {
    /// A verifier that uses so many threads for a batch, that of its caller included, and keeps the
    /// keys of the `kept_keys` Ed25519 accounts that signed last.
    ///
    /// A kept key takes about 300 bytes, and spares a fifth of the time of a signature.
    #[must_use]
    pub fn new(threads: NonZeroUsize, kept_keys: usize) -> Self {
        Self {
            threads,
            keys: Ed25519Keys::new(kept_keys),
            accepted: Accepted::new(REMEMBERED),
        }
    }

    /// Sets how many transactions are remembered that [`Ledger::check`](crate::Ledger::check) found
    /// to be valid (default: the last 65,536, or half as many if others came between). Each takes
    /// about 60 bytes.
    #[must_use]
    pub fn remembering(mut self, transactions: usize) -> Self {
        self.accepted = Accepted::new(transactions);
        self
    }

    /// Remembers a transaction whose signatures were found to be valid, so that they are not
    /// verified again: for those that wait for a block.
    pub(crate) fn remember(&self, transaction: &SignedTransaction) {
        self.accepted.add(transaction);
    }

    /// Verifies the signatures of transactions. The results are those of
    /// [`verify`](crate::verify), in the order of the transactions.
    ///
    /// # Panics
    ///
    /// If the operating system starts no thread.
    #[must_use]
    pub fn verify(&self, transactions: &[&SignedTransaction]) -> Vec<Result<(), Invalid>> {
        let accepted = self.accepted.find(transactions);
        let all = transactions.iter().zip(&accepted);
        let new = all.filter(|(_, accepted)| !**accepted);
        let new: Vec<_> = new.map(|(transaction, _)| *transaction).collect();
        let mut verified = self.verify_new(&new).into_iter();
        let results = accepted.iter().map(|accepted| match accepted {
            true => Ok(()),
            false => verified.next().expect("each new one has a result"),
        });
        results.collect()
    }

    fn verify_new(&self, transactions: &[&SignedTransaction]) -> Vec<Result<(), Invalid>> {
        let size = transactions.len().div_ceil(self.threads.get());
        let mut parts = transactions.chunks(size.max(FEWEST_TRANSACTIONS));
        let Some(first) = parts.next() else {
            return Vec::new();
        };
        thread::scope(|scope| {
            let others: Vec<_> = parts
                .map(|part| scope.spawn(|| verify_with(&self.keys, part)))
                .collect();
            let mut results = verify_with(&self.keys, first);
            for other in others {
                results.extend(
                    other
                        .join()
                        .unwrap_or_else(|fault| panic::resume_unwind(fault)),
                );
            }
            results
        })
    }
}
