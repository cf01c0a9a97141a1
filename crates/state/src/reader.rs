//! The interface to a state backend.

use std::sync::Arc;

use crate::StateError;

/// The bytes under a key. Clones share them.
pub type Value = Arc<[u8]>;

/// Reads one unchanging version of the state.
///
/// Repeated reads of a key through the same reader return the same value. Commits do not affect an
/// existing reader. A [`Journal`](crate::Journal) relies on this.
pub trait StateReader: Send + Sync {
    /// The value under `key`, or `None` if the key does not exist. An empty value is a value.
    ///
    /// # Errors
    ///
    /// If the host cannot read the state. No key is invalid.
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError>;
}
