//! A verifier of batch after batch: on several threads, with the keys of those that signed before.
//!
//! The results are those of [`verify`](crate::verify), whatever the threads and the keys.

use std::{num::NonZeroUsize, panic, thread};

use fusee_crypto::Ed25519Keys;

use super::verify_with;
use crate::{Invalid, SignedTransaction};

/// The fewest transactions for which a thread is started: about a millisecond of work.
const FEWEST_TRANSACTIONS: usize = 64;

/// Verifies the signatures of batches of transactions. Threads can share it.
#[derive(Debug)]
pub struct BatchVerifier {
    threads: NonZeroUsize,
    keys: Ed25519Keys,
}

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
        }
    }

    /// Verifies the signatures of transactions. The results are those of
    /// [`verify`](crate::verify), in the order of the transactions.
    ///
    /// # Panics
    ///
    /// If the operating system starts no thread.
    #[must_use]
    pub fn verify(&self, transactions: &[&SignedTransaction]) -> Vec<Result<(), Invalid>> {
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
