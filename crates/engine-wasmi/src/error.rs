//! Faults of wasmi, as errors of the host.

use fusee_engine::{EngineError, Source};

use crate::NAME;

pub(crate) fn failed(source: Source) -> EngineError {
    EngineError::Engine {
        engine: NAME,
        source,
    }
}
