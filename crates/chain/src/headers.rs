//! The headers of recent blocks, in memory: a header is asked for with every answer about a state,
//! and to read it from the store takes reading and hashing the whole block.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fusee_ledger::Header;

/// How many are kept. Each takes some 300 bytes.
const MOST: usize = 1_024;

/// Headers by height, those of the greatest heights.
#[derive(Debug, Default)]
pub(crate) struct Headers(Mutex<BTreeMap<u64, Header>>);

impl Headers {
    pub(crate) fn keep(&self, header: &Header) {
        let mut headers = self.lock();
        headers.insert(header.height, header.clone());
        if headers.len() > MOST {
            headers.pop_first();
        }
    }

    pub(crate) fn get(&self, height: u64) -> Option<Header> {
        self.lock().get(&height).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Header>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
