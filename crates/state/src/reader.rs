//! The seam between state and what holds it.

use std::sync::Arc;

use crate::StateError;

/// The bytes under a key. Clones share them.
pub type Value = Arc<[u8]>;

/// Reads one unchanging version of the state.
///
/// Two reads of the same key through the same reader give the same answer; what is committed
/// elsewhere in the meantime does not show. A [`Journal`](crate::Journal) relies on that.
pub trait StateReader: Send + Sync {
    /// The value under `key`, or `None` if there is none. An empty value is a value.
    ///
    /// # Errors
    ///
    /// Only if the host fails to read. No key is invalid.
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError>;
}
