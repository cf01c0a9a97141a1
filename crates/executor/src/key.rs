//! The key of a prepared program, and the interface to the cache that stores it.

use std::fmt::Debug;

use fusee_engine::{CodeHash, RulesId};
use fusee_instrument::Rules;

/// Everything that a prepared program depends on, except the engines: each executor has its own
/// cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) code: CodeHash,
    pub(crate) rules: RulesId,
    /// Whether the program is instrumented for a profiler. The id of the rules does not cover this.
    pub(crate) is_profiled: bool,
}

impl Key {
    /// The key of a program under these rules.
    pub(crate) fn new(code: CodeHash, rules: &Rules) -> Self {
        Self {
            code,
            rules: rules.id(),
            is_profiled: rules.is_profiled(),
        }
    }
}

/// A cache of prepared programs.
pub(crate) trait SizeObserver: Debug + Send + Sync {
    /// Updates the size of a program whose modules changed.
    fn size_changed(&self, key: &Key);
}
