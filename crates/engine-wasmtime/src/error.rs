//! Faults of Wasmtime, as errors of the host.

use fusee_engine::{EngineError, Source};

use crate::NAME;

pub(crate) fn failed(source: Source) -> EngineError {
    EngineError::Engine {
        engine: NAME,
        source,
    }
}

pub(crate) fn compile_failed(error: wasmtime::Error) -> EngineError {
    EngineError::Compile {
        engine: NAME,
        source: error.into(),
    }
}
