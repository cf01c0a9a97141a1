//! A state of which some values are known, since they were read before.
//!
//! What admits a transaction, its nonce, balances and quota, is read again by what executes it, and
//! each read searches the changes of the block and the state below them.

use std::sync::{Arc, Mutex, PoisonError};

use fusee_state::{Direction, KeyRange, StateError, StateReader, Value};

/// The values of keys that were read.
type Values = Vec<(Vec<u8>, Option<Value>)>;

/// A state that remembers what is read of it.
pub(crate) struct Remembering {
    state: Arc<dyn StateReader>,
    values: Mutex<Values>,
}

/// The state afterwards.
struct Known {
    state: Arc<dyn StateReader>,
    values: Values,
}

impl Remembering {
    pub(crate) const fn new(state: Arc<dyn StateReader>) -> Self {
        let values = Mutex::new(Vec::new());
        Self { state, values }
    }

    /// The same state, which does not read again what was read so far.
    pub(crate) fn known(self) -> Arc<dyn StateReader> {
        let Self { state, values } = self;
        let values = values.into_inner().unwrap_or_else(PoisonError::into_inner);
        Arc::new(Known { state, values })
    }
}

impl StateReader for Remembering {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        let value = self.state.read(key)?;
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.push((key.to_vec(), value.clone()));
        Ok(value)
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        self.state.seek(range, direction)
    }
}

impl StateReader for Known {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        // A handful of keys.
        match self.values.iter().find(|(known, _)| known == key) {
            Some((_, value)) => Ok(value.clone()),
            None => self.state.read(key),
        }
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        self.state.seek(range, direction)
    }
}
