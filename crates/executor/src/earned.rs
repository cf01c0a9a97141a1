//! What runs have used on the interpreter, by program, which earns the program's compilation.
//!
//! It outlives the programs in the cache. A program that is evicted and prepared again and again is
//! compiled at last, however little its calls compute: the interpreter translates it anew each
//! time, which takes longer than they do.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use fusee_engine::{Gas, Program};
use lru::LruCache;

use crate::key::Key;

/// The maximum number of programs, which take some 150 bytes each. The one that was prepared least
/// recently is forgotten first.
const PROGRAMS: NonZeroUsize = NonZeroUsize::new(16_384).expect("it is not zero");

/// What translating a byte of metered code again counts for, in gas. wasmi takes some 40 ns to
/// validate and translate it, and 0.45 ns for one gas of a run.
const TRANSLATION_GAS: u64 = 90;

/// The gas of all programs.
#[derive(Debug)]
pub(crate) struct EarnedByProgram(Mutex<LruCache<Key, Earned>>);

/// The gas of one program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Earned(Arc<AtomicU64>);

impl EarnedByProgram {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(PROGRAMS)))
    }

    /// The gas of a program that is prepared. If it was prepared before, its translation counts.
    pub(crate) fn of(&self, key: Key, program: &Program) -> Earned {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earned) = known.get(&key) {
            let bytes = u64::try_from(program.code.len()).unwrap_or(u64::MAX);
            earned.add(Gas::new(TRANSLATION_GAS).saturating_mul(bytes));
            return earned.clone();
        }
        let earned = Earned::default();
        known.put(key, earned.clone());
        earned
    }
}

impl Earned {
    pub(crate) fn add(&self, gas: Gas) {
        let add = |sum: u64| Some(sum.saturating_add(gas.units()));
        // The closure returns a value, so this cannot fail.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    pub(crate) fn gas(&self) -> Gas {
        Gas::new(self.0.load(Ordering::Relaxed))
    }
}
